"""A reserve that servers get when a store reaches its limit, and give back when it is empty again.

At the limit, groups lose their leaders, and users cannot even purge. So natsctl raises the limit
into what the default leaves free on the volume, and only as far as all disks have room for it. What
servers start with, in the config Secret, is the memory of the loan: whatever dies in between, the
next process sees the same limit, and servers that still need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.api.types.jetstream import SHARE, stores_files
from natsctl.plan.stores.strain import AT_LIMIT, NEAR
from natsctl.render.config.jetstream import volume_bytes, wanted_file_limit

if TYPE_CHECKING:
    from natsctl.api.types.jetstream import JetStream
    from natsctl.api.version import ServerVersion
    from natsctl.plan.stores.limits import Levels

LENT, MOST = 8, 78
"""Per cent of the volume: what is lent, and the highest limit that comes of it."""
_MI: Final = 2**20
BELOW: Final = 80
"""Per cent of the normal limit that stores have to stay below before the reserve is taken back."""


def lent_limit(
    jetstream: JetStream, version: ServerVersion, share: int, capacity: int, levels: Levels
) -> int:
    """The limit that servers have for the time being, in bytes; 0: the normal one."""
    wanted = wanted_file_limit(jetstream, share, capacity)
    # Nothing, where a server of 2.9 may run: what that counts says nothing.
    targets = _targets(jetstream, wanted, capacity) if share >= SHARE else ()
    needed = levels.kept(levels.file, wanted)
    reloads = version.at_least(2, 12)
    # Before 2.12 it takes a restart of each, which needs groups that still have leaders.
    is_due = levels.strain.filled >= (AT_LIMIT if reloads else NEAR)
    most = next((it for it in targets if it <= levels.strain.ceiling), 0)
    is_more = is_due and most > levels.file.limit
    if (loan := levels.loan).limit > wanted:
        kept = loan.limit if needed or not loan.rested else 0
        return most if is_more and reloads else kept
    if levels.file.starting in targets and needed:
        return levels.file.starting  # lent, and the status was lost or not written any more
    return most if is_more else 0


def _targets(jetstream: JetStream, wanted: int, capacity: int) -> tuple[int, ...]:
    """Limits that may be lent, the highest first: each is known by the configuration that has it.

    A disk on which little is stored may have to keep room for more of it than servers count.
    """
    if not stores_files(jetstream) or not capacity:
        return ()
    volume = volume_bytes(jetstream, capacity)
    percents = range(LENT, 0, -1)
    limits = (
        min(wanted + volume * it // 100, volume * MOST // 100) // _MI * _MI for it in percents
    )
    return tuple(dict.fromkeys(limit for limit in limits if limit > wanted))
