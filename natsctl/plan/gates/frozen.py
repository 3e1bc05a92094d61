"""Servers of which a store no longer changes: a write to it failed, such as on a full disk.

Nothing but a restart brings such a copy back. Servers from 2.14 on say so in /healthz. Those of
2.12 freeze as well, with 200 in /healthz and called current by the leader (measured): what tells
is that the copy stands still behind what another one had a look before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.times import moment
from natsctl.plan.gates.stores import Copy, all_copies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from natsctl.model.jetstream import Asset, JetStreamReport
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Told

STILL: Final = 5.0
"""Seconds between two looks in which a copy that only is slow would have moved."""
RECOVERED: Final = 60.0
"""Seconds that a server has run, by its own clock, before its copies are judged: while it reads
its store and catches up, it stands still as well."""


def frozen_copies(it: Case) -> frozenset[str]:
    """The servers of which a copy stands still behind another one, or that tell a failed write.

    Enough to restart them before others, and no proof: the looks may be close together.
    """
    behind = (name for told, copies in all_copies(it) for name in _behind(told, copies))
    return frozenset(behind) | _failed(it).keys()


def frozen(it: Case) -> dict[str, tuple[Asset, ...]]:
    """The same where nothing else explains it, by server, with the streams that are known.

    A replica that its leader does not call good is one that is behind, and is told as that.
    """
    found = {name: set(assets) for name, assets in _failed(it).items()}
    if it.second.look.began - it.first.look.began >= STILL:
        for told, copies in all_copies(it):
            for name in _behind(told, copies):
                good = name == told.leader or (name in told.members and name not in told.bad)
                if good and _has_recovered(it.second.answered.get(name)):
                    found.setdefault(name, set()).add(told.asset)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _behind(told: Told, copies: Mapping[str, Copy]) -> Iterator[str]:
    """Copies that stand still although another one had more a look before.

    Followers apply what their leader does, so a leader that stands still behind one is frozen, too.
    """
    for name, copy in copies.items():
        if told.leader in copies and not copy.moved and copy.second.last < _had(copies, name):
            yield name


def _had(copies: Mapping[str, Copy], but: str) -> int:
    return max((copy.first.last for name, copy in copies.items() if name != but), default=0)


def _failed(it: Case) -> dict[str, Collection[Asset]]:
    """The servers that told of a failed write in both looks, and the stream if they name it."""
    said = ((name, [view.answered.get(name) for view in it.views]) for name in sorted(it.expected))
    return {
        name: [asset for each in reports if each and (asset := each.health.asset) is not None]
        for name, reports in said
        if all(each is not None and each.health.write_failed for each in reports)
    }


def _has_recovered(said: JetStreamReport | None) -> bool:
    started, now = (moment(said.started), moment(said.now)) if said is not None else (None, None)
    return started is not None and now is not None and (now - started).total_seconds() >= RECOVERED
