"""What simulated servers say of JetStream: all are well, and have no streams."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from natsctl.model.jetstream import Health, JetStreamReport, Meta, Replica
from natsctl.nats.monitoring import Place
from natsctl.render.config import jetstream
from tests.unit.simulated.nodes import Node, Server, text_of

_START = datetime(2026, 1, 1, tzinfo=UTC)


async def look(
    node: Node, gate: object, places: Mapping[str, Place], *others: object
) -> dict[str, JetStreamReport]:
    """What `natsctl.nats.jetstream.look` does."""
    await asyncio.sleep(0.01)
    return {uid: _report(node, place) for uid, place in places.items()}


def _report(node: Node, place: Place) -> JetStreamReport:
    server = node.servers.get(place.address)
    if server is None or server.pod in node.silent:
        return JetStreamReport(place.name or "", problem="nobody there")
    cluster = [it for it in node.servers.values() if it.cluster == server.cluster]
    on = jetstream.FILE in server.loaded
    alone = '"cluster"' not in text_of(server.loaded)
    now = _START + timedelta(seconds=asyncio.get_running_loop().time())
    return JetStreamReport(
        server.name,
        server_id=server.id,
        version=server.version,
        now=now.isoformat(),
        disabled=not on,
        health=Health(200),
        peers=frozenset(it.name for it in cluster if it is not server),
        meta=_meta(server, cluster) if on and not alone else None,
    )


def _meta(server: Server, cluster: list[Server]) -> Meta:
    members = sorted(it.name for it in cluster if jetstream.FILE in it.loaded)
    others = (Replica(name, current=True, active=0.5) for name in members if name != server.name)
    return Meta(members[0], tuple(others), size=len(members))
