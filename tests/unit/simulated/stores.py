"""Servers that store as much as a test wants, with the limit that they have loaded."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import attrs

from natsctl.model.jetstream import JetStreamReport, Usage
from natsctl.nats.monitoring import Place
from natsctl.render.config.jetstream import FILE, FILE_LIMIT
from tests.unit.simulated import jetstream
from tests.unit.simulated.nodes import Node


@attrs.define
class Stores:
    """Servers with the limit of their configuration, of which the last one stores so much."""

    used: int = 0

    async def look(
        self, node: Node, gate: object, places: Mapping[str, Place], *others: object
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        said = await jetstream.look(node, gate, places, *others)
        return {uid: self._full(node, places[uid], it) for uid, it in said.items()}

    def _full(self, node: Node, place: Place, said: JetStreamReport) -> JetStreamReport:
        server = node.servers.get(place.address)
        if said.problem or said.disabled or server is None:
            return said
        limit = limit_in(server.loaded)
        used = self.used if server.pod == "c-3" else 0
        return attrs.evolve(said, file=Usage(used, limit))


def limit_in(files: Mapping[str, Any]) -> int:
    """The limit of the file store in these files of a configuration, in bytes."""
    return int(json.loads(base64.b64decode(files[FILE]))[FILE_LIMIT])
