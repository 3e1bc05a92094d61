"""Ask a server that knows no leader who belongs to the meta group.

Where there is a leader, it tells that in /jsz. Without one, nobody does before 2.15; but from
2.10.26 on, /raftz has the ids of all members as the server itself knows them, also of those that it
has not heard of since it started. What else it says, and why nothing of that is asked:
docs/design/jetstream-questions.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import attrs
import msgspec

from natsctl.api.version import number_of
from natsctl.model import limits, names
from natsctl.model.jetstream import MAX_MEMBERS
from natsctl.model.struct_types import known_to_threads
from natsctl.nats.fetch import SMALL, answer
from natsctl.nats.monitoring import TIMEOUT, UNASKED

if TYPE_CHECKING:
    import ssl

    from natsctl.model.jetstream import JetStreamReport
    from natsctl.nats.gate import Gate
    from natsctl.nats.monitoring import Place

META: Final = "_meta_"
QUESTION: Final = f"/raftz?group={META}"
SINCE: Final = (2, 10, 26)

_Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z]{8}\Z")]
_Peers = Annotated[dict[_Id, msgspec.Raw], msgspec.Meta(max_length=MAX_MEMBERS)]


class _Group(msgspec.Struct):
    id: _Id
    peers: _Peers


_Groups = Annotated[dict[str, _Group], msgspec.Meta(max_length=1)]
_Accounts = Annotated[dict[str, _Groups], msgspec.Meta(max_length=1)]


async def with_members(
    gate: Gate, place: Place, tls: ssl.SSLContext | None, said: JetStreamReport
) -> JetStreamReport:
    """The report; with the ids of the members if nobody leads them and the server tells them."""
    if said.meta is None or said.meta.leader or not _tells(said.version):
        return said
    ids = await _members(gate, place, tls)
    return attrs.evolve(said, meta=attrs.evolve(said.meta, ids=ids))


def _tells(version: str) -> bool:
    number = number_of(version)
    return number is not None and number >= SINCE


async def _members(gate: Gate, place: Place, tls: ssl.SSLContext | None) -> frozenset[str] | None:
    """None if it does not tell them, whatever the reason: that is unknown."""
    where = place.owner, place.address, names.MONITORING_PORT
    try:
        return (await answer(gate, *where, QUESTION, tls, TIMEOUT, ("200",), read, SMALL))[1]
    except UNASKED:
        return None


def read(body: bytes) -> frozenset[str]:
    """The ids of the meta group's members, the server among them. Raises a ValueError."""
    limits.check(body, SMALL)
    for groups in msgspec.json.decode(body, type=_Accounts).values():
        if META in groups:
            return frozenset((groups[META].id, *groups[META].peers))
    raise ValueError("it does not report the meta group")


known_to_threads(_Group)
