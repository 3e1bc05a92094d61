"""Whether the copies of a stream contain the same, by what each server says of its own.

A replica that lost a part of its store is called current by its leader, with /healthz 200, on
every version; if it is elected, what it lacks is lost for everybody. So copies are compared, in
two looks, because they are not asked at the same moment.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.jetstream import Store
from natsctl.plan.gates.look import MOST_LAG
from natsctl.plan.gates.verdict import Block, Why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from natsctl.model.jetstream import Asset
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Told

IN_FLIGHT: Final = MOST_LAG
"""Messages by which copies may differ while they change, beside what changed between the looks."""


_Twice = tuple[int, int]


@attrs.frozen
class Copy:
    """One server's copy of a stream in both looks."""

    first: Store
    second: Store

    @property
    def moved(self) -> int:
        """How much it changed between the looks."""
        before, after = self.first, self.second
        return (
            abs(after.last - before.last)
            + abs(after.begin - before.begin)
            + abs(after.deleted - before.deleted)
        )


def store_behind(case: Case) -> Iterator[Block]:
    """A copy on a server that stays still lacks what the leader had at the first look."""
    for told, leader, copies in compared(case):
        for name, copy in copies.items():
            if name != case.target and copy.second.last < leader.first.last:
                detail = f"it ends at {copy.second.last}, its leader at {leader.second.last}"
                yield Block(Why.STORE_BEHIND, name, told.asset, detail)


def store_differs(case: Case) -> Iterator[Block]:
    """A copy on a server that stays differs from its leader's, or the target's has more."""
    for told, leader, copies in compared(case):
        for name, copy in copies.items():
            worse = differs(copy, leader) if name != case.target else lacks(leader, copy)
            if worse:
                detail = f"{name} has {shown(copy.second)}, its leader {told.leader} "
                detail += shown(leader.second)
                yield Block(Why.STORE_DIFFERS, name, told.asset, detail)


def compared(case: Case) -> Iterator[tuple[Told, Copy, dict[str, Copy]]]:
    """Each stream that has a leader, the leader's copy, and those of the others."""
    for told, copies in all_copies(case):
        if told.leader in copies:
            leader = copies.pop(told.leader)
            yield told, leader, copies


def all_copies(case: Case) -> Iterator[tuple[Told, dict[str, Copy]]]:
    """Each stream, and all copies of it that were told in both looks, by server."""
    for asset, told in case.second.groups.items():
        yield told, dict(_copies(case, asset))


def lost_parts(copies: Mapping[str, Copy]) -> list[str]:
    """Whose copies lack what another has of the same time, in order: no question of catching up.

    Anybody may say that he has a copy, so not each is compared with each: only with the most that
    any had of those that had come no further at the first look.
    """
    by_time = sorted(copies.values(), key=lambda copy: copy.first.last)
    times = [copy.first.last for copy in by_time]
    least = {
        of: [math.inf, *accumulate(map(_least(of), by_time), min)] for of in (_begins, _deleted)
    }

    def has_lost(copy: Copy) -> bool:
        known = bisect_right(times, copy.second.last)
        return any(_stands(of(copy)) and of(copy)[1] > least[of][known] for of in least)

    return [name for name in sorted(copies) if has_lost(copies[name])]


def _least(of: Callable[[Copy], _Twice]) -> Callable[[Copy], float]:
    """A number of a copy, if it is the same in both looks."""
    return lambda copy: of(copy)[1] if _stands(of(copy)) else math.inf


def differs(one: Copy, other: Copy) -> bool:
    """Whether they contain something else, and not only because they change."""
    return lacks(one, other) or lacks(other, one)


def lacks(one: Copy, other: Copy) -> bool:
    """Whether the one has not got what the other has: the beginning, the end, or in between."""
    slack = one.moved + other.moved + IN_FLIGHT if one.moved or other.moved else 0
    return (
        _more(_begins(one), _begins(other), slack)
        or _more(_ends(other), _ends(one), slack)
        or _more(_deleted(one), _deleted(other), slack)
    )


def shown(store: Store) -> str:
    """For people: how many messages, and from where to where."""
    return f"{store.messages} messages from {store.begin} to {store.last}"


def _more(one: _Twice, other: _Twice, slack: int) -> bool:
    """Of a number that stands still in both copies, any difference counts."""
    return one[1] - other[1] > (0 if _still(one, other) else slack)


def _still(one: _Twice, other: _Twice) -> bool:
    return _stands(one) and _stands(other)


def _stands(number: _Twice) -> bool:
    return number[0] == number[1]


def _begins(copy: Copy) -> _Twice:
    return copy.first.begin, copy.second.begin


def _ends(copy: Copy) -> _Twice:
    return copy.first.last, copy.second.last


def _deleted(copy: Copy) -> _Twice:
    return copy.first.deleted, copy.second.deleted


def _copies(case: Case, asset: Asset) -> Iterator[tuple[str, Copy]]:
    before, after = case.first.groups.get(asset), case.second.groups[asset]
    for name, store in after.stores.items():
        if before and name in before.stores:
            yield name, Copy(before.stores[name], store)
