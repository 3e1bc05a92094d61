"""How full volumes are, as the reloaders beside their servers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.quantity import bytes_text
from natsctl.plan.gates.summary import Summary
from natsctl.plan.jetstream import name_of
from natsctl.plan.servers.server import has_reloader
from natsctl.plan.status.steps import tells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.api.types.status import VolumeStatus
    from natsctl.model.jetstream import Volume
    from natsctl.plan.context import Context

_MI: Final = 2**20


def with_use(context: Context, volumes: Mapping[int, VolumeStatus]) -> dict[int, VolumeStatus]:
    """The same with what is used; of a server that does not answer, what it said last.

    Where a server answers and its reloader does not, or none runs, nobody knows: an old number
    would be worse than none.
    """
    if not volumes:
        return {}
    summary = context.state.seen.summary if context.state.seen is not None else Summary()
    before = {server.name: server.volume for server in context.state.status.servers}
    filled = dict(volumes)
    for server in context.servers:
        name, now = name_of(server), summary.volumes.get(name_of(server))
        unknown = now is None and name in summary.file
        volume = volumes.get(server.index)
        if volume is not None and has_reloader(server.pod) and not unknown:
            filled[server.index] = _used(volume, before.get(server.name), now)
    return filled


def _used(volume: VolumeStatus, before: VolumeStatus | None, now: Volume | None) -> VolumeStatus:
    same = before is not None and before.claim == volume.claim and bool(before.used)
    if before is not None and same and _is_enough(before, now):
        return attrs.evolve(volume, used=before.used, used_percent=before.used_percent)
    if now is None:
        return volume
    used = bytes_text(now.used // _MI * _MI)
    return attrs.evolve(volume, used=used, used_percent=now.percent)


def _is_enough(before: VolumeStatus, now: Volume | None) -> bool:
    return now is None or not tells(before.used_percent, now.percent)
