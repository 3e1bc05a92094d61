"""How near servers are to the limit of their stores on disk, and what more their disks could take.

Both are told in few steps, and nothing while there is room: what changes all the time is not to be
judged again all the time.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.quantity import bytes_of
from natsctl.model.times import moment

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.jetstream import JetStreamReport

NEAR, AT_LIMIT = 95, 99
"""Per cent of the limit. At the limit itself it is too late for a single large message."""
SPARE: Final = 5
"""Per cent of a disk that is never lent: it is for the logs of groups, and for what else grows."""
GROWS: Final = 128
"""Bytes on the disk for a hundred that servers count, at most, from 2.10 on (`default_share`)."""
RESTED: Final = 600.0
"""Seconds for which stores have to stay below the normal limit before a reserve is taken back."""
_STEPS: Final = 32


@attrs.frozen
class Strain:
    """`filled` is the highest of `NEAR` and `AT_LIMIT` that a server has reached; 0: none has.

    `ceiling` is the highest limit that all disks have room for, in bytes; 0: not known, since some
    server does not tell.
    """

    filled: int = 0
    ceiling: int = 0


@attrs.frozen
class Loan:
    """A higher limit that servers start with for the time being; 0: there is none.

    `rested`: for long enough, no server has needed it.
    """

    limit: int = 0
    rested: bool = False


def strain_of(reports: Collection[JetStreamReport], *, whole: bool) -> Strain:
    """What the servers say. `whole`: all that have a volume do."""
    marks = (mark for mark in (AT_LIMIT, NEAR) if any(_has_filled(it, mark) for it in reports))
    filled = next(marks, 0)
    if not filled or not whole:
        return Strain(filled)
    return Strain(filled, min(map(_ceiling, reports)))


def loan_of(before: ClusterStatus, starting: int, timestamp: str) -> Loan:
    """What the status remembers, as long as it is what servers start with."""
    lent = before.jetstream.lent if before.jetstream is not None else None
    if lent is None or not starting or bytes_of(lent.limit) != starting:
        return Loan()
    below, now = moment(lent.below, UTC), moment(timestamp, UTC)
    if below is None or now is None:
        return Loan(starting)
    return Loan(starting, (now - below).total_seconds() >= RESTED)


def _has_filled(said: JetStreamReport, percent: int) -> bool:
    return 0 < said.file.limit * percent <= said.file.used * 100


def _ceiling(said: JetStreamReport) -> int:
    """Rounded down: a higher limit than that would fill the disk before it is reached."""
    if said.volume is None:
        return 0
    size = said.volume.used + said.volume.available
    free = max(said.volume.available - size * SPARE // 100, 0)
    most = said.file.used + free * 100 // GROWS
    step = max(most // _STEPS, 1)
    return most // step * step
