"""Which volume is being replaced with an empty one: noted on the config Secret.

Its server stopped when two looks, and the server itself, had shown that no stream was on it alone.
Until the old claim is deleted, the server can come back with it, and does so as soon as it may be
needed. Then the note says that it came back, before its pod is made: what streams came to it since,
nobody knows any more.

The text is `2=5c1e77@2026-01-02T03:04:05Z`: index, the beginning of the claim's uid, and when the
server stopped; with `!` for `@`, when it came back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.model.names import MAX_SIZE
from natsctl.model.times import moment
from natsctl.plan.claims.memory import is_free
from natsctl.plan.claims.note import Noted, beginning
from natsctl.plan.claims.replaceable import LEAST as LEAST
from natsctl.plan.claims.replaceable import are_replaceable, policy_in
from natsctl.plan.claims.stored import bytes_of, room_of
from natsctl.plan.server_identity import wanted, without
from natsctl.plan.servers import kubelet_ready

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.jetstream import Group
    from natsctl.model.objects import PersistentVolumeClaim
    from natsctl.plan.context import Context
    from natsctl.plan.servers import Server
    from natsctl.plan.state import OwnedObject

PATIENCE: Final = 120.0
"""Seconds after which a server that stopped comes back, if the others still need what it has."""
REST: Final = 600.0
"""Seconds after which that is tried again."""
_STOPPED, _BACK = "@", "!"
_ENTRY: Final = re.compile(
    r"([1-9][0-9]{0,2})=([-a-z0-9]{1,6})([@!])([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)", re.ASCII
)


@attrs.frozen
class Given:
    """A volume whose server stopped, or `is_back` since, and when."""

    claim: str
    at: str
    is_back: bool = False


Renewals = Mapping[int, Given]
"""By the server's index."""


def renewals_text(note: Renewals) -> str:
    """The annotation."""
    return ",".join(
        f"{index}={it.claim}{_BACK if it.is_back else _STOPPED}{it.at}"
        for index, it in sorted(note.items())
    )


def parse_renewals(text: str) -> dict[int, Given]:
    """What is noted, as far as natsctl may have written it: others can write there, too."""
    found = map(_ENTRY.fullmatch, text.split(",", MAX_SIZE)[:MAX_SIZE])
    return {int(it[1]): Given(it[2], it[4], it[3] == _BACK) for it in found if it is not None}


def renewals_of(context: Context) -> dict[int, Given]:
    """The same on the config Secret."""
    secret = context.state.secrets.get(context.state.cluster.metadata.name)
    text = secret.metadata.annotation(names.REPLACING_ANNOTATION) if secret is not None else None
    return parse_renewals(text or "")


def is_given_up(
    context: Context, given: Given | None, live: PersistentVolumeClaim | None, noted: Noted | None
) -> bool:
    """Whether no pod is to be made with what is there, or was, because it is being replaced."""
    if given is None or given.is_back:
        return False
    if live is None:
        return noted is not None and noted.claim == given.claim
    uid = context.state.cluster.metadata.uid
    own = live.metadata.annotation(names.CLUSTER_UID_ANNOTATION) == uid
    return own and is_free(live, uid) and given.claim == beginning(live.metadata.uid)


def comes_back(
    context: Context, index: int, made: OwnedObject, live: PersistentVolumeClaim
) -> bool:
    """Whether a server that stopped comes back with the volume that it has."""
    if live.metadata.deletion_timestamp is not None:
        return False
    given = renewals_of(context)[index]
    server = {server.index: server for server in context.servers}.get(index)
    goes = is_wanted(context, index, made, live)
    return (
        seconds_since(given, context.state.timestamp) > PATIENCE
        or not goes
        or _another_is_away(context, index)
        or (server is not None and not _leaves_nothing(context, server))
    )


def seconds_since(given: Given, timestamp: str) -> float:
    """How long ago that was; as long ago as can be where nobody can tell."""
    then, now = moment(given.at), moment(timestamp)
    return abs((now - then).total_seconds()) if then is not None and now is not None else REST


def is_wanted(context: Context, index: int, made: OwnedObject, live: PersistentVolumeClaim) -> bool:
    """Whether the spec asks for another volume in the place of this one: larger, or encrypted in
    another way."""
    size = bytes_of(str(made.manifest["spec"]["resources"]["requests"]["storage"]))
    return replaces(context) and (room_of(live) < size or has_earlier_key(context, index))


def has_earlier_key(context: Context, index: int) -> bool:
    """Whether the volume of a server is not encrypted as the spec says now."""
    earlier = context.desired.target.earlier_of(index)
    return earlier is not None


def replaces(context: Context) -> bool:
    """Whether volumes that cannot grow are to be replaced, and can be."""
    return are_replaceable(context.desired.target.spec)


def policy_of(context: Context) -> str:
    """What the spec says about volumes of another size."""
    return policy_in(context.desired.target.spec)


def _another_is_away(context: Context, index: int) -> bool:
    """Whether not all others run: the one that stopped may have the copy that is needed then."""
    servers = {it.index: it for it in wanted(context.servers, context.size)}
    others = without(servers, {index}).values()
    well = (kubelet_ready(it.pod) and not it.terminating for it in others)
    return len(others) < context.size - 1 or not all(well)


def _leaves_nothing(context: Context, server: Server) -> bool:
    """Whether it shuts down, and did not say last that something is on it alone."""
    looks = context.state.jetstream[-1:]
    said = (look.reports.get(server.pod.metadata.uid) for look in looks)
    told = (it for it in said if it is not None)
    return server.terminating and not any(alone_in(it.groups.values()) for it in told)


def alone_in(groups: Iterable[Group]) -> bool:
    """Whether a server that tells these has a stream that nobody else has."""
    return any(not it.asset.consumer and not it.raft.replicas for it in groups)
