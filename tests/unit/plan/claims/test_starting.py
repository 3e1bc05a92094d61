"""Servers with empty volumes start after those that have data: else they could outvote these."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model.objects import PersistentVolumeClaim, Pod
from natsctl.plan.actions import CreateServer, NoteClaims, ReplaceServer
from natsctl.plan.claims.starting import NOT_ALL, UNLED
from natsctl.plan.engine import plan
from natsctl.plan.rules.claims import note_claims
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import EARLIER, claim, noted, volumes, with_copy, without_budget
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.restarts.test_gated import WAITING, process
from tests.unit.plan.world import UID, context, decided

SIX: dict[str, Any] = {"size": 6, "version": "2.14.10", "jetstream": {}}
THREE = SIX | {"size": 3}
BARE = {"size": 3, "version": "2.14.10"}
OLD = noted(1, 2, 3)
C1, C2, C3 = (NAMES[f"nats-{index}"] for index in (1, 2, 3))


def claims(count: int = 6) -> tuple[PersistentVolumeClaim, ...]:
    return tuple(claim(index, spec=SIX) for index in range(1, count + 1))


def grown(
    pods: tuple[Pod, ...] | None = None, world: Named | None = None, **more: Any
) -> ClusterState:
    """Three servers have data; three more have got their claims."""
    running = tuple(process(index, THREE) for index in (1, 2, 3)) if pods is None else pods
    given = {"note": OLD, "spec": SIX, "pods": running} | more
    return looked(without_budget(volumes(*claims(), **given)), world or Named())


def notes(state: ClusterState) -> list[str]:
    """What the Secret says next of who has a volume."""
    found = decided(note_claims, state)
    return [a.text for a in found if isinstance(a, NoteClaims) and a.kind == "Secret"]


def waiting(state: ClusterState) -> set[str]:
    return {text for text in scale_up(context(state)).waiting if text.endswith(UNLED)}


def made(state: ClusterState) -> list[str]:
    return [a.name for stage in plan(state).stages for a in stage if isinstance(a, CreateServer)]


WAIT = {f"c-{index}: {UNLED}" for index in (4, 5, 6)}


class TestMoreServers:
    def test_come_while_those_with_data_have_a_leader(self) -> None:
        assert notes(grown()) == [noted(1, 2, 3, 4, 5, 6)]
        assert made(grown(note=noted(1, 2, 3, 4, 5, 6))) == ["c-4", "c-5", "c-6"]

    @pytest.mark.parametrize(
        "states",
        [{C1: State.DOWN}, {C1: State.DISABLED}, {C2: State.DOWN, C3: State.DOWN}],
        ids=["no leader", "no leader any more", "a leader without a quorum"],
    )
    def test_wait_for_one(self, states: dict[str, State]) -> None:
        """Three empty servers of six are enough to elect one of theirs."""
        state = grown(world=Named(states=states))
        assert notes(state) == []
        assert made(state) == []
        assert waiting(state) == WAIT

    def test_wait_until_servers_were_asked(self) -> None:
        assert waiting(attrs.evolve(grown(), jetstream=())) == WAIT
        assert waiting(attrs.evolve(grown(), now=10_000.0)) == WAIT

    def test_wait_while_those_with_data_do_not_run(self) -> None:
        down = tuple(process(i, THREE, ready=False, state=WAITING) for i in (1, 2, 3))
        state = grown(down, Named(states=dict.fromkeys((C1, C2, C3), State.DOWN)))
        assert waiting(state) == WAIT

    def test_those_with_data_do_not_wait_for_one(self) -> None:
        state = without_budget(volumes(*claims(), note=OLD, spec=SIX))
        assert made(state) == ["c-1", "c-2", "c-3"]
        assert waiting(state) == WAIT

    def test_one_that_left_empty_is_new_again(self) -> None:
        """Its volume may be there still, and knows nothing that counts."""
        left = tuple(with_copy(each, OLD) for each in claims())
        state = looked(
            without_budget(volumes(*left, note=OLD, spec=SIX)), Named(states={C1: State.DOWN})
        )
        assert waiting(state) == WAIT


class TestVolumesThatAreTakenBack:
    def taken(self, **more: Any) -> ClusterState:
        """A NatsCluster of the name that had three servers is gone, and its next one has six."""
        earlier = tuple(
            with_copy(claim(index, of=EARLIER, spec=SIX), OLD, EARLIER) for index in (1, 2, 3)
        )
        new = tuple(with_copy(each, "none", UID) for each in claims()[3:])
        return without_budget(volumes(*earlier, *new, spec=SIX, **more))

    def test_are_noted_before_those_of_new_servers(self) -> None:
        assert notes(self.taken()) == [noted(1, 2, 3, origin=EARLIER[:8])]

    def test_and_their_servers_start_first(self) -> None:
        state = self.taken(note=noted(1, 2, 3, origin=EARLIER[:8]))
        assert waiting(state) == WAIT


class TestTheFirstVolumesOfACluster:
    @pytest.mark.parametrize(("count", "expected"), [(1, []), (2, []), (3, [OLD])])
    def test_are_noted_once_all_are_there(self, count: int, expected: list[str]) -> None:
        """The rest would wait for a leader that new servers elect only when all are there."""
        assert notes(volumes(*claims(count), spec=THREE)) == expected

    def test_a_server_says_what_it_waits_for(self) -> None:
        assert scale_up(context(volumes(*claims(1), spec=THREE))).waiting[0] == f"c-1: {NOT_ALL}"

    def test_of_doubtful_age_are_noted_at_once(self) -> None:
        """Nobody knows which of them have data."""
        assert notes(volumes(*claims(1), spec=THREE, note=None)) == [f"{noted(1)},2=new,3=new"]


class TestJetStreamThatReturns:
    """Three servers had it, and have run without it since; there are three more now."""

    def bare(self, *indexes: int, having: tuple[int, ...] = ()) -> ClusterState:
        pods = tuple(process(i, THREE if i in having else BARE) for i in indexes)
        states = {NAMES[f"nats-{i}"]: State.DISABLED for i in indexes if i not in having}
        return grown(pods, Named(size=len(indexes), states=states))

    def restarted(self, state: ClusterState) -> list[str]:
        return [a.name for a in decided(replace_outdated, state) if isinstance(a, ReplaceServer)]

    def test_comes_to_those_with_data_first(self) -> None:
        assert self.restarted(self.bare(1, 2, 3, 4, 5, 6)) == ["c-3"]

    def test_they_do_not_wait_for_new_ones_that_wait_for_them(self) -> None:
        assert self.restarted(self.bare(1, 2, 3)) == ["c-3"]
        assert self.restarted(self.bare(1, 2, 3, having=(3,))) == ["c-2"]

    def test_but_for_any_other_that_is_missing(self) -> None:
        found = replace_outdated(context(self.bare(1, 3)))
        assert found.waiting[0] == "some servers do not exist yet"
