"""A paused roll: no server restarts for the spec, and everything else goes on."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.plan.actions import CreateServer, DeleteServer, ReplaceServer
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.world import A, answers, cluster_state, planned, pod

OLD: dict[str, Any] = {"size": 3, "version": "2.14.10"}
PAUSED = {"rollout": {"paused": True}}
NEW = OLD | {"version": "2.15.3"}


def rolling(spec: dict[str, Any], *ready: bool) -> ClusterState:
    """A cluster of three that were made for the old spec."""
    pods = tuple(pod(i, OLD, ready=is_ready) for i, is_ready in enumerate(ready, 1))
    return cluster_state(spec, pods, answers(*pods))


def actions(found: ClusterState, *kinds: type[A]) -> list[A]:
    return [action for action in planned(found) if isinstance(action, kinds)]


def test_without_a_pause_one_server_restarts() -> None:
    (action,) = actions(rolling(NEW, True, True, True), ReplaceServer)
    assert action.name == "c-3"
    unpaused = NEW | {"rollout": {"paused": False}}
    assert actions(rolling(unpaused, True, True, True), ReplaceServer) == [action]


@pytest.mark.parametrize("ready", [(True, True, True), (True, True, False)])
def test_paused_none_does(ready: tuple[bool, ...]) -> None:
    """Not even one that is down: it may be the reason for the pause."""
    found = rolling(NEW | PAUSED, *ready)
    assert actions(found, ReplaceServer) == []
    (told,) = (c for c in status(found).conditions if c.type == "Progressing")
    assert (told.status, told.reason) == ("True", "Rolling")
    assert told.message.endswith("; waiting: spec.rollout.paused is true")


def test_pausing_is_no_change_of_a_server() -> None:
    assert actions(rolling(OLD | PAUSED, True, True, True), ReplaceServer) == []
    (told,) = (
        c
        for c in status(rolling(OLD | PAUSED, True, True, True)).conditions
        if c.type == "Progressing"
    )
    assert told.reason == "Settled"


def test_lost_servers_come_back_and_others_are_removed() -> None:
    (made,) = actions(rolling(NEW | PAUSED, True, True), CreateServer)
    assert made.index == 3
    (gone,) = actions(rolling(NEW | PAUSED | {"size": 2}, True, True, True), DeleteServer)
    assert gone.name == "c-3"
