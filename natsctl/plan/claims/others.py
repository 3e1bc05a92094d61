"""What is noted on claims of servers beyond size of what their data depends on.

Some of these servers run, and some come back to leave empty: then the release counts that may have
written to the volume last, as with any other server. The rest are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.plan.claims.data import (
    UNKNOWN,
    current_data,
    data_of,
    data_text,
    noted_data,
    read_data,
    wanted_data,
)
from natsctl.plan.claims.keys import awaited_keys, key_problem_of
from natsctl.plan.claims.volumes import is_ours, volumes_of
from natsctl.plan.server_identity import without
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from natsctl.model.objects import PersistentVolumeClaim
    from natsctl.plan.claims.data import Data
    from natsctl.plan.claims.volumes import Volumes
    from natsctl.plan.context import Context


def data_of_others(
    context: Context, volumes: Volumes, returning: Collection[int]
) -> Callable[[int, PersistentVolumeClaim], str]:
    """What is to be noted on a claim, by the index of its server; `returning` are to start."""
    wanted, goal = wanted_data(context, volumes.note or {}), context.desired.target
    servers = {server.index: server for server in context.servers}
    gone = without(without(volumes.others, servers), returning)
    read = read_data(volumes.others.values())

    def told(index: int, claim: PersistentVolumeClaim) -> str:
        server, noted = servers.get(index), noted_data(claim)
        odd = server is None and _is_odd(context, index, claim)
        if odd or gone.get(index):
            return _resized(noted, read.get(noted), wanted(index).size)
        return data_text(current_data(wanted(index), goal, server, read.get(noted)))

    return told


def obstacles_to_others(context: Context, returning: Collection[int]) -> dict[int, str]:
    """Servers that are to come back and may not start yet, and why: by index."""
    volumes = volumes_of(context) if returning else None
    if volumes is None:
        return {}
    told = data_of_others(context, volumes, returning)
    gone = without(volumes.others, returning)
    claims = without(volumes.others, gone).items()
    awaited = awaited_keys(context)
    found = (
        (
            index,
            awaited(index, claim) or _obstacle(context, index, claim, told(index, claim)),
        )
        for index, claim in claims
    )
    return {index: text for index, text in found if text}


def _is_odd(context: Context, index: int, claim: PersistentVolumeClaim) -> bool:
    """Whether its server cannot start as it is noted: then that stays."""
    unread = noted_data(claim) not in ("", UNKNOWN) and data_of(claim) is None
    return unread or bool(_other_key(context, index, claim))


def _other_key(context: Context, index: int, claim: PersistentVolumeClaim) -> str:
    data, what = data_of(claim), f"{data_kind().kind} {claim.metadata.name}"
    own = is_ours(context, claim)
    return key_problem_of(context, index, what, data, own=own) if data is not None else ""


def _obstacle(context: Context, index: int, claim: PersistentVolumeClaim, wanted: str) -> str:
    what, noted = f"{data_kind().kind} {claim.metadata.name}", noted_data(claim)
    if why := _other_key(context, index, claim):
        return why
    if noted not in ("", UNKNOWN) and data_of(claim) is None:
        return (
            f"annotation {names.DATA_ANNOTATION} of {what}, which says what its data depends on, "
            "cannot be read: restore it, or remove it if the data is of this cluster"
        )
    return "" if noted == wanted else f"what its data depends on is being noted on {what}"


def _resized(noted: str, data: Data | None, size: int) -> str:
    """What was stored by a server that is gone depends on what it did, but how many there are.

    A NatsCluster that takes the others back does not need it.
    """
    return noted if data is None else data_text(attrs.evolve(data, size=size))
