"""Servers with JetStream off have lost their copies in memory, and come back without them.

Two of three such servers can outvote the one that still has its copy, and its messages are gone for
everybody. So of those that had a copy of the same stream, one restarts at a time.
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
    behind = {block.asset for compare in (store_behind, store_differs) for block in compare(it)}
    first = next(
        (n for n in concerned if all(_may_lack(told, n, off, down, behind) for told in groups)), ""
    )
    return tuple(name for name in concerned if name != first)


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
