"""The answers given in the name of pods that only pretend to run."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.responder import Roster


def pod(uid: str, address: str | None, cluster: str = "a") -> dict[str, Any]:
    labels = {"nats_cluster": cluster, "nats_version": "2.12.15"}
    status = {"podIP": address} if address else {}
    return {"metadata": {"uid": uid, "namespace": "n", "labels": labels}, "status": status}


@pytest.fixture
def roster() -> Roster:
    """Two servers of one cluster, one of another, and one without an address yet."""
    found = Roster()
    found.learn("ADDED", pod("u1", "10.0.0.1"))
    found.learn("ADDED", pod("u2", "10.0.0.2"))
    found.learn("ADDED", pod("u3", "10.0.0.3", "b"))
    found.learn("ADDED", pod("u4", None))
    return found


def test_a_server_tells_its_id_and_version(roster: Roster) -> None:
    assert roster.answer("10.0.0.1", "/varz") == {"server_id": "u1", "version": "2.12.15"}


def test_it_has_routes_to_the_others_of_its_cluster(roster: Roster) -> None:
    assert roster.answer("10.0.0.1", "/routez") == {"routes": [{"remote_id": "u2"}]}
    assert roster.answer("10.0.0.3", "/routez") == {"routes": []}


def test_nobody_answers_at_an_address_without_a_pod(roster: Roster) -> None:
    roster.learn("DELETED", pod("u2", "10.0.0.2"))
    assert roster.answer("10.0.0.2", "/varz") is None
    assert roster.answer("10.0.0.1", "/routez") == {"routes": []}


def test_an_address_may_pass_on_before_its_old_pod_is_gone(roster: Roster) -> None:
    roster.learn("ADDED", pod("u5", "10.0.0.1", "b"))
    roster.learn("DELETED", pod("u1", "10.0.0.1"))
    assert roster.answer("10.0.0.1", "/varz") == {"server_id": "u5", "version": "2.12.15"}
