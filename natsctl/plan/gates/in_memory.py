"""Servers that stopped, or gave JetStream up, have lost their copies in memory for good.

Two of three such servers can outvote the one that still has its copy, and its messages are gone for
everybody. So of those that had a copy of the same stream, one restarts at a time, and so few come
back at a time that they are no majority.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model.jetstream import Storage
from natsctl.plan.gates.groups import VOTERS
from natsctl.plan.gates.stores import store_behind, store_differs

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Sequence

    from natsctl.model.jetstream import Asset
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Told


def apart(
    it: Case, names: Sequence[str], off: Collection[str], down: Collection[str]
) -> tuple[str, ...]:
    """Which of these servers wait for another one that had a copy of the same stream, in order.

    `off` are all that have none by now, and `down` those of them that do not run: these come back
    whenever they can.
    """
    groups = tuple(_at_risk(it))
    concerned = [name for name in names if any(name in told.members for told in groups)]
    if not concerned:
        return ()
    behind = _behind(it)
    first = next(
        (n for n in concerned if all(_may_lack(told, n, off, down, behind) for told in groups)), ""
    )
    return tuple(name for name in concerned if name != first)


def returning(it: Case, coming: Sequence[str], there: Collection[str]) -> tuple[str, ...]:
    """Which of these servers, which do not run, may start now, in order.

    `there` are those that run, or are about to; who has JetStream off votes for nobody. As many as
    it takes for a leader of the meta group start in any case: without one, nobody gets a copy back.
    """
    said = it.second.answered
    voting = [name for name in there if name not in said or not said[name].disabled]
    groups = tuple(_at_risk(it))
    behind = _behind(it) if groups else frozenset()
    room = {told.asset: _room(told, voting, behind) for told in groups}
    going = list[str]()
    for name in coming:
        concerned = [told.asset for told in groups if _may_hold(told, name)]
        if all(room[asset] > 0 for asset in concerned):
            going.append(name)
            room |= {asset: room[asset] - 1 for asset in concerned}
    lacking = len(it.expected) // 2 + 1 - len(voting) - len(going)
    needed = [name for name in coming if name not in going][: max(lacking, 0)]
    return tuple(name for name in coming if name in going or name in needed)


def _room(told: Told, voting: Collection[str], behind: Container[Asset | None]) -> int:
    """How many more servers without a copy are no majority of its members."""
    members = max(len(told.members), told.replicas)
    empty = [n for n in voting if _may_hold(told, n) and not _has_copy(told, n, behind)]
    return members // 2 - len(empty)


def _may_hold(told: Told, name: str) -> bool:
    """Whether it is a member, or may be one where too few are named."""
    return name in told.members or len(told.members) < told.replicas


def _has_copy(told: Told, name: str, behind: Container[Asset | None]) -> bool:
    """Whether a server has all messages that any one has, as far as that is known."""
    store = told.stores.get(name)
    if store is None or name in told.bad:
        return False
    most = max(each.messages for each in told.stores.values())
    return store.messages >= most or (bool(told.leader) and told.asset not in behind)


def _behind(it: Case) -> frozenset[Asset | None]:
    """Streams of which some copy lacks messages, or has other ones."""
    compared = (store_behind, store_differs)
    return frozenset(block.asset for compare in compared for block in compare(it))


def _at_risk(it: Case) -> Iterator[Told]:
    """Streams in memory of which a server that runs still has messages."""
    for told in it.second.groups.values():
        in_memory = told.storage is Storage.MEMORY and told.replicas >= VOTERS
        if in_memory and any(store.messages for store in told.stores.values()):
            yield told


def _may_lack(
    told: Told,
    name: str,
    off: Collection[str],
    down: Collection[str],
    behind: Container[Asset | None],
) -> bool:
    """Whether a server may come back without its copy of a stream.

    If nobody can lead without it, and no other one is on its way; or if all others have theirs.
    """
    if name not in told.members:
        return True
    running = told.holders & told.members
    if len(running) <= len(told.members) // 2:
        return told.members <= running.union(off).difference(down)
    return bool(told.leader) and not running & told.bad.keys() and told.asset not in behind
