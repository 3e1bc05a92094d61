"""What one server answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from natsctl.model.foreign import named, plain

MAX_PEERS: Final = 2_048
"""Servers to which one has routes: all of two of the largest clusters, if they are joined."""


MAX_TAGS: Final = 128
"""Of one server: more than a spec may give it."""


def _version(text: str) -> str:
    return named(text) if text else ""


@attrs.frozen
class Observation:
    """What one server answered; `problem` says why it could not be asked.

    `route_peers` are the server ids it holds a route to; `asked` is monotonic seconds;
    `run_id` tells which run of the pod answered. `config_digest` is of what it has loaded
    (since 2.11), `config_load_time` when that was. `not_after` is by listener (`tls.LISTENERS`)
    when the certificate in use ends, for those that have one (since 2.11.12 and 2.12.4).
    `connections` are those of clients, and no news; `seconds` are how long it
    took, if long. `started` and `config_load_time` are RFC 3339 text. `tags` is None if it does not
    tell them usably.
    """

    server_id: str = ""
    version: str = attrs.field(default="", converter=_version)
    route_peers: frozenset[str] = frozenset()
    problem: str = attrs.field(default="", converter=plain)
    asked: float = 0.0
    run_id: tuple[object, ...] = ()
    config_digest: str = ""
    config_load_time: str = ""
    not_after: Mapping[str, str] = attrs.field(factory=dict)
    connections: int = attrs.field(default=0, eq=False)
    seconds: float = attrs.field(default=0.0, eq=False)
    started: str = ""
    tags: tuple[str, ...] | None = ()
