"""What `natsctl status` shows of one cluster: the shape of its JSON."""

from __future__ import annotations

from typing import Any

import attrs

from natsctl.api.fields import camel
from natsctl.api.types.status import Condition, JetStreamStatus, VolumeStatus


@attrs.frozen
class ServerView:
    """One server. `routes` lead to other servers of the cluster, `foreign_routes` elsewhere.

    None: not known. `message` is what it waits for, or what is wrong with it.
    """

    name: str
    version: str = ""
    ready: bool = False
    state: str = ""
    message: str = ""
    node: str = ""
    address: str = ""
    created: str = ""
    restarts: int | None = None
    routes: int | None = None
    foreign_routes: int | None = None
    connections: int | None = None
    volume: VolumeStatus | None = None


@attrs.frozen
class Difference:
    """What of a cluster that was taken over is not as natsctl would make it, and until when."""

    subjects: tuple[str, ...]
    message: str


@attrs.frozen
class CertificateView:
    """The certificate of one listener; `names` are the DNS names it is valid for."""

    listener: str
    secret: str = ""
    not_after: str = ""
    names: tuple[str, ...] = ()
    problem: str = ""


@attrs.frozen
class EventView:
    """Something that happened to the cluster or one of its pods."""

    time: str
    type: str
    reason: str
    subject: str
    message: str
    count: int = 1


@attrs.frozen
class ClusterView:
    """One cluster; `ready` is of the present generation. Times are RFC 3339 text.

    `notes` tell what could not be read, and why.
    """

    namespace: str
    name: str
    ready: bool = False
    phase: str = ""
    paused: bool = False
    wanted_size: int = 0
    size: int = 0
    ready_replicas: int = 0
    wanted_version: str = ""
    current_version: str = ""
    created: str = ""
    generation: int = 0
    observed_generation: int = 0
    operator: str = ""
    operator_problem: str = ""
    conditions: tuple[Condition, ...] = ()
    servers: tuple[ServerView, ...] = ()
    differences: tuple[Difference, ...] = ()
    certificates: tuple[CertificateView, ...] = ()
    jetstream: JetStreamStatus | None = None
    events: tuple[EventView, ...] = ()
    notes: tuple[str, ...] = ()


def to_json(value: Any) -> Any:
    """A view as JSON: names in camelCase, what is not known as null."""
    if attrs.has(type(value)):
        fields = (a.name for a in attrs.fields(type(value)))
        return {camel(name): to_json(getattr(value, name)) for name in fields}
    return [to_json(item) for item in value] if isinstance(value, tuple) else value
