"""A roll that cannot end well does not begin; one that began is finished or taken back."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import ClusterStatus
from natsctl.api.version_borders import LAST_OF_LINES
from natsctl.model.objects import Cluster, Meta, Pod
from natsctl.model.observation import Observation
from natsctl.plan.actions import CreateServer, DeleteServer, ReplaceServer
from natsctl.plan.desired import ParsedSpec, desired_of, parse_cluster
from natsctl.plan.references import References
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from natsctl.render.inputs import Images
from tests.unit.plan.world import (
    NAME,
    NAMESPACE,
    UID,
    A,
    all_of,
    answers,
    cluster_state,
    planned,
    pod,
    terminating,
)

DIGEST = "nats@sha256:" + "0" * 64


def three(version: str, **fields: Any) -> dict[str, Any]:
    return {"size": 3, "version": version, **fields}


def servers(version: str, *indexes: int, **fields: Any) -> tuple[Pod, ...]:
    return tuple(pod(i, three(version, **fields)) for i in indexes or (1, 2, 3))


def meaning(
    spec: dict[str, Any],
    pods: tuple[Pod, ...],
    before: str = "",
    seen: Mapping[str, Observation] | None = None,
) -> ParsedSpec:
    made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec)
    return parse_cluster(made, ClusterStatus(current_version=before), pods, seen or {})


def looked(
    spec: dict[str, Any], pods: tuple[Pod, ...], mesh: dict[str, Observation] | None = None
) -> ClusterState:
    """A cluster as the operator sees it, all but its pods in place."""
    mesh = answers(*pods) if mesh is None else mesh
    understood = meaning(spec, pods, seen=mesh)
    made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec)
    goal = desired_of(made, understood, pods, References(), Images())
    return cluster_state(spec, pods, mesh, desired=goal, problems=understood.problems)


def actions(found: ClusterState, *kinds: type[A]) -> list[A]:
    return [action for action in planned(found) if isinstance(action, kinds)]


ON_SERVERS = CreateServer, DeleteServer, ReplaceServer


@pytest.mark.parametrize(
    ("running", "wanted", "way"),
    [
        ("1.4.1", "2.10.29", "scale to 0 and back"),
        ("1.4.1", "2.0.0", "scale to 0 and back"),
        ("2.10.29", "1.4.1", "scale to 0 and back"),
        ("2.12.15", "2.15.3", "set version 2.14.10 first, then 2.15.3 once"),
        ("2.12.15", "2.15", "set version 2.14.10 first, then 2.15 once"),
        ("2.12.15", "nightly", "set version 2.14.10 first"),
        ("2.15.3", "2.12.15", "set version 2.14.10 first, then 2.12.15 once"),
        ("1.4.1", "latest", "scale to 0 and back"),
    ],
)
def test_no_server_is_touched(running: str, wanted: str, way: str) -> None:
    """The way is told, and the servers stay as they are."""
    found = looked(three(wanted), servers(running))
    assert actions(found, *ON_SERVERS) == []
    told = {c.type: c for c in status(found).conditions}
    accepted = told["SpecAccepted"]
    assert (accepted.status, accepted.reason) == ("False", "VersionOutOfReach")
    assert accepted.message.startswith(f"spec.version: servers of {running} and {wanted} cannot")
    assert way in accepted.message
    assert (told["Ready"].status, told["Ready"].reason) == ("False", "VersionOutOfReach")
    assert status(found).phase == "Failed"


@pytest.mark.parametrize(
    ("running", "wanted"),
    [("2.12.15", "2.14.10"), ("2.14.10", "2.15.3"), ("2.1.9", "2.10.29"), ("1.3.0", "1.4.1")],
)
def test_other_versions_are_rolled_to(running: str, wanted: str) -> None:
    assert meaning(three(wanted), servers(running)).unreached == ""
    assert [a.name for a in actions(looked(three(wanted), servers(running)), *ON_SERVERS)] == [
        "c-3"
    ]


def test_all_else_is_done_with_the_version_that_runs() -> None:
    """A lost server comes back, a new size is reached, another setting is rolled."""
    spec = three("2.15.3", natsConfig={"maxPending": 2**20})
    found = looked(spec, servers("2.12.15", 1, 2))
    (made,) = all_of(CreateServer, actions(found, *ON_SERVERS))
    assert made.index == 3
    assert found.desired is not None
    assert str(found.desired.target.version) == "2.12.15"
    (replaced,) = all_of(ReplaceServer, actions(looked(spec, servers("2.12.15")), *ON_SERVERS))
    assert replaced.changes == ("natsConfig.maxPending",)


def test_going_back_to_what_runs_ends_it() -> None:
    assert actions(looked(three("2.12.15"), servers("2.12.15")), *ON_SERVERS) == []
    assert meaning(three("2.12.15"), servers("2.12.15")).unreached == ""


def test_through_size_0_every_version_is_reached() -> None:
    zero = three("2.10.29") | {"size": 0}
    (gone,) = actions(looked(zero, servers("1.4.1")), *ON_SERVERS)
    assert gone.name == "c-3"
    assert meaning(three("2.10.29"), ()).unreached == ""
    leaving = tuple(map(terminating, servers("1.4.1")))
    assert meaning(three("2.10.29"), leaving).unreached == ""


def test_where_nothing_runs_every_version_is_reached() -> None:
    down = tuple(pod(i, three("1.4.1"), ready=False) for i in (1, 2, 3))
    assert meaning(three("2.10.29"), down).unreached == ""
    state = {"name": "nats", "state": {"running": {}}}
    up = pod(1, three("1.4.1"), ready=False, containerStatuses=[state])
    assert meaning(three("2.10.29"), (up, *down[1:])).unreached


@pytest.mark.parametrize(
    ("fields", "reached"),
    [
        ({}, True),
        ({"extraRoutes": [{"route": "nats://elsewhere:6222"}]}, False),
        ({"size": 2}, False),
    ],
)
def test_a_server_without_peers_goes_from_1_x_to_2_x(fields: dict[str, Any], reached: bool) -> None:
    spec = three("2.10.29") | {"size": 1} | fields
    assert (meaning(spec, servers("1.4.1", 1)).unreached == "") is reached


def split() -> tuple[tuple[Pod, ...], dict[str, Observation]]:
    """A roll from 1.x to 2.x that an earlier natsctl began: neither has routes to the other."""
    pods = (*servers("1.4.1", 1, 2), *servers("2.10.29", 3))
    mesh = answers(*pods)
    mesh["pod-1-0"] = attrs.evolve(mesh["pod-1-0"], route_peers=frozenset({"pod-2-0"}))
    mesh["pod-2-0"] = attrs.evolve(mesh["pod-2-0"], route_peers=frozenset({"pod-1-0"}))
    mesh["pod-3-0"] = attrs.evolve(mesh["pod-3-0"], route_peers=frozenset())
    return pods, mesh


@pytest.mark.parametrize(("wanted", "next_one"), [("1.4.1", "c-3"), ("2.10.29", "c-2")])
def test_a_roll_that_began_is_taken_back_or_finished(wanted: str, next_one: str) -> None:
    """Servers that never meet are not waited for."""
    pods, mesh = split()
    (action,) = all_of(ReplaceServer, actions(looked(three(wanted), pods, mesh), *ON_SERVERS))
    assert action.name == next_one


def test_they_stay_with_the_version_that_all_of_them_had() -> None:
    pods = (*servers("2.11.17", 1, 2), *servers("2.12.15", 3))
    assert str(meaning(three("2.15.3"), pods, "2.12.15").version) == "2.12.15"
    assert str(meaning(three("2.15.3"), pods).version) == "2.11.17"


def test_a_roll_to_the_version_in_between_goes_on() -> None:
    """Whoever writes the last version too early gets there all the same."""
    pods = (*servers("2.12.15", 1, 2), *servers("2.14.10", 3))
    found = meaning(three("2.15.3"), pods, "2.12.15")
    assert "servers of 2.12.15 and 2.15.3" in found.unreached
    assert str(found.version) == "2.14.10"
    assert meaning(three("2.15.3"), servers("2.14.10"), "2.12.15").unreached == ""


def test_of_a_tag_that_says_nothing_it_is_the_release_that_counts() -> None:
    pods = servers("prod")
    seen = {p.metadata.uid: Observation(p.metadata.uid, "2.12.15") for p in pods}
    found = meaning(three("2.15.3"), pods, seen=seen)
    assert "servers of prod and 2.15.3" in found.unreached
    assert found.version is not None
    assert (str(found.version), found.version.number) == ("prod", (2, 12, 15))
    assert meaning(three("2.15.3"), pods).unreached == ""


def test_without_a_tag_nothing_is_known() -> None:
    bare = msgspec.structs.replace(pod(1, three("1.4.1")).metadata, labels=None, annotations=None)
    pods = (msgspec.structs.replace(pod(1, three("1.4.1")), metadata=bare),)
    assert meaning(three("2.10.29"), pods).unreached == ""


@pytest.mark.parametrize("fields", [{"serverImage": DIGEST}, {"useServerName": True}])
def test_where_the_rest_is_of_the_new_version_nothing_is_changed(fields: dict[str, Any]) -> None:
    """An image by its digest, or a field that the old one does not know."""
    found = looked(three("2.10.29", **fields), servers("1.4.1"))
    assert actions(found, *ON_SERVERS) == []
    assert [p.path for p in found.problems] == ["spec.version"]
    assert "cannot run side by side" in status(found).conditions[3].message


class TestStores:
    """Where servers store streams, more releases do not go together."""

    @pytest.mark.parametrize(
        ("running", "wanted", "first"),
        [
            ("2.14.5", "2.15.3", "2.14.10"),
            ("2.12.15", "2.11.5", "2.11.17"),
            ("2.10.29", "2.9.20", "2.9.25"),
        ],
    )
    def test_some_are_not_reached(self, running: str, wanted: str, first: str) -> None:
        assert meaning(three(wanted), servers(running)).unreached == ""
        found = meaning(three(wanted, jetstream={}), servers(running, jetstream={}))
        assert f"set version {first} first" in found.unreached
        assert str(found.version) == running

    def test_a_roll_that_passed_the_border_partly_is_told_too(self) -> None:
        pods = (*servers("2.14.5", 1, jetstream={}), *servers("2.14.10", 2, 3, jetstream={}))
        found = meaning(three("2.15.3", jetstream={}), pods)
        assert str(found.version) == "2.14.10"

    @pytest.mark.parametrize(
        ("running", "wanted", "way"),
        [
            ("2.10.29", "2.12.15", "set version 2.11.17 first, then 2.12.15, each once all"),
            ("2.9.25", "2.14.10", "set version 2.10.29 first, then 2.11.17, then 2.12.15, then"),
            ("2.10.29", "2.15.3", "set version 2.11.17 first, then 2.12.15, then 2.14.10, then"),
            ("2.14.10", "2.11.17", "set version 2.12.15 first, then 2.11.17, each once all"),
        ],
    )
    def test_no_minor_version_is_skipped(self, running: str, wanted: str, way: str) -> None:
        assert "at a time" not in meaning(three(wanted), servers(running)).unreached
        found = looked(three(wanted, jetstream={}), servers(running, jetstream={}))
        assert actions(found, *ON_SERVERS) == []
        accepted = {c.type: c for c in status(found).conditions}["SpecAccepted"]
        assert (accepted.status, accepted.reason) == ("False", "VersionOutOfReach")
        assert accepted.message.startswith(
            f"spec.version: servers that store streams go from {running} to {wanted} one minor"
        )
        assert way in accepted.message
        assert found.desired is not None
        assert str(found.desired.target.version) == running

    @pytest.mark.parametrize("one", [*pairwise(LAST_OF_LINES)])
    def test_each_is_reached_from_the_one_before_and_back(self, one: tuple[str, str]) -> None:
        for old, new in (one, one[::-1]):
            found = meaning(three(new, jetstream={}), servers(old, jetstream={}))
            assert found.unreached == ""

    def test_a_roll_that_began_ends_before_the_next_one(self) -> None:
        """Or is taken back by the version that it began with."""
        pods = (*servers("2.10.29", 1, 2, jetstream={}), *servers("2.11.17", 3, jetstream={}))
        found = meaning(three("2.12.15", jetstream={}), pods, "2.10.29")
        assert "set version 2.11.17 first" in found.unreached
        assert str(found.version) == "2.11.17"
        assert meaning(three("2.10.29", jetstream={}), pods, "2.10.29").unreached == ""

    def test_servers_that_have_stored_nothing_yet_skip_some(self) -> None:
        """Such as those of a cluster that gets JetStream together with a newer version."""
        assert meaning(three("2.12.15", jetstream={}), servers("2.10.29")).unreached == ""

    def test_of_releases_that_nobody_knows_the_way_leads_over_all_that_are(self) -> None:
        found = meaning(three("2.17.0", jetstream={}), servers("2.12.15", jetstream={}))
        assert "set version 2.14.10 first, then 2.15.3, then 2.17.0" in found.unreached
        assert (
            meaning(three("2.17.0", jetstream={}), servers("2.15.3", jetstream={})).unreached == ""
        )
        unknown = meaning(three("2.12.15", jetstream={}), servers("prod", jetstream={}))
        assert unknown.unreached == ""
