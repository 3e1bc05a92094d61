"""Pods of servers that had copies of streams in memory are made again a few at a time.

They come back without them: two of three can outvote the one that still has its messages.
"""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model.jetstream import Storage
from natsctl.model.objects import Pod
from natsctl.plan.actions import CreateServer
from natsctl.plan.engine import plan
from natsctl.plan.queries import JetStreamLook
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import (
    SPEC,
    claim,
    noted,
    servers,
    volumes,
    without_budget,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.restarts.test_gated import WAITING, process
from tests.unit.plan.world import context, decided, pod, terminating

ONE, TWO, THREE = (NAMES[f"nats-{index}"] for index in (1, 2, 3))
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def world(storage: Storage = Storage.MEMORY, **states: State) -> Named:
    """The first of three servers has a copy of a stream that nobody leads."""
    away = {NAMES[f"nats-{i}"]: State.DOWN for i in (2, 3)}
    made = Named(states=away | {NAMES[f"nats-{n[1:]}"]: it for n, it in states.items()})
    made.stream("SESSIONS", members=made.names, leader="", storage=storage)
    return made


def state_of(pods: tuple[Pod, ...] = (), toy: Named | None = None, **more: Any) -> ClusterState:
    """The volumes of all servers are there, and their notes."""
    claims = tuple(claim(index) for index in (1, 2, 3))
    state = without_budget(volumes(*claims, note=noted(1, 2, 3), pods=pods))
    return looked(state, toy or world(), **more)


def started(state: ClusterState) -> list[str]:
    return [action.name for action in decided(scale_up, state, CreateServer)]


def pending(index: int, *conditions: dict[str, str]) -> Pod:
    return pod(index, SPEC, ready=False, phase="Pending", conditions=list(conditions))


class TestTwoThatAreGone:
    def test_come_back_one_after_the_other(self) -> None:
        state = state_of(servers(1))
        assert started(state) == ["c-2"]
        (text,) = scale_up(context(state)).waiting
        assert text.startswith("c-3: its copies of streams in memory are lost")

    def test_come_back_together_with_streams_on_disk(self) -> None:
        assert started(state_of(servers(1), world(Storage.FILE))) == ["c-2", "c-3"]

    def test_do_not_come_back_before_the_one_that_runs_was_asked(self) -> None:
        for state in (
            state_of(servers(1), seconds=20.0),
            attrs.evolve(state_of(servers(1)), jetstream=()),
        ):
            found = scale_up(context(state))
            assert any(isinstance(query, JetStreamLook) for query in found.queries)
            assert not any(
                isinstance(action, CreateServer) for stage in plan(state).stages for action in stage
            )

    def test_come_back_together_if_the_one_that_runs_does_not_answer(self) -> None:
        """Nobody tells of any messages, and the one that is paused may never answer."""
        assert started(state_of(servers(1), world(n1=State.PAUSED))) == ["c-2", "c-3"]

    def test_come_back_together_if_no_server_runs(self) -> None:
        broken = process(1, SPEC, ready=False, state=WAITING)
        assert started(attrs.evolve(state_of((broken,)), jetstream=())) == ["c-2", "c-3"]


class TestTheSecond:
    def test_waits_for_the_first_that_is_about_to_run(self) -> None:
        assert started(state_of((*servers(1), pending(2)))) == []

    @pytest.mark.parametrize(
        "stuck",
        [
            pending(2, UNSCHEDULED),
            terminating(pod(2, SPEC)),
            pod(2, SPEC, ready=False, phase="Failed"),
        ],
        ids=["no node has room", "shuts down", "has ended"],
    )
    def test_does_not_wait_for_one_that_does_not_come(self, stuck: Pod) -> None:
        """The one that runs needs some other server for a leader."""
        assert started(state_of((*servers(1), stuck))) == ["c-3"]

    def test_comes_once_the_first_has_its_copy(self) -> None:
        there = world(n2=State.UP)
        assert started(state_of(servers(1, 2), there)) == ["c-3"]

    def test_of_which_nothing_is_known_comes_beside_servers_that_are_ready(self) -> None:
        """Usually all others have their copies: it is one that restarts."""
        state = attrs.evolve(state_of(servers(1, 2), world(n2=State.UP)), jetstream=())
        assert started(state) == ["c-3"]

    def test_comes_if_somebody_decides_so(self) -> None:
        state = state_of((*servers(1), pending(2)))
        (text,) = scale_up(context(state)).waiting
        key, value = text.rpartition("annotate the cluster: ")[2].split("=")
        for said, names in ((value, ["c-3"]), ("c-3.5c1e77aa", [])):
            meta = msgspec.structs.replace(state.cluster.metadata, annotations={key: said})
            cluster = msgspec.structs.replace(state.cluster, metadata=meta)
            assert started(attrs.evolve(state, cluster=cluster)) == names
