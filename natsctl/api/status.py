"""The status of a NatsCluster: what the operator writes, and what it reads back.

Reading never fails: the status may have been written by the older Go operator, whose
conditions carry no `status` and repeat their types, or by anybody with an editor.
"""

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from natsctl.api.fields import Json, camel

_CONDITION_STATES = ("True", "False", "Unknown")


@frozen
class Condition:
    """One standard condition; times are RFC 3339 text."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


@frozen
class ServerStatus:
    """One server: the message says why it waits or what is wrong with it."""

    name: str
    version: str = ""
    ready: bool = False
    message: str = ""


@frozen
class ClusterStatus:
    """What is known of a cluster as of `observed_generation`."""

    phase: str = ""
    size: int = 0
    ready_replicas: int = 0
    current_version: str = ""
    selector: str = ""
    observed_generation: int = 0
    control_paused: bool = False
    conditions: tuple[Condition, ...] = ()
    servers: tuple[ServerStatus, ...] = ()


def to_json(status: ClusterStatus) -> Json:
    """The status as its manifest has it."""
    return _json_object(status)


def _json_object(item: Any) -> Json:
    names = (attribute.name for attribute in attrs.fields(type(item)))
    return {camel(name): _json_value(getattr(item, name)) for name in names}


def _json_value(value: Any) -> Any:
    return [_json_object(item) for item in value] if isinstance(value, tuple) else value


def parse_status(raw: object) -> ClusterStatus:
    """Whatever can be understood of a stored status; the rest has its default."""
    plain = _fields(ClusterStatus, raw)
    return ClusterStatus(
        **plain,
        conditions=_conditions(_items(raw, "conditions")),
        servers=tuple(
            ServerStatus(**known)
            for known in (_fields(ServerStatus, item) for item in _items(raw, "servers"))
            if known.get("name")
        ),
    )


def _conditions(raw: list[Any]) -> tuple[Condition, ...]:
    known = (_fields(Condition, item) for item in raw)
    whole = (item for item in known if item.get("type") and item.get("status") in _CONDITION_STATES)
    return tuple({item["type"]: Condition(**item) for item in whole}.values())


def _fields(cls: type, raw: object) -> Json:
    """The plain fields of a class that `raw` has with the right type."""
    if not isinstance(raw, Mapping):
        return {}
    found = {a.name: (a.type, raw.get(camel(a.name))) for a in attrs.fields(cls)}
    return {name: value for name, (kind, value) in found.items() if type(value) is kind}


def _items(raw: object, key: str) -> list[Any]:
    found = raw.get(key) if isinstance(raw, Mapping) else None
    return found if isinstance(found, list) else []
