"""Whether servers have room on their volumes, as far as their claims tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.objects import PersistentVolumeClaim
from natsctl.model.server_identity import claim_name
from natsctl.plan.claims.stored import bytes_of
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.plan.context import Context

_GROWS_AT_START: Final = "FileSystemResizePending"
"""The condition of a claim whose volume is larger already, and whose file system follows when a pod
starts with it."""


def rooms_of(context: Context) -> Callable[[int], bool]:
    """Whether a server, by its index, has what its claim asks for. Unknown is no room."""
    name = context.state.cluster.metadata.name
    live = context.state.owned.get(data_kind().kind, {})
    return lambda index: _has_room(live.get(claim_name(name, index)))


def _has_room(claim: object) -> bool:
    if not isinstance(claim, PersistentVolumeClaim):
        return False
    conditions = claim.status.conditions or ()
    if any(it.type == _GROWS_AT_START and it.status == "True" for it in conditions):
        return True
    capacity = claim.status.capacity
    return capacity is not None and bytes_of(capacity.storage) >= bytes_of(claim.requested)
