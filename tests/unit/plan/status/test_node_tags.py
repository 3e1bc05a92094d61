"""What condition SpecAccepted says of tags that labels of nodes should give servers."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model.observation import Observation
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.world import answers, cluster_state, pod, terminating

ZONE = "topology.kubernetes.io/zone"
TAGGED = {"size": 3, "version": "2.15.3", "serverTagsFromNode": [ZONE, "rack"]}
UNIQUE = TAGGED | {"jetstream": {"uniqueTag": "zone:"}}
PODS = tuple(pod(index, TAGGED) for index in (1, 2, 3))
WELL = ("zone:a", "rack:1"), ("zone:b", "rack:1"), ("zone:c", "rack:1")


def tagged(
    *tags: tuple[str, ...] | None, spec: dict[str, Any] = TAGGED, **changes: Any
) -> ClusterState:
    """A cluster whose servers say that they have these tags."""
    pods = tuple(pod(index, spec) for index in (1, 2, 3))
    seen = answers(*pods)
    for server, told in zip(pods, tags, strict=True):
        uid = server.metadata.uid
        seen[uid] = attrs.evolve(seen[uid], tags=told)
    return cluster_state(spec, pods, observations=seen, **changes)


def said(state: ClusterState) -> str:
    found = next(c for c in status(state).conditions if c.type == "SpecAccepted")
    assert found.status == "True"
    return found.message


@pytest.mark.parametrize("spec", [TAGGED, UNIQUE])
def test_tags_as_they_should_be(spec: dict[str, Any]) -> None:
    assert said(tagged(*WELL, spec=spec)) == ""


def test_a_server_without_one_is_named_with_the_label() -> None:
    assert said(tagged(WELL[0], ("fast", "rack:1"), ("rack:1",))) == (
        f"spec.serverTagsFromNode: c-2, c-3 started on a node without the label {ZONE}, so without "
        "its tag; label the node, and then delete the pod (everything else is applied)"
    )


def test_without_the_one_that_keeps_replicas_apart_it_gets_none() -> None:
    told = said(tagged(WELL[0], WELL[1], (), spec=UNIQUE))
    assert f"c-3 started on a node without the label {ZONE}, so without its tag, and" in told
    assert "its tag, and servers place no streams there; label the node" in told
    assert "c-3 started on a node without the label rack, so without its tag; label" in told


def test_too_few_different_ones_keep_streams_from_being_created() -> None:
    told = said(tagged(WELL[0], WELL[1], WELL[1], spec=UNIQUE))
    assert told.startswith(
        "spec.jetstream.uniqueTag: all servers together have only zone:a, zone:b, so streams with "
        "more replicas than that are rejected; spread the servers over nodes with different values "
        f"of {ZONE} "
    )


def test_without_a_unique_tag_servers_may_share_one() -> None:
    assert said(tagged(WELL[0], WELL[0], WELL[0])) == ""


def test_as_long_as_one_does_not_tell_nobody_knows_how_many_there_are() -> None:
    assert said(tagged(WELL[0], WELL[0], None, spec=UNIQUE)) == ""


def test_servers_that_wait_for_the_restart_are_not_named() -> None:
    before = {"size": 3, "version": "2.15.3"}
    pods = tuple(pod(index, before) for index in (1, 2, 3))
    assert said(cluster_state(TAGGED, pods)) == ""


def test_nor_those_that_do_not_answer_or_leave() -> None:
    first, second, third = PODS
    silent = {second.metadata.uid: Observation(problem="no answer in time")}
    leaving = terminating(third)
    seen = answers(*PODS) | silent
    seen[first.metadata.uid] = attrs.evolve(seen[first.metadata.uid], tags=WELL[0])
    assert said(cluster_state(TAGGED, (first, second, leaving), observations=seen)) == ""


def test_while_a_configuration_is_held_back_nobody_knows_who_waits() -> None:
    state = tagged((), (), ())
    assert state.desired is not None
    resolved = attrs.evolve(state.desired.resolved, missing=("a Secret",))
    held = attrs.evolve(state, desired=attrs.evolve(state.desired, resolved=resolved))
    assert said(held) == ""
