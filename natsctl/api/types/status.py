"""The status of both resources: what the operator writes, and what it reads back.

Reading never fails: the status may have been written by the older Go operator, whose
conditions carry no `status` and repeat their types, or by anybody with an editor.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

import attrs
from attrs import frozen

from natsctl.api.fields import Json, camel
from natsctl.model.foreign import plain, printable
from natsctl.model.names import MAX_SIZE

_Item = TypeVar("_Item", bound=attrs.AttrsInstance)
_ITEMS_MAX = MAX_SIZE
"""Servers, conditions or accounts that are read; whoever edits a status may write any number."""
_CONDITIONS_MAX = 64
_CONDITION_STATES = ("True", "False", "Unknown")


@frozen
class Condition:
    """One standard condition; times are RFC 3339 text."""

    type: str
    status: str
    reason: str = ""
    message: str = attrs.field(default="", converter=plain)
    last_transition_time: str = ""
    observed_generation: int = 0


@frozen
class VolumeStatus:
    """The volume of one server: its claim, what that asks for, and what is there.

    `used` is empty if nobody tells; `used_percent` is of what servers may use.
    """

    claim: str = attrs.field(converter=printable)
    size: str = attrs.field(default="", converter=printable)
    capacity: str = attrs.field(default="", converter=printable)
    used: str = attrs.field(default="", converter=printable)
    used_percent: int = 0


@frozen
class ServerStatus:
    """One server: the message says why it waits or what is wrong with it.

    `volume` is None for servers without JetStream.
    """

    name: str
    version: str = attrs.field(default="", converter=printable)
    ready: bool = False
    message: str = attrs.field(default="", converter=plain)
    volume: VolumeStatus | None = None


@frozen
class CertificateStatus:
    """The certificate of one listener; `not_after` is RFC 3339 text."""

    listener: str
    secret: str = ""
    not_after: str = ""


@frozen
class GroupsStatus:
    """How many streams and consumers there are, and how many of them are well, or not."""

    total: int = 0
    healthy: int = 0
    short: int = 0
    leaderless: int = 0


@frozen
class BlockedStatus:
    """What would hold up the restart of a server: `why` is its override.

    `since` is the moment, in RFC 3339, at which that was reported first.
    """

    why: str = attrs.field(converter=printable)
    message: str = attrs.field(default="", converter=plain)
    account: str = attrs.field(default="", converter=printable)
    stream: str = attrs.field(default="", converter=printable)
    consumer: str = attrs.field(default="", converter=printable)
    server: str = attrs.field(default="", converter=printable)
    since: str = attrs.field(default="", converter=printable)


@frozen
class StorageStatus:
    """The file store of one server; `limit` is a quantity of bytes."""

    server: str
    used_percent: int = 0
    limit: str = ""


@frozen
class BrokenStatus:
    """What was broken before servers began to restart, in names as they are: natsctl reads it."""

    why: str
    account: str = ""
    stream: str = ""
    consumer: str = ""
    server: str = ""


@frozen
class WaitingStatus:
    """The server that has waited to restart since a moment in RFC 3339, and after how many minutes
    an event last reported it."""

    server: str = attrs.field(converter=printable)
    since: str = ""
    reported: int = 0


@frozen
class LentStatus:
    """A limit of the file store, as a quantity of bytes, that is lent since a moment in RFC 3339.

    `below` is since when no store needs it; empty: some store does, or nobody knows.
    """

    limit: str = attrs.field(converter=printable)
    since: str = attrs.field(default="", converter=printable)
    below: str = attrs.field(default="", converter=printable)


@frozen
class JetStreamStatus:
    """JetStream as the last looks showed it; servers by the names of their pods.

    `broken_before` is None unless servers are restarting, and so is `waiting` unless one waits;
    `lent` is None unless servers have a higher limit for the time being.
    """

    quorum: str = ""
    must_stay: tuple[str, ...] = ()
    meta_leader: str = attrs.field(default="", converter=printable)
    groups: GroupsStatus = GroupsStatus()
    blocked: tuple[BlockedStatus, ...] = ()
    storage: tuple[StorageStatus, ...] = ()
    broken_before: tuple[BrokenStatus, ...] | None = None
    waiting: WaitingStatus | None = None
    lent: LentStatus | None = None


@frozen
class ClusterStatus:
    """What is known of a cluster as of `observed_generation`.

    `accepted_spec` is JSON of the last spec that could be acted on; empty if it is too long.
    `jetstream` is None for clusters without JetStream.
    """

    phase: str = ""
    size: int = 0
    ready_replicas: int = 0
    current_version: str = ""
    selector: str = ""
    observed_generation: int = 0
    control_paused: bool = False
    operator: str = ""
    accepted_spec: str = ""
    conditions: tuple[Condition, ...] = ()
    servers: tuple[ServerStatus, ...] = ()
    certificates: tuple[CertificateStatus, ...] = ()
    jetstream: JetStreamStatus | None = None


@frozen
class AccountStatus:
    """A ServiceAccount that may connect: as which user, with the token of which Secret."""

    namespace: str = attrs.field(converter=plain)
    name: str = attrs.field(converter=plain)
    user: str = attrs.field(default="", converter=plain)
    secret: str = attrs.field(default="", converter=plain)


@frozen
class RoleStatus:
    """What was made of a NatsServiceRole as of `observed_generation`."""

    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    service_accounts: tuple[AccountStatus, ...] = ()


def to_json(status: ClusterStatus | RoleStatus) -> Json:
    """The status as its manifest has it; what is None is left out."""
    return _json_object(status)


def optional_fields(of: type) -> Json:
    """By their names in a manifest, the fields that are left out at times, each with its own."""
    return {
        camel(field.name): next(map(optional_fields, filter(attrs.has, get_args(field.type))), {})
        for field in attrs.fields(of)
        if field.default is None
    }


def _json_object(item: Any) -> Json:
    values = ((a.name, getattr(item, a.name)) for a in attrs.fields(type(item)))
    return {camel(name): _json_value(value) for name, value in values if value is not None}


def _json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    return _json_object(value) if attrs.has(type(value)) else value


def parse_status(raw: object) -> ClusterStatus:
    """Whatever can be understood of a stored status; the rest has its default."""
    return ClusterStatus(
        **_fields(ClusterStatus, raw),
        conditions=_conditions(_items(raw, "conditions")),
        servers=tuple(_servers(_items(raw, "servers"))),
        certificates=_each(CertificateStatus, _items(raw, "certificates")),
        jetstream=_jetstream(raw.get("jetstream") if isinstance(raw, Mapping) else None),
    )


def parse_summary(raw: object) -> ClusterStatus:
    """The same without the lists: it costs nothing, and says whose cluster it is."""
    return ClusterStatus(**_fields(ClusterStatus, raw))


def parse_role_status(raw: object) -> RoleStatus:
    """The same for a NatsServiceRole."""
    return RoleStatus(
        **_fields(RoleStatus, raw),
        conditions=_conditions(_items(raw, "conditions")),
        service_accounts=_each(AccountStatus, _items(raw, "serviceAccounts")),
    )


def _jetstream(raw: object) -> JetStreamStatus | None:
    if not isinstance(raw, Mapping):
        return None
    return JetStreamStatus(
        **_fields(JetStreamStatus, raw),
        must_stay=tuple(printable(n) for n in _items(raw, "mustStay") if isinstance(n, str)),
        groups=GroupsStatus(**_fields(GroupsStatus, raw.get("groups"))),
        blocked=_each(BlockedStatus, _items(raw, "blocked")),
        storage=_each(StorageStatus, _items(raw, "storage")),
        broken_before=_broken_before(raw.get("brokenBefore")),
        waiting=next(iter(_each(WaitingStatus, [raw.get("waiting")])), None),
        lent=next(iter(_each(LentStatus, [raw.get("lent")])), None),
    )


def _broken_before(raw: object) -> tuple[BrokenStatus, ...] | None:
    return _each(BrokenStatus, raw[:_ITEMS_MAX]) if isinstance(raw, list) else None


def _servers(raw: list[Any]) -> Iterator[ServerStatus]:
    for item in raw:
        given = item.get("volume") if isinstance(item, Mapping) else None
        volume = next(iter(_each(VolumeStatus, [given])), None) if given else None
        servers = _each(ServerStatus, [item])
        yield from (attrs.evolve(each, volume=volume) for each in servers) if volume else servers


def _each(cls: type[_Item], raw: list[Any]) -> tuple[_Item, ...]:
    """The items that say which one they are."""
    needed = [a.name for a in attrs.fields(cls) if a.default is attrs.NOTHING]
    known = (_fields(cls, item) for item in raw)
    return tuple(cls(**item) for item in known if all(item.get(name) for name in needed))


def _conditions(raw: list[Any]) -> tuple[Condition, ...]:
    known = (_fields(Condition, item) for item in raw[:_CONDITIONS_MAX])
    whole = (item for item in known if item.get("type") and item.get("status") in _CONDITION_STATES)
    return tuple({item["type"]: Condition(**item) for item in whole}.values())


def _fields(cls: type, raw: object) -> Json:
    """The plain fields of a class that `raw` has with the right type."""
    if not isinstance(raw, Mapping):
        return {}
    given = ((name, kind, raw.get(key)) for name, kind, key in _plain(cls))
    return {name: value for name, kind, value in given if type(value) is kind}


@cache
def _plain(cls: type) -> tuple[tuple[str, Any, str], ...]:
    """Attribute, type and JSON name of each field that is no block of its own."""
    kinds = (bool, float, int, str)
    return tuple((a.name, a.type, camel(a.name)) for a in attrs.fields(cls) if a.type in kinds)


def _items(raw: object, key: str) -> list[Any]:
    items = raw.get(key) if isinstance(raw, Mapping) else None
    return items[:_ITEMS_MAX] if isinstance(items, list) else []
