"""A toy cluster with JetStream: what is, and what each server would say of it when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import attrs

from natsctl.model.jetstream import (
    Asset,
    Group,
    Health,
    JetStreamReport,
    Meta,
    Raft,
    Replica,
    Storage,
    Store,
    Usage,
    Volume,
)
from natsctl.plan.gates.gate import may_go
from natsctl.plan.gates.look import Look
from natsctl.plan.gates.verdict import Baseline, Purpose, Verdict

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FULL = Store(100, 1, 100)
FINE = Replica("", current=True, active=0.5)
DEAD = Replica("", current=True, offline=True, active=9.0)
SILENT = Replica("", current=True, active=9.0)


class State(Enum):
    """How a server is; one that is paused keeps its connections and says nothing."""

    UP = "up"
    DOWN = "down"
    PAUSED = "paused"
    DISABLED = "disabled"


@attrs.define
class Toy:
    """A group. `away` are members on which it does not run, though the server does; `seen` is what
    its leader says of a replica, if not what is true."""

    asset: Asset
    members: list[str]
    leader: str = ""
    replicas: int = 3
    storage: Storage = Storage.FILE
    stores: dict[str, Store] = attrs.field(factory=dict)
    seen: dict[str, Replica] = attrs.field(factory=dict)
    away: set[str] = attrs.field(factory=set)
    moving: bool = False
    settles_late: bool = False


@attrs.define
class World:
    """Servers nats-1, nats-2 ... of which the first leads the meta group.

    Those in `zones` have a tag of their zone; if any are, replicas are kept in different ones.
    """

    size: int = 3
    states: dict[str, State] = attrs.field(factory=dict)
    groups: list[Toy] = attrs.field(factory=list)
    meta_leader: str = "nats-1"
    clock: float = 0.0
    volumes: dict[str, Volume] = attrs.field(factory=dict)
    zones: dict[str, str] = attrs.field(factory=dict)
    sizes: dict[str, int] = attrs.field(factory=dict)
    """How many members the meta group has as a server counts them, if not as many as it has."""

    @property
    def names(self) -> list[str]:
        return [f"nats-{n}" for n in range(1, self.size + 1)]

    def state(self, name: str) -> State:
        return self.states.get(name, State.UP)

    def stream(
        self,
        name: str = "S",
        members: Iterable[str] = (),
        leader: str | None = None,
        replicas: int | None = None,
        storage: Storage = Storage.FILE,
        store: Store = FULL,
        consumer: str = "",
    ) -> Toy:
        """Add a group, by default on the first three servers, led by the first of them."""
        on = list(members) or self.names[:3]
        toy = Toy(
            Asset("A", name, consumer),
            on,
            on[0] if leader is None else leader,
            len(on) if replicas is None else replicas,
            storage,
            {} if consumer else dict.fromkeys(on, store),
        )
        self.groups.append(toy)
        return toy

    def report(self, name: str) -> JetStreamReport:
        """What a server says."""
        state = self.state(name)
        if state in (State.DOWN, State.PAUSED):
            return JetStreamReport(name, problem="no answer in time")
        disabled = state is State.DISABLED
        return JetStreamReport(
            name=name,
            server_id=f"ID-{name}",
            version="2.12.15",
            started=START.isoformat(),
            now=(START + timedelta(seconds=self.clock)).isoformat(),
            disabled=disabled,
            health=Health(503, "JetStream not enabled") if disabled else Health(200),
            peers=frozenset(
                it for it in self.names if it != name and self.state(it) is not State.DOWN
            ),
            file=Usage(10, 100),
            volume=self.volumes.get(name),
            meta=None if disabled else self._meta(name),
            tags=("fast", f"zone:{self.zones[name]}") if name in self.zones else (),
            unique_tag="Zone:" if self.zones else "",
            groups={} if disabled else {it.asset: self._group(it, name) for it in self._on(name)},
        )

    def look(self) -> Look:
        """Ask everybody."""
        self.clock += 2.0
        return Look(self.clock, {name: self.report(name) for name in self.names})

    def seen_by_leader(self, name: str) -> Replica:
        """What is true of a replica."""
        state = self.state(name)
        return attrs.evolve({State.UP: FINE, State.DOWN: DEAD}.get(state, SILENT), name=name)

    def _seen(self, toy: Toy, name: str) -> Replica:
        return Replica(name) if name in toy.away else self.seen_by_leader(name)

    def _on(self, name: str) -> list[Toy]:
        return [it for it in self.groups if name in it.members and name not in it.away]

    def _meta(self, name: str) -> Meta:
        others = [it for it in self.names if it != name]
        replicas = tuple(map(self.seen_by_leader, others)) if name == self.meta_leader else ()
        return Meta(self.meta_leader, replicas, size=self.sizes.get(name, self.size))

    def _group(self, toy: Toy, name: str) -> Group:
        others = [it for it in toy.members if it != name]
        if name == toy.leader:
            replicas = [toy.seen.get(it) or self._seen(toy, it) for it in others]
        else:
            replicas = [Replica(it) for it in others]
        return Group(
            toy.asset,
            toy.replicas,
            Raft(toy.leader, tuple(replicas), toy.moving),
            toy.storage,
            toy.stores.get(name),
            toy.settles_late,
        )


def judged(
    world: World,
    target: str = "nats-2",
    *,
    baseline: Baseline | None = None,
    overrides: Iterable[str] = (),
    purpose: Purpose = Purpose.RESTART,
) -> Verdict:
    """The verdict of two looks at an unchanging world."""
    looks = world.look(), world.look()
    return may_go(
        target, world.names, looks, world.clock + 1, baseline, frozenset(overrides), purpose
    )


def with_reports(
    world: World, change: Callable[[JetStreamReport], JetStreamReport], *names: str
) -> Verdict:
    """The verdict on nats-2 if these servers said something else, in both looks."""
    looks = world.look(), world.look()
    first, second = (
        attrs.evolve(it, reports={n: change(r) if n in names else r for n, r in it.reports.items()})
        for it in looks
    )
    return may_go("nats-2", world.names, (first, second), world.clock + 1)


def changed(world: World, *names: str, **changes: Any) -> Verdict:
    return with_reports(world, lambda said: attrs.evolve(said, **changes), *names)


def fine(name: str) -> Replica:
    return Replica(name, current=True, active=0.1)
