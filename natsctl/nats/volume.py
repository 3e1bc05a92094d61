"""Ask the reloader beside a server how full the volume of its store is.

It is as trustworthy as the server: whoever may write pods in its namespace may answer. So it is
bounded, and what cannot be so is not believed. Pods without a reloader, and those that an earlier
natsctl made, tell nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from natsctl.model import limits, names
from natsctl.model.jetstream import Volume
from natsctl.model.struct_types import known_to_threads
from natsctl.nats.fetch import SMALL, answer
from natsctl.nats.monitoring import UNASKED

if TYPE_CHECKING:
    from natsctl.nats.gate import Gate
    from natsctl.nats.monitoring import Place

SECONDS: Final = 0.5
"""A look waits for it. Where it is late twice, nothing is known until it is not."""
LONGEST: Final = 512
"""Bytes of an answer."""

_Bytes = Annotated[int, msgspec.Meta(ge=0, le=2**60)]


class _Told(msgspec.Struct):
    used: _Bytes
    available: _Bytes


async def volume_of(gate: Gate, place: Place) -> Volume | None:
    """None if nobody tells, whatever the reason: that is unknown, and never taken for room."""
    if not place.watched:
        return None
    where = place.owner, place.address, names.VOLUME_PORT
    try:
        return (await answer(gate, *where, "/volume", None, SECONDS, ("200",), read, SMALL))[1]
    except UNASKED:
        return None


def read(body: bytes) -> Volume:
    """What it says; raises a ValueError if that is no answer of a reloader."""
    limits.check(body, LONGEST)
    told = msgspec.json.decode(body, type=_Told)
    if told.used + told.available == 0:
        raise ValueError("a file system without any space")
    return Volume(told.used, told.available)


known_to_threads(_Told)
