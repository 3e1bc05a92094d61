"""What real servers say while their meta group has no leader."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import Replica
from natsctl.model.peers import peer_id
from natsctl.plan.actions import CreateServer
from natsctl.plan.departures.unled import nobody_leads, sizes
from natsctl.plan.engine import plan
from natsctl.plan.gates.case import Case, case
from natsctl.plan.gates.look import Look
from natsctl.plan.rules.members import await_leader
from natsctl.plan.state import ClusterState
from tests.unit.plan.departures.world import C1, C2, C3, C4, C5, Shrinking, state_of
from tests.unit.plan.gates.recorded import situation
from tests.unit.plan.gates.world import State
from tests.unit.plan.world import context

WITHOUT = ("2.9.25", "2.10.29", "2.14.10", "2.15.3")


def looked(name: str, version: str) -> Case:
    found = situation(name, version)
    return case("", found.expected, (Look(0, found.reports()), Look(2, found.reports())))


@pytest.mark.parametrize("version", WITHOUT)
def test_servers_know_no_leader_and_how_many_they_are(version: str) -> None:
    """Two of three were stopped."""
    it = looked("no-quorum", version)
    assert nobody_leads(it)
    assert set(sizes(it)) == {3}


@pytest.mark.parametrize("version", ["2.11.17", "2.12.15"])
def test_a_leader_that_has_not_noticed_yet_is_still_one(version: str) -> None:
    """It lists the members, so nobody has to count them."""
    assert not nobody_leads(looked("no-quorum", version))


@pytest.mark.parametrize("version", WITHOUT)
@pytest.mark.parametrize("name", ["healthy", "one-down"])
def test_others_have_a_leader(name: str, version: str) -> None:
    assert not nobody_leads(looked(name, version))


class TestMembersThatServersTell:
    """From 2.10.26 on, by their ids. c-3 is down, c-4 and c-5 are beyond size and have no pods."""

    ALL = (C1, C2, C3, C4, C5)

    def state(
        self,
        first: tuple[str, ...] | None,
        second: tuple[str, ...] | None,
        counted: int = 5,
        **changes: Any,
    ) -> ClusterState:
        """As the first two servers tell the members, and how many they count."""
        away = [Replica(name) for name in (C4, C5)][: counted - 3]
        world = Shrinking(size=3, ghosts=away, meta_leader="", states={C3: State.DOWN})
        if counted < 3:
            world.hidden = set(self.ALL[counted:3])
        found = state_of(world, **changes)
        told = {"pod-1-0": first, "pod-2-0": second}
        looks = []
        for look in found.jetstream:
            reports = dict(look.reports)
            for uid, names in told.items():
                said = reports[uid]
                assert said.meta is not None
                ids = None if names is None else frozenset(map(peer_id, names))
                reports[uid] = attrs.evolve(said, meta=attrs.evolve(said.meta, ids=ids))
            looks.append(attrs.evolve(look, reports=reports))
        return attrs.evolve(found, jetstream=tuple(looks))

    def made(self, state: ClusterState) -> list[str]:
        actions = [action for stage in plan(state).stages for action in stage]
        return [it.name for it in actions if isinstance(it, CreateServer)]

    def waiting(self, state: ClusterState) -> tuple[str, ...]:
        return await_leader(context(state)).waiting

    def test_come_back(self) -> None:
        assert self.made(self.state(self.ALL, self.ALL)) == ["c-4", "c-5"]

    def test_and_nobody_else_who_has_a_volume(self) -> None:
        """By their number, nobody could tell which of the two is the fourth."""
        four = (C1, C2, C3, C4)
        state = self.state(four, four, counted=4)
        assert self.made(state) == ["c-4"]
        assert self.waiting(state) == ()

    def test_also_if_the_group_counts_fewer_than_it_has(self) -> None:
        """As it does for ever once the first servers elected a leader alone."""
        assert self.made(self.state(self.ALL, self.ALL, counted=2)) == ["c-4", "c-5"]

    def test_not_one_that_only_some_servers_know(self) -> None:
        state = self.state(self.ALL, (C1, C2, C3, C4))
        assert self.made(state) == ["c-4"]
        assert self.waiting(state) == (
            "the meta group has no leader, and natsctl cannot tell whether it includes c-5: to "
            "start them again, set spec.size to 5",
        )

    def test_count_as_before_if_a_server_does_not_tell_them(self) -> None:
        """Such as one of an older release."""
        assert self.made(self.state(self.ALL, None)) == ["c-4", "c-5"]
        assert self.made(self.state(self.ALL, None, counted=4)) == []

    def test_are_told_if_they_are_gone_with_their_volumes(self) -> None:
        gone: dict[str, Any] = {"claims": (1, 2, 3), "noted_as": (1, 2, 3, 4, 5)}
        four = (C1, C2, C3, C4)
        (told,) = self.waiting(self.state(four, four, **gone))
        assert "it may include c-4, whose volumes are gone: restore js-c-4, or" in told
        assert self.waiting(self.state((C1, C2, C3), (C1, C2, C3), **gone)) == ()
