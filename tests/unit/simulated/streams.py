"""The streams of simulated clusters, and who belongs to their meta groups."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import attrs

_TYPE = "io.nats.jetstream.api.v1."


@attrs.define
class Streams:
    """The streams of one cluster, by name, with the servers that hold them, the leader first, and
    the servers that were taken out of its meta group.

    `asked` are the requests that changed something.
    """

    held: dict[str, list[str]] = attrs.field(factory=dict)
    removed: set[str] = attrs.field(factory=set)
    asked: list[str] = attrs.field(factory=list)

    def copy(self) -> Streams:
        """The same in a world of its own."""
        return deepcopy(self)

    def request(self, servers: list[str], subject: str, content: Any) -> dict[str, Any]:
        """What the meta leader answers, and does at once."""
        verb = subject.removeprefix("$JS.API.")
        self.asked.append(verb)
        if verb == "SERVER.REMOVE":
            assert content["peer"] not in servers, "it runs"
            self.removed.add(content["peer"])
            return {"type": f"{_TYPE}meta_server_remove_response"}
        stream = verb.rpartition(".")[2]
        self._move(stream, content["server"], servers)
        return {"type": f"{_TYPE}stream_update_response"}

    def _move(self, stream: str, away_from: str, servers: list[str]) -> None:
        held = self.held[stream]
        spare = next(name for name in servers if name not in held)
        self.held[stream] = [*(name for name in held if name != away_from), spare]
