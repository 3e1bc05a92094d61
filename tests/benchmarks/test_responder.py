"""The answers given in the name of pods that only pretend to run."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from benchmarks.responder import Roster
from benchmarks.streams import STREAMS
from natsctl.nats.jetstream_answers import JSZ, Answers, report


def pod(uid: str, address: str | None, cluster: str = "a") -> dict[str, Any]:
    labels = {"nats_cluster": cluster, "nats_version": "2.12.15"}
    status = {"podIP": address} if address else {}
    meta = {"uid": uid, "name": f"pod-{uid}", "namespace": "n", "labels": labels}
    return {"metadata": meta, "spec": {}, "status": status}


@pytest.fixture
def roster() -> Roster:
    """Two servers of one cluster, one of another, and one without an address yet."""
    found = Roster()
    found.learn("ADDED", pod("u1", "10.0.0.1"))
    found.learn("ADDED", pod("u2", "10.0.0.2"))
    found.learn("ADDED", pod("u3", "10.0.0.3", "b"))
    found.learn("ADDED", pod("u4", None))
    return found


def routes(roster: Roster, address: str) -> Any:
    said = roster.answer(address, "/routez")
    assert said is not None
    return said["routes"]


def test_a_server_tells_its_id_and_version(roster: Roster) -> None:
    said = roster.answer("10.0.0.1", "/varz")
    assert said is not None
    assert [said[key] for key in ("server_id", "server_name", "version")] == [
        "u1",
        "pod-u1",
        "2.12.15",
    ]


def test_it_has_routes_to_the_others_of_its_cluster(roster: Roster) -> None:
    assert routes(roster, "10.0.0.1") == [{"remote_id": "u2", "remote_name": "pod-u2"}]
    assert routes(roster, "10.0.0.3") == []


def test_nobody_answers_at_an_address_without_a_pod(roster: Roster) -> None:
    roster.learn("DELETED", pod("u2", "10.0.0.2"))
    assert roster.answer("10.0.0.2", "/varz") is None
    assert routes(roster, "10.0.0.1") == []


def test_an_address_may_pass_on_before_its_old_pod_is_gone(roster: Roster) -> None:
    roster.learn("ADDED", pod("u5", "10.0.0.1", "b"))
    roster.learn("DELETED", pod("u1", "10.0.0.1"))
    said = roster.answer("10.0.0.1", "/varz")
    assert said is not None
    assert said["server_id"] == "u5"


def test_natsctl_finds_nothing_wrong_with_its_streams(roster: Roster) -> None:
    for address, name in (("10.0.0.1", "pod-u1"), ("10.0.0.2", "pod-u2")):
        pages = [roster.answer(address, path) for path in ("/varz", "/routez", JSZ, "/healthz")]
        varz, routez, jsz, healthz = (msgspec.json.encode(page) for page in pages)
        said = report(name, Answers(varz, routez, (jsz,), healthz, 200))
        assert said.problem == ""
        assert len(said.groups) == 2 * STREAMS
        assert (said.unknown, said.extra) == ((), 0)
