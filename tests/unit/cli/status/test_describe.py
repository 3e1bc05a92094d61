"""From what was read of a cluster to what is shown."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.cli.status.models import Answer
from natsctl.cli.status.view import ClusterView, to_json
from tests.unit.cli.sights import (
    answers,
    cluster,
    event,
    held,
    lease,
    pod,
    secret,
    seen,
    server,
    status,
)
from tests.unit.plan.references import tls_secret

GO = "created by the Go operator and left unchanged; its next restart adds a readiness probe"


class TestReady:
    def test_of_this_generation(self) -> None:
        assert seen().ready
        assert seen().operator_problem == ""

    def test_a_change_that_nobody_has_seen_yet(self) -> None:
        found = seen(cluster=cluster(status=status(), generation=2))
        assert not found.ready
        assert "has not seen the latest change yet (generation 2, seen 1)" in found.operator_problem

    def test_without_a_status(self) -> None:
        found = seen(cluster=cluster(), pods=())
        assert not found.ready
        assert "does one manage this namespace?" in found.operator_problem

    def test_a_status_of_the_go_operator(self) -> None:
        ring = [{"type": "Ready"}, {"type": "ScalingUp", "reason": "x"}, {"type": "Ready"}]
        found = seen(cluster=cluster(status={"conditions": ring, "size": 3}))
        assert (found.ready, found.size, found.conditions) == (False, 3, ())


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (lease(), ""),
        (None, ""),
        (lease(holder=""), "nobody holds its lease: is it running?"),
        (lease(renewed="2026-11-23T11:00:00.5Z"), "last renewed at 2026-11-23T11:00:00Z"),
    ],
)
def test_an_operator_that_is_away(record: Any, says: str) -> None:
    problem = seen(lease=record).operator_problem
    assert says in problem
    assert bool(says) == bool(problem)


class TestServers:
    def test_what_is_known_of_each(self) -> None:
        first, second = seen(answers=answers(1, 1, connections=7)).servers
        assert first == attrs.evolve(second, name="x-1")
        assert (first.state, first.restarts, first.routes, first.foreign_routes) == (
            "Running",
            1,
            1,
            0,
        )
        assert first.connections == 7

    def test_routes_to_other_clusters_are_counted_apart(self) -> None:
        told = answers(1, 1) | {"uid-x-1": Answer("id1", 0, frozenset({"id2", "far"}))}
        first, _ = seen(answers=told).servers
        assert (first.routes, first.foreign_routes) == (1, 1)

    def test_while_one_does_not_answer_whose_routes_they_are_is_not_known(self) -> None:
        told = answers(1, 1) | {"uid-x-2": Answer(problem="no")}
        first, second = seen(answers=told).servers
        assert (first.routes, first.foreign_routes) == (1, None)
        assert (second.routes, second.connections) == (None, None)

    def test_reasons_are_told_once(self) -> None:
        told = {"uid-x-1": Answer(problem="no"), "uid-x-2": Answer(problem="no")}
        found = seen(answers=told, unread=("events: no",))
        assert found.notes == ("events: no", "routes and clients of x-1, x-2: no")

    def test_a_server_without_a_pod_and_a_pod_that_nobody_told_of(self) -> None:
        told = status(servers=[server("x-1", "is gone", ready=False)])
        found = seen(cluster=cluster(status=told), pods=(pod("x-2"),)).servers
        assert [(s.name, s.ready, s.state, s.message) for s in found] == [
            ("x-2", False, "Running", ""),
            ("x-1", False, "", "is gone"),
        ]

    def test_pods_of_somebody_else_are_none(self) -> None:
        owner = {"kind": "StatefulSet", "name": "x", "uid": "v", "controller": True}
        stranger = pod("x-3", metadata={"ownerReferences": [owner]})
        assert [s.name for s in seen(pods=(pod("x-2"), stranger, pod("x-1"))).servers] == [
            "x-1",
            "x-2",
        ]

    @pytest.mark.parametrize(
        ("more", "state"),
        [
            ({"status": {"phase": "Pending"}}, "Pending"),
            ({"metadata": {"deletionTimestamp": "2026-11-23T12:00:00Z"}}, "Terminating"),
            ({"status": {"phase": "Failed", "reason": "Evicted"}}, "Evicted"),
            (
                {
                    "status": {
                        "containerStatuses": [
                            {
                                "name": "nats",
                                "restartCount": 4,
                                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                            }
                        ]
                    }
                },
                "CrashLoopBackOff",
            ),
        ],
    )
    def test_states(self, more: dict[str, Any], state: str) -> None:
        assert seen(pods=(pod("x-1", **more),)).servers[0].state == state


class TestNotInTodaysForm:
    def test_servers_by_what_their_restart_brings(self) -> None:
        told = [server("x-1", GO), server("x-2", GO), server("x-a", f"{GO}, the pod name x-10")]
        found = seen(
            cluster=cluster(status=status(servers=told)),
            pods=(pod("x-a", old=True), pod("x-2", old=True), pod("x-1", old=True)),
        )
        assert [(d.subjects, d.message) for d in found.differences] == [
            (("x-1", "x-2"), GO),
            (("x-a",), f"{GO}, the pod name x-10"),
        ]

    def test_a_server_of_which_something_more_urgent_is_told(self) -> None:
        told = status(servers=[server("x-1", "is starting", ready=False)])
        found = seen(cluster=cluster(status=told), pods=(pod("x-1", old=True),))
        (difference,) = found.differences
        assert difference.message.startswith("created by the Go operator")
        assert found.servers[0].message == "is starting"

    def test_tokens_that_nobody_renews(self) -> None:
        new = held("r-x-bound-token", **{"nats.io_token9renew9after": "2026-12-01T00:00:00Z"})
        found = seen(
            secret_metadata=(held("b-x-bound-token"), new, held("a-x-bound-token"), held("x"))
        )
        (difference,) = found.differences
        assert difference.subjects == ("Secret a-x-bound-token", "Secret b-x-bound-token")
        assert "until you delete the Secret" in difference.message

    def test_nothing(self) -> None:
        assert seen().differences == ()


class TestCertificates:
    def shown(self, **data: str) -> Any:
        held = {"s": secret("s", **data)} if data else {}
        told = status(certificates=[{"listener": "clients", "secret": "s", "notAfter": "T"}])
        (found,) = seen(
            cluster=cluster({"size": 2, "tls": {"serverSecret": "s"}}, told), secrets=held
        ).certificates
        return found

    def test_without_a_look_at_the_secret_the_status_tells(self) -> None:
        found = self.shown()
        assert (found.listener, found.secret, found.not_after) == ("clients", "s", "T")

    def test_a_secret_that_lacks_a_key(self) -> None:
        assert self.shown(**{"server.pem": ""}).problem == "lacks server-key.pem"

    def test_what_the_secret_holds(self) -> None:
        found = self.shown(**(tls_secret("s", "x.ns.svc").data or {}))
        assert (found.problem, found.names) == ("", ("x.ns.svc",))
        assert found.not_after.endswith("Z")

    def test_what_cannot_be_read(self) -> None:
        found = self.shown(**{"server.pem": "!", "server-key.pem": "!"})
        assert (found.not_after, found.problem) == ("T", "the certificate cannot be read")

    def test_files_of_the_template(self) -> None:
        files = {"CertFileName": "/c", "KeyFileName": "/k", "CAFileName": "/ca"}
        named = {f"serverSecret{key}": path for key, path in files.items()}
        spec = {"size": 2, "tls": {"serverSecret": "s", **named}}
        (found,) = seen(
            cluster=cluster(spec, status()), secrets={"s": secret("s", x="")}
        ).certificates
        assert found.problem == ""

    def test_a_spec_that_cannot_be_read(self) -> None:
        told = status(certificates=[{"listener": "clients", "secret": "s", "notAfter": "T"}])
        found = seen(cluster=cluster({"size": "x"}, told))
        assert [c.not_after for c in found.certificates] == ["T"]
        assert (found.wanted_size, found.wanted_version) == (0, "")


def test_the_last_ten_events() -> None:
    many = [event(f"R{n}", "m", f"2026-11-23T11:{n:02}:00Z") for n in range(12, 0, -1)]
    assert [e.reason for e in seen(events=tuple(many)).events] == [f"R{n}" for n in range(3, 13)]


def test_times_and_counts_of_events_of_all_kinds() -> None:
    series: dict[str, Any] = {"series": {"count": 4, "lastObservedTime": "2026-11-23T11:02:00Z"}}
    none: dict[str, Any] = {"lastTimestamp": None}
    found = seen(
        events=(
            event("A", "m", "2026-11-23T11:00:00Z", count=3),
            event("B", "m", eventTime="2026-11-23T11:01:00Z", **none),
            event("C", "m", **none, **series),
        )
    ).events
    assert [(e.reason, e.time[11:16], e.count) for e in found] == [
        ("A", "11:00", 3),
        ("B", "11:01", 1),
        ("C", "11:02", 4),
    ]


def test_the_json_is_documented() -> None:
    found = to_json(seen(events=(event("A", "m"),)))
    assert isinstance(found, dict)
    assert [*found] == [
        "namespace",
        "name",
        "ready",
        "phase",
        "paused",
        "wantedSize",
        "size",
        "readyReplicas",
        "wantedVersion",
        "currentVersion",
        "created",
        "generation",
        "observedGeneration",
        "operator",
        "operatorProblem",
        "conditions",
        "servers",
        "differences",
        "certificates",
        "jetstream",
        "events",
        "notes",
    ]
    assert found["servers"][0]["foreignRoutes"] == 0
    assert to_json(ClusterView("ns", "x"))["servers"] == []
