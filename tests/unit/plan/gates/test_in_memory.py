"""Servers that have lost their copies in memory come back one after the other."""

from __future__ import annotations

from itertools import combinations

import pytest

from natsctl.model.jetstream import Replica, Storage, Store
from natsctl.plan.gates.case import case
from natsctl.plan.gates.in_memory import returning
from natsctl.plan.gates.order import Candidate, Order, Step, order
from tests.unit.plan.gates.world import State, Toy, World

OFF = State.DISABLED
EMPTY = Store(0, 0, 0)


def world(*off: str, size: int = 3, **changes: object) -> World:
    """A stream in memory on all servers, of which these have turned JetStream off."""
    made = World(size, states=dict.fromkeys(off, OFF))
    toy = made.stream("M", made.names, storage=Storage.MEMORY, leader="")
    toy.leader = str(changes.get("leader", ""))
    return made


def ordered(it: World, *names: str) -> Order:
    looks = it.look(), it.look()
    return order([Candidate(name) for name in names], it.names, looks)


def toy_of(it: World) -> Toy:
    return it.groups[0]


def test_two_of_three_never_come_back_together() -> None:
    """They would outvote the one that still has its messages."""
    found = ordered(world("nats-2", "nats-3"), "nats-2", "nats-3")
    assert found.steps == (Step(("nats-2",), gated=False),)
    assert found.without_copies == ("nats-3",)


class TestTheSecondOne:
    def test_waits_until_the_first_one_is_there(self) -> None:
        it = world("nats-3")
        it.states["nats-2"] = State.DOWN
        assert ordered(it, "nats-3") == Order((), without_copies=("nats-3",))

    def test_waits_while_nobody_leads(self) -> None:
        assert ordered(world("nats-3"), "nats-3").without_copies == ("nats-3",)

    def test_waits_until_the_first_one_has_its_copy(self) -> None:
        it = world("nats-3", leader="nats-1")
        toy_of(it).seen["nats-2"] = Replica("nats-2", current=False, active=0.5)
        assert ordered(it, "nats-3").without_copies == ("nats-3",)
        toy_of(it).seen.clear()
        toy_of(it).stores["nats-2"] = Store(40, 1, 40)
        assert ordered(it, "nats-3").without_copies == ("nats-3",)

    def test_comes_back_after_that(self) -> None:
        found = ordered(world("nats-3", leader="nats-1"), "nats-3")
        assert found.steps == (Step(("nats-3",), gated=False),)


def test_of_five_servers_one_at_a_time_comes_back() -> None:
    it = world("nats-3", "nats-4", "nats-5", size=5)
    assert ordered(it, *it.names[2:]).steps[0].servers == ("nats-3",)
    it.states["nats-3"] = State.UP
    assert ordered(it, *it.names[3:]).steps == ()
    toy_of(it).leader = "nats-1"
    assert ordered(it, *it.names[3:]).steps[0].servers == ("nats-4",)


@pytest.mark.parametrize(
    "harmless",
    [
        {"storage": Storage.FILE},
        {"replicas": 1},
        {"stores": {}},
        {"stores": {"nats-1": EMPTY}},
        {"members": ["nats-1"]},
    ],
    ids=["on disk", "one copy", "a consumer", "no messages", "of others"],
)
def test_others_come_back_together(harmless: dict[str, object]) -> None:
    it = world("nats-2", "nats-3")
    for name, value in harmless.items():
        setattr(toy_of(it), name, value)
    assert ordered(it, "nats-2", "nats-3").steps == (Step(("nats-2", "nats-3"), gated=False),)


def test_if_all_copies_are_lost_nobody_waits() -> None:
    it = world("nats-1", "nats-2", "nats-3")
    assert ordered(it, *it.names).steps[0].servers == ("nats-1", "nats-2", "nats-3")


def test_one_that_does_not_run_waits_for_nobody() -> None:
    it = world("nats-2", "nats-3")
    looks = it.look(), it.look()
    candidates = [Candidate("nats-2", running=False), Candidate("nats-3")]
    found = order(candidates, it.names, looks)
    assert found.steps[0].servers == ("nats-2",)
    assert found.without_copies == ("nats-3",)


def test_one_without_room_is_told_as_that() -> None:
    it = world("nats-2", "nats-3")
    looks = it.look(), it.look()
    found = order([Candidate("nats-2"), Candidate("nats-3", room=False)], it.names, looks)
    assert (found.without_room, found.without_copies) == (("nats-3",), ())


def test_a_stream_that_a_server_had_no_copy_of_does_not_hold_it_up() -> None:
    it = World(5, states=dict.fromkeys(("nats-2", "nats-4"), OFF))
    it.stream("M", ["nats-1", "nats-2", "nats-3"], storage=Storage.MEMORY)
    it.stream("N", ["nats-1", "nats-4", "nats-5"], storage=Storage.MEMORY, leader="")
    assert ordered(it, "nats-2", "nats-4").steps[0].servers == ("nats-2",)


def started(it: World, *coming: str, there: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Of servers that do not run, those that start now."""
    running = tuple(name for name in it.names if it.state(name) in (State.UP, State.DISABLED))
    looks = it.look(), it.look()
    return returning(case("", it.names, looks), coming, {*running, *there})


def down(*names: str, size: int = 3, leader: str = "") -> World:
    """The same where these servers do not run."""
    made = world(size=size, leader=leader)
    made.states.update(dict.fromkeys(names, State.DOWN))
    return made


class TestServersThatComeBack:
    """They have no copies any more. Fewer than a majority of a stream's members start."""

    def test_start_one_after_the_other_beside_one_of_three(self) -> None:
        assert started(down("nats-2", "nats-3"), "nats-2", "nats-3") == ("nats-2",)

    def test_wait_for_one_that_is_about_to_run(self) -> None:
        it = down("nats-2", "nats-3")
        assert started(it, "nats-3", there=("nats-2",)) == ()

    def test_wait_until_that_one_has_its_copy(self) -> None:
        it = down("nats-3")
        toy_of(it).stores["nats-2"] = Store(40, 1, 40)
        assert started(it, "nats-3") == ()
        toy_of(it).leader = "nats-1"
        assert started(it, "nats-3") == ()
        toy_of(it).seen["nats-2"] = Replica("nats-2", current=False, active=0.5)
        toy_of(it).stores["nats-2"] = toy_of(it).stores["nats-1"]
        assert started(it, "nats-3") == ()
        toy_of(it).seen.clear()
        assert started(it, "nats-3") == ("nats-3",)

    def test_do_not_wait_for_a_leader_where_the_others_have_the_same(self) -> None:
        assert started(down("nats-3"), "nats-3") == ("nats-3",)

    def test_do_not_wait_for_one_that_has_jetstream_off(self) -> None:
        """It restarts only once they have their copies."""
        it = down("nats-2")
        it.states["nats-3"] = OFF
        assert started(it, "nats-2") == ("nats-2",)

    def test_of_five_start_two_together(self) -> None:
        """These are no majority, and with the one that runs they are one."""
        names = ("nats-2", "nats-3", "nats-4", "nats-5")
        assert started(down(*names, size=5), *names) == names[:2]

    def test_that_are_no_members_do_not_wait(self) -> None:
        it = World(5, states=dict.fromkeys(("nats-2", "nats-3", "nats-4", "nats-5"), State.DOWN))
        it.stream("M", it.names[:3], storage=Storage.MEMORY, leader="")
        found = started(it, "nats-2", "nats-3", "nats-4", "nats-5")
        assert found == ("nats-2", "nats-4", "nats-5")

    def test_that_nobody_names_may_be_members(self) -> None:
        it = World(5, states=dict.fromkeys(("nats-3", "nats-4", "nats-5"), State.DOWN))
        it.stream("M", ("nats-1",), replicas=3, storage=Storage.MEMORY, leader="")
        assert started(it, "nats-3", "nats-4", "nats-5") == ("nats-3",)

    def test_start_as_many_as_the_meta_group_needs(self) -> None:
        """Else nobody would get a copy back, ever."""
        it = World(5, states=dict.fromkeys(("nats-2", "nats-3", "nats-4", "nats-5"), State.DOWN))
        for other, third in combinations(("nats-2", "nats-3", "nats-4", "nats-5"), 2):
            on = ("nats-1", other, third)
            it.stream(f"M-{other}-{third}", on, storage=Storage.MEMORY, leader="")
        found = started(it, "nats-2", "nats-3", "nats-4", "nats-5")
        assert found == ("nats-2", "nats-3")

    @pytest.mark.parametrize(
        "harmless",
        [{"storage": Storage.FILE}, {"replicas": 1}, {"stores": {"nats-1": EMPTY}}],
        ids=["on disk", "one copy", "no messages"],
    )
    def test_of_a_stream_that_has_nothing_to_lose_start_together(
        self, harmless: dict[str, object]
    ) -> None:
        it = down("nats-2", "nats-3")
        for field, value in harmless.items():
            setattr(toy_of(it), field, value)
        assert started(it, "nats-2", "nats-3") == ("nats-2", "nats-3")

    def test_start_together_where_nobody_runs_who_has_messages(self) -> None:
        it = down("nats-1", "nats-2", "nats-3")
        assert started(it, *it.names) == tuple(it.names)
