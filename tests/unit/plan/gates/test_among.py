"""Several servers are judged as each is by itself, and what they have in common only once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import attrs
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from natsctl.model.jetstream import Asset, Health, Replica, Storage
from natsctl.plan.departures.members import counting_on
from natsctl.plan.departures.never_ran import _is_counted_on
from natsctl.plan.gates import look as looking
from natsctl.plan.gates.among import Among
from natsctl.plan.gates.budget import budget
from natsctl.plan.gates.case import case
from natsctl.plan.gates.gate import baseline, judge
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.seen import seen
from natsctl.plan.gates.verdict import Baseline, Purpose, Why
from tests.unit.plan.gates.costs import calls
from tests.unit.plan.gates.recorded import Situation, situations
from tests.unit.plan.gates.test_invariants import baselines, worlds
from tests.unit.plan.gates.test_recorded import looks
from tests.unit.plan.gates.world import State, World

Looks = tuple[Look, Look]


def differing(
    names: Collection[str],
    twice: Looks,
    now: float,
    before: Baseline | None = None,
    overrides: Collection[str] = (),
    purpose: Purpose = Purpose.RESTART,
) -> dict[str, bool]:
    """Servers of which it is not said together what is said of each by itself."""
    it = case("", names, twice, purpose)
    among = Among(it, now, before)
    alone = {
        name: judge(attrs.evolve(it, target=name), now, before, overrides).ok for name in names
    }
    return {name: ok for name, ok in alone.items() if among.may_go(name, overrides) != ok}


@settings(max_examples=200)
@given(st.data())
def test_it_is_the_verdict_of_each(data: st.DataObject) -> None:
    world = data.draw(worlds())
    first = world.look()
    if data.draw(st.booleans()):
        world = data.draw(st.just(world))
        world.states[data.draw(st.sampled_from(world.names))] = data.draw(
            st.sampled_from(list(State))
        )
    twice = first, spoilt(data, world.look())
    before = data.draw(baselines(world))
    overrides = data.draw(st.frozensets(st.sampled_from(list(Why))))
    purpose = data.draw(st.sampled_from(list(Purpose)))
    now = world.clock + data.draw(st.sampled_from([1.0, 1.0, 1.0, 60.0]))
    assert differing(world.names, twice, now, before, overrides, purpose) == {}
    among = Among(case("", world.names, twice, purpose), now, before)
    event(f"{sum(among.may_go(name, overrides) for name in world.names)} may go")


def spoilt(data: st.DataObject, look: Look) -> Look:
    """With something that no toy does: complaints, routes that are missing, too many assets."""
    reports = dict(look.reports)
    assets = sorted({asset for said in reports.values() for asset in said.groups})
    assets += [Asset("A", "gone"), Asset("A", "gone", "c")]
    for name in data.draw(st.lists(st.sampled_from(sorted(reports)), max_size=2)):
        said = reports[name]
        changes = [
            attrs.evolve(said, health=Health(503, "ill", data.draw(st.sampled_from(assets)))),
            attrs.evolve(said, health=Health(503, "ill")),
            attrs.evolve(said, peers=frozenset(data.draw(st.permutations(sorted(said.peers)))[1:])),
            attrs.evolve(said, too_many="more than 1 streams"),
            attrs.evolve(said, unknown=("a stream",)),
            attrs.evolve(said, name="another"),
            attrs.evolve(said, groups={}),
        ]
        reports[name] = data.draw(st.sampled_from(changes))
    return attrs.evolve(look, reports=reports)


@pytest.mark.parametrize("it", situations(), ids=str)
def test_it_is_so_of_what_servers_said(it: Situation) -> None:
    twice = looks(it)
    for before in (None, baseline(it.expected, twice, 3.0)):
        for purpose in Purpose:
            assert differing(it.expected, twice, 3.0, before, (), purpose) == {}


@pytest.mark.parametrize("storage", Storage)
def test_it_is_so_of_a_server_alone(storage: Storage) -> None:
    """Without a cluster it leads nothing and nobody, and needs no votes."""
    world = World(1)
    world.stream(members=["nats-1"], storage=storage)
    first, second = (
        attrs.evolve(look, reports={n: attrs.evolve(r, meta=None) for n, r in look.reports.items()})
        for look in (world.look(), world.look())
    )
    among = Among(case("", world.names, (first, second)), world.clock + 1)
    assert among.may_go("nats-1") == (storage is Storage.FILE)
    assert differing(world.names, (first, second), world.clock + 1) == {}


# --- what it costs


def lonely(world: World) -> None:
    """Each server has messages that only it has, in memory: none may go, each for a reason."""
    for name in world.names:
        world.stream(f"M-{name}", members=[name], storage=Storage.MEMORY)


def leaderless(world: World) -> None:
    """All is broken: of each group of some servers."""
    for toy in world.groups:
        toy.leader = ""


def ailing(world: World) -> None:
    """A server that is a member of nothing is down; each other one has a bad replica beside it."""
    for number, toy in enumerate(world.groups):
        toy.seen[toy.members[1 + number % 2]] = Replica(toy.members[1 + number % 2])


def well(world: World) -> None:
    """Nothing is wrong."""


def large(size: int, spoil: Callable[[World], None]) -> World:
    """So many servers, and some groups for each of them."""
    world = World(size)
    names = world.names
    for number in range(4 * size):
        start = number % (size - 2)
        world.stream(f"S{number}", members=names[start : start + 3])
    spoil(world)
    return world


@pytest.mark.parametrize("spoil", [well, lonely, leaderless, ailing])
@pytest.mark.parametrize("known", [False, True])
def test_twice_the_servers_and_groups_cost_twice_as_much(
    spoil: Callable[[World], None], known: bool
) -> None:
    """Of all servers together; `known`: what is broken was so before, as far as that is noted."""

    def cost(size: int) -> int:
        world = large(size, spoil)
        twice = world.look(), world.look()
        now, it = world.clock + 1, case("", world.names, twice)
        before = baseline(world.names, twice, now) if known else None
        among = Among(it, now, before)
        return calls(lambda: [among.may_go(name) for name in world.names])

    assert cost(80) < 2.3 * cost(40)


@pytest.mark.parametrize("spoil", [well, lonely, leaderless, ailing])
def test_so_do_the_budget_and_what_the_status_tells(spoil: Callable[[World], None]) -> None:
    def cost(size: int) -> int:
        world = large(size, spoil)
        twice = world.look(), world.look()
        return calls(lambda: budget(world.names, twice, world.clock + 1)) + calls(
            lambda: seen(world.names, twice)
        )

    assert cost(80) < 2.3 * cost(40)


def test_each_group_is_sorted_out_once_for_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    world, told, count = large(20, well), looking._told, 0

    def noted(*given: Any) -> looking.Told:
        nonlocal count
        count += 1
        return told(*given)

    monkeypatch.setattr(looking, "_told", noted)
    assert budget(world.names, (world.look(), world.look()), world.clock + 1) == 1
    assert count == 2 * len(world.groups)


def test_who_counts_on_whom_is_found_out_once() -> None:
    """For servers that leave: who holds nothing, and who runs all the same."""

    def cost(size: int) -> int:
        world = large(size, well)
        it = case("", world.names, (world.look(), world.look()))
        return calls(
            lambda: [(counting_on(it.first, n), _is_counted_on(it, n)) for n in world.names]
        )

    assert cost(80) < 2.3 * cost(40)
