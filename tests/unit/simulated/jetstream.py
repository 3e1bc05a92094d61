"""What simulated servers say of JetStream: all are well, and have the streams that a test gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from natsctl.model import names
from natsctl.model.jetstream import (
    Asset,
    Group,
    Health,
    JetStreamReport,
    Meta,
    Raft,
    Replica,
    Store,
)
from natsctl.model.outcome import Done, Outcome
from natsctl.model.peers import peer_id
from natsctl.model.server_identity import origin
from natsctl.nats.jetstream_requests import Api
from natsctl.nats.monitoring import Place
from natsctl.nats.session import Door, Fence, Session
from natsctl.plan.claims.note import NONE, parse_note
from natsctl.render.config import jetstream
from tests.unit.simulated.nodes import Node, Server, text_of
from tests.unit.simulated.streams import Streams

_START = datetime(2026, 1, 1, tzinfo=UTC)
_STORE = Store(100, 1, 100)


@attrs.define
class Servers:
    """What servers say of JetStream: all are well, or the last one cannot tell. And when."""

    well: bool = True
    asked: list[float] = attrs.field(factory=list)

    async def look(
        self, node: Node, gate: object, places: Mapping[str, Place], *others: object
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        self.asked.append(asyncio.get_running_loop().time())
        said = await look(node, gate, places, *others)
        last = max(said)
        ill = attrs.evolve(said[last], problem="no answer in time")
        return said if self.well else {**said, last: ill}


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
        meta=_meta(node, server) if on and not alone else None,
        groups=dict(_groups(server, node.streams[server.cluster], {it.name for it in cluster})),
    )


def _meta(node: Node, server: Server) -> Meta:
    """Servers that are away stay members, unless they were taken out."""
    members, removed = _members(node, server), node.streams[server.cluster].removed
    there = {it.name for it in members}
    removed -= there
    others = [Replica(it.name, current=True, active=0.5) for it in members if it is not server]
    away = _noted(node, server) - there - removed - node.without_node
    others += [Replica(name, offline=True, active=60.0) for name in sorted(away)]
    if node.counts and 2 * len(members) <= len(others) + 1:
        return Meta(size=len(others) + 1)
    return Meta(_leader(members).name, tuple(others), size=len(others) + 1)


def _noted(node: Node, server: Server) -> set[str]:
    """Names of the servers that have had a volume."""
    namespace, name = server.cluster
    secret = node.api.objects["Secret", namespace, name]["metadata"]
    uid = node.api.objects[names.KIND_CLUSTER, namespace, name]["metadata"]["uid"]
    note = parse_note(secret["annotations"].get(names.CLAIMS_ANNOTATION, NONE)) or {}
    return {f"{name}-{index}-{it.origin or origin(uid)}" for index, it in note.items()}


def _members(node: Node, server: Server) -> list[Server]:
    cluster = (it for it in node.servers.values() if it.cluster == server.cluster)
    storing = (it for it in cluster if jetstream.FILE in it.loaded)
    return sorted(storing, key=lambda it: it.name)


def _leader(members: list[Server]) -> Server:
    return next((it for it in members if it.leads), members[0])


def _groups(server: Server, streams: Streams, there: set[str]) -> Any:
    """The first of those that hold a stream and run leads it."""
    for name, held in streams.held.items():
        if server.name in held:
            others = tuple(_replica(it, there) for it in held if it != server.name)
            leader = next(it for it in held if it in there)
            asset = Asset("A", name)
            yield asset, Group(asset, len(held), Raft(leader, others), store=_STORE)


def _replica(name: str, there: set[str]) -> Replica:
    if name in there:
        return Replica(name, current=True, active=0.5)
    return Replica(name, offline=True, active=60.0)


async def step_down(node: Node, api: Api, preferred: str = "") -> Outcome:
    """What `natsctl.nats.jetstream_requests.step_down` does."""
    await asyncio.sleep(0.01)
    api.session.answered = asyncio.get_running_loop().time()
    door = next(iter(api.doors()))
    (through,) = [it for it in node.servers.values() if it.id == door.server_id]
    members = _members(node, through)
    place = members.index(_leader(members))
    following = members[(place + 1) % len(members)].name
    for server in members:
        server.leads = server.name == (preferred or following)
    return Done()


async def request(
    node: Node,
    session: Session,
    doors: Sequence[Door],
    tls: object,
    subject: str,
    content: bytes,
    fence: Fence,
) -> bytes:
    """What `Session.request` does; the answer says that it was done."""
    await asyncio.sleep(0.01)
    with fence():
        return _answered(node, session, doors, subject, content)


def _answered(
    node: Node, session: Session, doors: Sequence[Door], subject: str, content: bytes
) -> bytes:
    session.answered = asyncio.get_running_loop().time()
    through = next(it for it in node.servers.values() if it.id == doors[0].server_id)
    cluster = [it for it in node.servers.values() if it.cluster == through.cluster]
    servers = sorted(it.name for it in cluster)
    streams, asked = node.streams[through.cluster], json.loads(content)
    if "peer_id" in asked:
        known = {peer_id(name): name for name in (*servers, *_noted(node, through))}
        asked["peer"] = known[asked["peer_id"]]
    return json.dumps(streams.request(servers, subject, asked)).encode()
