"""A whole fleet in virtual time: actors, an API server in memory, and servers that answer or not.

Pods run as soon as they are made. Every request takes ten milliseconds unless a test says more.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import msgspec

from benchmarks.responder import Roster
from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.cluster.identity import Identity
from natsctl.controllers.cluster.reconciler import ControllerContext
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.controllers.fleet import Fleet
from natsctl.controllers.supervisor import fair_gate
from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError
from natsctl.kube.resources import PODS, Resource
from natsctl.kube.transport import Response
from natsctl.kube.turns import Turns
from natsctl.model import names
from natsctl.model.objects import Cluster
from natsctl.model.observation import Observation
from natsctl.model.slim import slim
from natsctl.nats.monitoring import Monitor, Place
from natsctl.render.inputs import Images
from tests.unit.kube.kinds import BY_KIND
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.requests import Fate
from tests.unit.simulated.watches import Change

AT_ONCE = Fate(0.0, 0.0, 0.0)
Fault = Callable[[str, str], ApiError | float | None]
"""What a request meets, by method and path: an error, or so many seconds."""


@attrs.define
class World:
    """An API server in memory, and the servers behind its pods; `fault` spoils requests on the way.

    `slow` says how many seconds the servers of a cluster take to answer.
    """

    fault: Fault = lambda method, path: None
    slow: Callable[[tuple[str, str]], float] = lambda cluster: 0.0
    roster: Roster = attrs.field(factory=Roster)
    api: ApiServer = attrs.field(factory=ApiServer)
    requests: list[tuple[float, str, str]] = attrs.field(factory=list)
    host: str = "memory"
    _addresses: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def __attrs_post_init__(self) -> None:
        self.api.pods_run = self._running
        self.api.listeners.append(self._hear)

    async def request(self, method: str, path: str, **options: Any) -> Response:
        """What a Transport does."""
        self.requests.append((now(), method, path))
        met = self.fault(method, path)
        await asyncio.sleep(met if isinstance(met, float) else 0.01)
        if isinstance(met, ApiError):
            raise met
        return await self.api.request(method, path, plan=lambda _: AT_ONCE, **options)

    def _running(self, _: Json) -> Json:
        ready = [{"type": "Ready", "status": "True"}]
        address = str(ipaddress.IPv4Address((10 << 24) + next(self._addresses)))
        return {"phase": "Running", "podIP": address, "conditions": ready}

    def _hear(self, change: Change) -> None:
        if change.where[0] == "Pod":
            gone = change.after is None
            self.roster.learn("DELETED" if gone else "ADDED", change.after or change.before or {})

    def of_kind(self, kind: str, namespace: str = "ns") -> list[Json]:
        """Objects of a namespace."""
        return [o for o in self.api.of_kind(kind) if o["metadata"]["namespace"] == namespace]


@attrs.frozen
class Servers(Monitor):
    """Asks the servers of a world."""

    world: World = attrs.field(factory=World)

    async def _ask_one(self, place: Place, tls: object) -> Observation:
        server = self.world.roster.by_address.get(place.address)
        if server is None:
            return Observation(problem="nobody there")
        seconds = self.world.slow(server.cluster)
        await asyncio.sleep(min(2 * seconds, 4.0) or 0.01)
        if seconds > 2.0:
            return Observation(problem="no answer in time")
        peers = self.world.roster.by_cluster[server.cluster].keys() - {server.id}
        return Observation(server.id, server.version, frozenset(peers))


@attrs.define
class Flight:
    """A running fleet and its world."""

    world: World
    fleet: Fleet
    shared: ControllerContext
    running: asyncio.Task[None]

    async def create(self, name: str, namespace: str = "ns", **spec: Any) -> None:
        """A NatsCluster, as a user creates it."""
        meta = {"name": name, "namespace": namespace}
        self._tell(self.world.api.add(cluster({"size": 3} | spec, **meta)))

    async def change(self, name: str, namespace: str = "ns", **spec: Any) -> None:
        """A new generation of its spec, as a user writes it."""
        self._tell(self.world.api.edit((names.KIND_CLUSTER, namespace, name), {"spec": spec}))

    def _tell(self, made: Json) -> None:
        self.shared.stores.clusters.put(msgspec.convert(made, Cluster))

    def status(self, name: str, namespace: str = "ns") -> Json:
        """Of a NatsCluster."""
        found: Json = self.world.api.objects[names.KIND_CLUSTER, namespace, name].get("status", {})
        return found

    def condition(self, name: str, kind: str, namespace: str = "ns") -> dict[str, str]:
        """One condition of a NatsCluster, or an empty mapping."""
        found = self.status(name, namespace).get("conditions", [])
        return next((c for c in found if c["type"] == kind), {})

    def exists(self, resource: Resource, name: str, namespace: str = "ns") -> bool:
        """Whether an object is there."""
        return (resource.kind, namespace, name) in self.world.api.objects

    async def until(self, check: Callable[[], Any], seconds: float = 60.0) -> float:
        """Wait until something is true; how long that took."""
        started = now()
        while not check():
            assert now() - started < seconds, "it did not come"
            await asyncio.sleep(0.01 + (now() - started) / 50)
        return now() - started

    async def runs(self, name: str, size: int = 3, namespace: str = "ns") -> float:
        """Wait until all pods of a cluster are there."""
        return await self.until(lambda: self.exists(PODS, f"{name}-{size}", namespace))


def now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def flight(
    world: World | None = None, identity: Identity | None = None
) -> AsyncIterator[Flight]:
    """A fleet that runs until the end; it finds what there is in the world."""
    world = world or World()
    transport: Any = world
    fleet, stop = Fleet(), asyncio.Event()
    stores, client = open_stores(fleet.wake), Client(transport)
    secret_cache, accounts = SecretCache(fleet.wake), ServiceAccounts(fleet.wake, None)
    gatherer = Gatherer(
        client, stores, secret_cache, accounts, Dependencies(), identity or Identity()
    )
    shared = ControllerContext(
        client=client,
        stores=stores,
        monitor=Servers(fair_gate(), world),
        recorder=Recorder(client),
        turns=Turns(32, at_once=4),
        gatherer=gatherer,
        images=Images(),
        namespaces=None,
        installation="ns/nats-operator",
        platform_assigned_ids=False,
    )
    for live in world.api.objects.values():
        kind = live["kind"]
        if kind == names.KIND_CLUSTER:
            stores.clusters.put(msgspec.convert(live, Cluster))
        elif kind in ("Pod", "Service", "Secret"):
            stores.of_kind(kind).put(slim(msgspec.convert(live, BY_KIND[kind].projection)))
    recording = asyncio.create_task(shared.recorder.run())
    running = asyncio.create_task(fleet.run(shared, stop))
    await asyncio.sleep(0)
    try:
        yield Flight(world, fleet, shared, running)
    finally:
        stop.set()
        await asyncio.wait((running,))
        recording.cancel()
