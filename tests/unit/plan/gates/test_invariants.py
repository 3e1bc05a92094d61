"""What holds in any world, whatever servers say: safety. And that a healthy world lets go."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from natsctl.model.jetstream import Asset, JetStreamReport, Raft, Replica, Storage, Store
from natsctl.plan.gates.budget import budget
from natsctl.plan.gates.damaged import damaged
from natsctl.plan.gates.gate import may_go
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.order import Candidate, order
from natsctl.plan.gates.quorum import State as Told
from natsctl.plan.gates.quorum import quorum
from natsctl.plan.gates.verdict import Baseline, Block, Purpose, Why
from tests.unit.examples import examples
from tests.unit.plan.gates.world import FULL, State, Toy, World

pytestmark = pytest.mark.unmeasured

LESS = (Store(40, 61, 100), Store(90, 1, 100), Store(90, 1, 90), Store(0, 0, 0))
SEQUENCES = range(1, 101)
SELDOM = st.sampled_from([False] * 19 + [True])


@st.composite
def replicas(draw: st.DrawFn, name: str) -> Replica:
    """Whatever a leader or a liar may say of a replica."""
    return Replica(
        name,
        current=draw(st.booleans()),
        offline=draw(st.booleans()),
        active=draw(st.sampled_from([0.0, 1.0, 3.5, 99.0])),
        lag=draw(st.sampled_from([0, 500, 501])),
        pending=draw(st.booleans()),
    )


@st.composite
def groups(draw: st.DrawFn, names: list[str], number: int) -> Toy:
    """A group that is well: any members, any of them its leader."""
    members = draw(st.permutations(names))[: draw(st.sampled_from([1, 2, 3, 3, 3, 5]))]
    return Toy(
        asset=Asset("A", f"s{number}"),
        members=members,
        leader=draw(st.sampled_from(members)),
        replicas=len(members),
        storage=draw(st.sampled_from([Storage.FILE, Storage.MEMORY]))
        if len(members) > 2
        else Storage.FILE,
        stores=dict.fromkeys(members, draw(st.sampled_from([FULL, FULL, *LESS]))),
    )


@st.composite
def healthy(draw: st.DrawFn) -> World:
    """Any number of servers and groups, all of which are well."""
    world = World(draw(st.integers(3, 7)))
    world.meta_leader = draw(st.sampled_from(world.names))
    world.groups = [draw(groups(world.names, n)) for n in range(draw(st.integers(0, 4)))]
    for toy in draw(st.lists(st.sampled_from(world.groups), max_size=2)) if world.groups else ():
        world.groups.append(draw(consumers(toy, len(world.groups))))
    return world


@st.composite
def consumers(draw: st.DrawFn, of: Toy, number: int) -> Toy:
    """A consumer that is well, of a stream or of another consumer's one."""
    return Toy(
        asset=attrs.evolve(of.asset, consumer=f"c{number}"),
        members=[*of.members],
        leader=draw(st.sampled_from(of.members)),
        replicas=of.replicas,
        storage=draw(st.sampled_from([of.storage, Storage.MEMORY])),
    )


@st.composite
def baselines(draw: st.DrawFn, world: World) -> Baseline | None:
    """None, or what anybody may have written into a status."""
    assets = [toy.asset for toy in world.groups] or [Asset("A", "B")]
    blocks = st.builds(
        Block,
        st.sampled_from(list(Why)),
        st.sampled_from(["", *world.names]),
        st.sampled_from(assets),
    )
    everything = Baseline(
        frozenset(
            Block(why, name, asset)
            for why in Why
            for name in ("", *world.names)
            for asset in assets
        )
    )
    some = st.frozensets(blocks, max_size=8).map(Baseline)
    return draw(st.none() | st.just(everything) | some)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any world: a few things may be wrong, since whatever is wrong everywhere is soon refused."""
    world = draw(healthy())
    for _ in range(draw(st.integers(0, 3))):
        _spoil(draw, world, draw(st.sampled_from(world.names)))
    return world


def _spoil(draw: st.DrawFn, world: World, name: str) -> None:
    faults = ["state", "store", "seen", "away", "away", "leader", "short", "moving"]
    faults += ["meta", "counts"]
    fault = draw(st.sampled_from(faults))
    toy = draw(st.sampled_from(world.groups)) if world.groups else Toy(Asset("A", "B"), [])
    member = draw(st.sampled_from(toy.members)) if toy.members else name
    if fault == "state":
        world.states[name] = draw(st.sampled_from(list(State)))
    elif fault == "meta":
        world.meta_leader = draw(st.sampled_from([name, ""]))
    elif fault == "store":
        toy.stores[member] = draw(st.sampled_from(LESS))
    elif fault == "seen":
        toy.seen[member] = draw(replicas(member))
    elif fault == "away":
        toy.away.add(member)
    elif fault == "leader":
        toy.leader = draw(st.sampled_from([member, ""]))
    elif fault == "short":
        toy.replicas = 3
    elif fault == "moving":
        toy.moving = True
    elif fault == "counts":
        some = draw(st.sampled_from([[name], world.names]))
        world.sizes |= dict.fromkeys(some, draw(st.integers(1, world.size + 1)))


def shuffled(data: st.DataObject, look: Look) -> Look:
    """The same answers in another order."""
    names = data.draw(st.permutations(sorted(look.reports)))
    return attrs.evolve(look, reports={name: look.reports[name] for name in names})


def lied(data: st.DataObject, said: JetStreamReport) -> JetStreamReport:
    """A follower's list of replicas is placeholders; whatever stands there counts for nothing."""
    groups = {
        asset: attrs.evolve(
            group,
            raft=Raft(
                group.raft.leader,
                tuple(data.draw(replicas(it.name)) for it in group.raft.replicas),
                group.raft.moving,
            ),
        )
        if group.raft.leader not in ("", said.name)
        else group
        for asset, group in said.groups.items()
    }
    return attrs.evolve(said, groups=groups)


def two_looks(data: st.DataObject, world: World) -> tuple[Look, Look]:
    """Answers in any order, followers that lie, servers that fail in between or answer late."""
    first = shuffled(data, world.look())
    for name in world.names:
        if data.draw(SELDOM):
            world.states[name] = data.draw(st.sampled_from(list(State)))
    second = world.look()
    reports = {
        name: first.reports[name] if data.draw(SELDOM) else lied(data, said)
        for name, said in second.reports.items()
    }
    return first, shuffled(data, attrs.evolve(second, reports=reports))


def holds(store: Store) -> set[int]:
    """The sequences of a toy's store: what was lost in between are the first ten after one."""
    if not store.messages:
        return set()
    found = set(range(store.first, store.last + 1))
    return found - set(range(2, 2 + store.deleted))


def up(world: World, name: str) -> bool:
    return world.state(name) is State.UP


@examples(100, search=200)
@given(st.data())
def test_whoever_may_go_takes_no_quorum_and_no_message_along(data: st.DataObject) -> None:
    """Whatever the world is and was, in any order of answers, with late answers and with lies,
    and whatever somebody wrote into the status."""
    world = data.draw(worlds())
    looks = two_looks(data, world)
    before = data.draw(baselines(world))
    for target in world.names:
        for purpose in Purpose:
            now = world.clock + 1
            if may_go(target, world.names, looks, now, before, purpose=purpose).ok:
                event(f"{purpose} is allowed")
                _keeps_every_quorum(world, target)
                _has_no_two_halves(world, target)
                _leaves_what_it_holds(world, target, purpose)


@given(st.data())
def test_the_budget_is_what_each_verdict_says(data: st.DataObject) -> None:
    world = data.draw(worlds())
    looks = two_looks(data, world)
    now = world.clock + 1
    overrides = data.draw(st.sampled_from([(), ("memory", "quorum", "short")]))
    some = data.draw(st.sets(st.sampled_from(world.names)))
    each = [may_go(it, world.names, looks, now, overrides=overrides).ok for it in sorted(some)]
    assert budget(world.names, looks, now, None, overrides, some) == all(each)


def _keeps_every_quorum(world: World, target: str) -> None:
    everybody = Toy(Asset("", "meta"), world.names)
    for toy in [everybody, *world.groups]:
        idle = toy.asset.consumer and not toy.leader
        if target in toy.members and len(toy.members) >= 3 and not idle:
            there = {it for it in toy.members if up(world, it)} - toy.away - {target}
            assert len(there) >= len(toy.members) // 2 + 1


def _has_no_two_halves(world: World, target: str) -> None:
    """Any two majorities of the meta group have a member in common; of a target that does not
    answer, nobody knows what it counts."""
    names = [it for it in world.names if up(world, it) and it != target]
    told = [world.sizes.get(it, world.size) for it in names]
    assert all(2 * (counted // 2 + 1) > world.size for counted in told)


def _leaves_what_it_holds(world: World, target: str, purpose: Purpose) -> None:
    """Not even a restart of the only full replica: it may not come back."""
    for toy in world.groups:
        if target not in toy.members or target in toy.away or not up(world, target):
            continue  # what a server does not tell of, nobody knows
        if toy.asset.consumer:
            continue  # the stream has the messages
        if toy.members == [target]:
            assert purpose is Purpose.RESTART
            continue
        there = set(toy.members) - toy.away - {target}
        others = [toy.stores[it] for it in there if up(world, it)]
        assert any(holds(toy.stores[target]) <= holds(other) for other in others)


@given(st.data())
def test_a_replica_that_holds_less_than_its_leader_is_not_good(data: st.DataObject) -> None:
    world = data.draw(healthy())
    toy = world.stream("less", members=data.draw(st.permutations(world.names))[:3])
    weak = data.draw(st.sampled_from(toy.members[1:]))
    toy.stores[weak] = data.draw(st.sampled_from(LESS))
    toy.seen[weak] = Replica(weak, current=True, active=0.1)
    target = data.draw(st.sampled_from([it for it in world.names if it != weak]))
    assert not may_go(target, world.names, two_looks(data, world), world.clock + 1).ok


@given(st.data())
def test_a_healthy_world_lets_any_server_go(data: st.DataObject) -> None:
    world = data.draw(healthy())
    looks = shuffled(data, world.look()), shuffled(data, world.look())
    for target in world.names:
        assert may_go(target, world.names, looks, world.clock + 1).ok
    assert budget(world.names, looks, world.clock + 1) == 1
    assert damaged(world.names, looks) == ()
    assert quorum(world.names, looks).state is Told.OK


@given(st.data())
def test_a_server_that_is_down_alone_may_always_be_started(data: st.DataObject) -> None:
    world = data.draw(healthy())
    target = data.draw(st.sampled_from(world.names))
    world.states[target] = State.DOWN
    for toy in world.groups:
        if toy.leader == target:
            toy.leader = next((it for it in toy.members if it != target), target)
    if world.meta_leader == target:
        world.meta_leader = next(it for it in world.names if it != target)
    looks = world.look(), world.look()
    assert may_go(target, world.names, looks, world.clock + 1).ok


@given(st.data())
def test_only_servers_that_hold_nothing_up_go_together_or_without_a_gate(
    data: st.DataObject,
) -> None:
    world = data.draw(worlds())
    looks = two_looks(data, world)
    candidates = [
        Candidate(
            name,
            ready=data.draw(st.booleans()),
            running=data.draw(st.booleans()),
            room=data.draw(st.booleans()),
        )
        for name in data.draw(st.permutations(world.names))
    ]
    found = order(candidates, world.names, looks)
    for step in found.steps:
        if not step.gated or len(step.servers) > 1:
            off = {it.name for it in candidates if not it.running}
            off |= {name for name, said in looks[1].reports.items() if said.disabled}
            assert off >= set(step.servers)
    told = [name for step in found.steps for name in step.servers]
    assert sorted([*told, *found.without_room, *found.without_copies]) == world.names


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["roll", "roll", "roll", "back", "crash", "lose", "heal", "lead"]),
        st.integers(0, 4),
    ),
    max_size=30,
)


@examples(100, search=200)
@given(st.data(), healthy(), EVENTS, st.sampled_from(list(Purpose)))
def test_a_roll_never_takes_a_second_member_of_a_group(
    data: st.DataObject, world: World, events: list[tuple[str, int]], purpose: Purpose
) -> None:
    """Whatever fails meanwhile: who is away because of us is never one too many."""
    before = data.draw(baselines(world))
    for happening, number in events:
        name = world.names[number % world.size]
        if (
            happening == "roll"
            and may_go(
                name,
                world.names,
                (world.look(), world.look()),
                world.clock + 1,
                before,
                purpose=purpose,
            ).ok
        ):
            _checked(world, name, purpose)
            world.states[name] = State.DOWN
            if purpose is Purpose.REPLACE:
                _wiped(world, name)
        else:
            _happens(world, happening, name)
        _elected(world)


def _checked(world: World, name: str, purpose: Purpose) -> None:
    for toy in world.groups:
        if name in toy.members and len(toy.members) >= 3:
            away = [it for it in toy.members if it != name and not up(world, it)]
            if toy.asset.consumer:
                assert not toy.leader or len(away) + 1 <= (len(toy.members) - 1) // 2
                continue
            assert len(away) + 1 <= (len(toy.members) - 1) // 2
            weak = [it for it in toy.members if it != name and toy.stores[it] != FULL]
            assert not any(it == FULL for it in toy.stores.values()) or not weak


def _happens(world: World, event: str, name: str) -> None:
    here = [toy for toy in world.groups if name in toy.members]
    streams = [toy for toy in here if not toy.asset.consumer]
    if event in ("back", "crash"):
        world.states[name] = State.UP if event == "back" else State.DOWN
    for toy in streams:
        if event == "lose" and len(toy.members) > 2:
            toy.stores[name] = LESS[0]
        elif event == "heal":
            toy.stores = dict.fromkeys(toy.members, FULL)
    for toy in here:
        if event == "lead" and up(world, name):
            toy.leader = name


def _wiped(world: World, name: str) -> None:
    for toy in world.groups:
        if name in toy.stores:
            toy.stores[name] = Store(0, 0, 0)


def _elected(world: World) -> None:
    """A majority that is up has a leader among itself; anybody else has none."""
    for toy in world.groups:
        there = [it for it in toy.members if up(world, it)]
        if len(there) < len(toy.members) // 2 + 1:
            toy.leader = ""
        elif toy.leader not in there:
            toy.leader = there[0]
    there = [it for it in world.names if up(world, it)]
    if len(there) < world.size // 2 + 1:
        world.meta_leader = ""
    elif world.meta_leader not in there:
        world.meta_leader = there[0]


def test_the_toy_and_its_stores_agree() -> None:
    stores: list[Any] = [FULL, *LESS]
    assert [len(holds(it)) for it in stores] == [it.messages for it in stores]
    assert holds(FULL) == set(SEQUENCES)
