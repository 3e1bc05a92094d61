"""A reserve that servers get when a store reaches its limit, and give back when it is empty again.

At the limit, groups lose their leaders, and users cannot even purge. So natsctl raises the limit
into what the default leaves free on the volume, once, and only if the disks have room for it. What
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
    target = _target(jetstream, wanted, capacity)
    needed = levels.kept(levels.file, wanted)
    if (loan := levels.loan).limit > wanted:
        return loan.limit if needed or not loan.rested else 0
    if target <= wanted or share < SHARE:
        return 0  # nothing is left, or a server of 2.9 may run: what that counts says nothing
    if levels.file.starting == target and needed:
        return target  # lent, and the status was lost or not written any more
    # Before 2.12 it takes a restart of each, which needs groups that still have leaders.
    due = AT_LIMIT if version.at_least(2, 12) else NEAR
    has_room = levels.strain.ceiling >= target > levels.file.limit
    return target if levels.strain.filled >= due and has_room else 0


def _target(jetstream: JetStream, wanted: int, capacity: int) -> int:
    if not stores_files(jetstream) or not capacity:
        return 0
    volume = volume_bytes(jetstream, capacity)
    most = min(wanted + volume * LENT // 100, volume * MOST // 100)
    return most // _MI * _MI
