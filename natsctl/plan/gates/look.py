"""One look at all servers, and each group as its own leader tells it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.jetstream import Asset, Group, JetStreamReport, Meta, Replica, Storage, Store
from natsctl.model.jetstream_look import Times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.model.jetstream_look import Look as Taken

HEARD_WITHIN: Final = 3.5
"""Seconds. A server that is paused stays `current` for ten; when it was heard of tells at once."""
MOST_LAG: Final = 500
"""Entries. A leader under 20,000 publishes a second showed up to 29."""


@attrs.frozen
class Look(Times):
    """What all servers said when they were asked once: reports by the name of the server.

    `began` is seconds of one clock for all looks: before the first question.
    """

    began: float
    reports: Mapping[str, JetStreamReport]


def by_name(looks: Sequence[Taken], names: Mapping[str, str]) -> tuple[Look, Look] | None:
    """The last two looks that were taken; `names` are those of servers, by pod uid.

    None if there are not two. Of two pods that claim one name, neither is believed.
    """
    if len(looks) < 2:
        return None
    first, second = (Look(it.began, dict(_renamed(it.reports, names))) for it in looks[-2:])
    return first, second


def _renamed(
    reports: Mapping[str, JetStreamReport], names: Mapping[str, str]
) -> Iterator[tuple[str, JetStreamReport]]:
    times = Counter(names[uid] for uid in reports if uid in names)
    for uid, said in reports.items():
        if (name := names.get(uid)) is not None:
            twice = JetStreamReport(name, problem="two pods have this name")
            yield name, said if times[name] == 1 else twice


@attrs.frozen
class Told:
    """A stream or consumer as all servers tell it together.

    `leaders` are those that call themselves its leader; `members` and `bad` (member -> why it is
    not good) come from the only one of them. Without one, `members` are all that anybody names.
    `hidden`: the server that others call its leader does not tell all that it has.
    `wavering` are those of the bad ones that are not current and nothing else. `stores` are what
    each server that holds it says of its own copy.
    """

    asset: Asset
    replicas: int
    storage: Storage
    settles_late: bool
    leaders: tuple[str, ...]
    members: frozenset[str]
    bad: Mapping[str, str]
    wavering: frozenset[str]
    moving: bool
    holders: frozenset[str]
    stores: Mapping[str, Store]
    hidden: bool = False

    @property
    def leader(self) -> str:
        """The only leader; empty if there is none, or more than one."""
        return self.leaders[0] if len(self.leaders) == 1 else ""

    @property
    def short(self) -> bool:
        """Whether it has fewer members than it should."""
        return bool(self.leader) and len(self.members) < self.replicas


@attrs.frozen
class View:
    """A look, sorted out: `answered` are the reports that can be believed, by server.

    `partial` are the servers that have too many assets to tell all of them.
    """

    look: Look
    answered: Mapping[str, JetStreamReport]
    groups: Mapping[Asset, Told]
    partial: frozenset[str] = frozenset()

    @cached_property
    def of_server(self) -> Mapping[str, Sequence[Told]]:
        """The groups that each server holds, or is a member of."""
        found = defaultdict[str, list[Told]](list)
        for told in self.groups.values():
            for name in told.holders | told.members:
                found[name].append(told)
        return dict(found)

    @cached_property
    def members(self) -> frozenset[str]:
        """Who belongs to the meta group, as its only leader tells it."""
        meta = self.meta
        return frozenset({meta.leader, *(m.name for m in meta.replicas)}) if meta else frozenset()

    @cached_property
    def connected(self) -> frozenset[str]:
        """The servers to which any other one has a route."""
        return frozenset().union(*(said.peers for said in self.answered.values()))

    @cached_property
    def meta_leaders(self) -> tuple[str, ...]:
        """The servers that call themselves leader of the meta group."""
        said = self.answered.items()
        return tuple(sorted(name for name, it in said if it.meta and it.meta.leader == name))

    @cached_property
    def meta(self) -> Meta | None:
        """The meta group as its only leader tells it."""
        leaders = self.meta_leaders
        return self.answered[leaders[0]].meta if len(leaders) == 1 else None


def view(look: Look, expected: Iterable[str]) -> View:
    """Sort out what the expected servers said; others, and those of another name, say nothing."""
    servers = frozenset(expected)
    answered = {name: it for name in sorted(servers) if (it := _answer(look, name)) is not None}
    partial = frozenset(name for name, said in answered.items() if said.too_many)
    by_asset: dict[Asset, dict[str, Group]] = defaultdict(dict)
    for name, said in answered.items():
        for asset, group in said.groups.items():
            by_asset[asset][name] = group
    groups = {asset: _told(asset, by, servers, partial) for asset, by in by_asset.items()}
    return View(look, answered, groups, partial)


def shortcoming(replica: Replica) -> str:
    """Why a leader's word of a replica is not good enough; empty if it is."""
    if replica.offline:
        return "is offline"
    if not replica.current:
        return "is not current"
    if replica.active >= HEARD_WITHIN:
        return f"was last heard of {replica.active:.1f} seconds ago"
    if replica.pending:
        return "is not a full member yet"
    if replica.lag > MOST_LAG:
        return f"lags by {replica.lag} entries"
    return ""


def settled(one: View, other: View) -> View:
    """Without those that waver in this look, and are good in the other.

    Under load, 2.9 says so of 1 % of all replicas, each time for a moment.
    """
    groups = {asset: _steady(told, other.groups.get(asset)) for asset, told in one.groups.items()}
    return attrs.evolve(one, groups=groups)


def _steady(told: Told, other: Told | None) -> Told:
    if not told.wavering or other is None or not other.leader:
        return told
    good = told.wavering & (other.members - other.bad.keys())
    bad = {name: why for name, why in told.bad.items() if name not in good}
    return attrs.evolve(told, bad=bad)


def _wavering(best: Group) -> Iterator[str]:
    """Those that were heard of, and would be good if they were current."""
    for replica in best.raft.replicas:
        if replica.active > 0 and not shortcoming(attrs.evolve(replica, current=True)):
            yield replica.name


def _answer(look: Look, name: str) -> JetStreamReport | None:
    said = look.reports.get(name)
    return said if said is not None and not said.problem and said.name == name else None


def _told(
    asset: Asset, by: Mapping[str, Group], servers: frozenset[str], partial: frozenset[str]
) -> Told:
    leaders = tuple(sorted(name for name, group in by.items() if group.raft.leader == name))
    best = by[leaders[0]] if leaders else max(by.values(), key=lambda group: group.replicas)
    only = len(leaders) == 1
    bad = dict(_bad(best, by, servers, partial)) if only else {}
    return Told(
        asset=asset,
        replicas=best.replicas,
        storage=best.storage,
        settles_late=best.settles_late,
        leaders=leaders,
        members=frozenset(_named(leaders, by) if only else _anybody(by)),
        bad=bad,
        wavering=frozenset(_wavering(best)) & bad.keys() & by.keys(),
        moving=best.raft.moving if only else any(group.raft.moving for group in by.values()),
        holders=frozenset(by),
        stores={name: group.store for name, group in by.items() if group.store is not None},
        hidden=any(_is_silent(group.raft.leader, by, partial) for group in by.values()),
    )


def _is_silent(name: str, by: Mapping[str, Group], partial: frozenset[str]) -> bool:
    """Whether a server may have a group among what it has too many of to tell."""
    return name in partial and name not in by


def _named(leaders: tuple[str, ...], by: Mapping[str, Group]) -> Iterator[str]:
    (leader,) = leaders
    yield leader
    yield from (replica.name for replica in by[leader].raft.replicas)


def _anybody(by: Mapping[str, Group]) -> Iterator[str]:
    for name, group in by.items():
        yield name
        yield from (replica.name for replica in group.raft.replicas)
        if group.raft.leader:
            yield group.raft.leader


def _bad(
    best: Group, by: Mapping[str, Group], servers: frozenset[str], partial: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """A leader's good word is not enough: the replica has to say itself that it is one."""
    for replica in best.raft.replicas:
        if why := shortcoming(replica):
            yield replica.name, why
        elif replica.name not in servers:
            yield replica.name, "is not a server of this cluster"
        elif replica.name not in by and not _is_silent(replica.name, by, partial):
            yield replica.name, "does not say that it holds it"
