"""Servers that store as much as a test wants, with the limit that they have loaded."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import attrs

from natsctl.model.jetstream import JetStreamReport, Usage, Volume
from natsctl.nats.monitoring import Place
from natsctl.render.config.jetstream import FILE, FILE_LIMIT
from tests.unit.simulated import jetstream
from tests.unit.simulated.nodes import Node

_DISK = 10 * 2**30


@attrs.define
class Stores:
    """Servers with the limit of their configuration, of which the last one stores so much.

    Each disk has 10 GiB, of which other files take `beside`; None: nobody tells. `even`: all
    servers store as much, as if each stream had a replica on each.
    """

    used: int = 0
    beside: int | None = None
    even: bool = False

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
        used = self.used if self.even or server.pod == "c-3" else 0
        taken = None if self.beside is None else used + self.beside
        volume = None if taken is None else Volume(taken, _DISK - taken)
        return attrs.evolve(said, file=Usage(used, limit), volume=volume)


def limit_in(files: Mapping[str, Any]) -> int:
    """The limit of the file store in these files of a configuration, in bytes."""
    return int(json.loads(base64.b64decode(files[FILE]))[FILE_LIMIT])
