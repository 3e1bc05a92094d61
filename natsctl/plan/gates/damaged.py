"""Replicas that lost a part of their store, which no server tells.

Such a replica is current, without lag, and healthy, through any number of restarts. If it is
elected, what it lacks is gone for everybody. So a full replica has to lead, before anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model.jetstream import Asset
from natsctl.plan.gates.case import case
from natsctl.plan.gates.stores import Copy, all_copies, lost_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look


@attrs.frozen
class Damage:
    """A stream whose copies differ: who holds `less`, and who lacks nothing (`full`, maybe nobody).

    `leader` is empty if there is none. Only if `sure`, one comparison is enough: acknowledgements
    remove messages from some streams, from each copy in its own time.
    """

    asset: Asset
    leader: str
    full: tuple[str, ...]
    less: tuple[tuple[str, Copy], ...]
    sure: bool = True

    @property
    def leads(self) -> bool:
        """Whether what leads holds less than others."""
        return any(name == self.leader for name, _ in self.less)


def damaged(expected: Collection[str], looks: tuple[Look, Look]) -> tuple[Damage, ...]:
    """All streams of which some copy lost a part, in order."""
    return tuple(damaged_in(case("", expected, looks)))


def damaged_in(it: Case) -> Iterator[Damage]:
    """The same of looks that are sorted out already."""
    for told, copies in sorted(all_copies(it), key=lambda found: found[0].asset):
        if less := lost_parts(copies):
            yield Damage(
                asset=told.asset,
                leader=told.leader,
                full=tuple(sorted(copies.keys() - less)),
                less=tuple((name, copies[name]) for name in less),
                sure=not told.settles_late,
            )
