"""A whole fleet in virtual time: actors, an API server in memory, and servers that answer or not.

Pods run as soon as they are made. Every request takes ten milliseconds unless a test says more.
"""

from __future__ import annotations

import asyncio
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
from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import AlreadyExists, ApiError, NotFound
from natsctl.kube.resources import CLUSTERS, PODS, Resource
from natsctl.kube.transport import Response
from natsctl.kube.turns import Turns
from natsctl.model import names
from natsctl.model.observation import Observation
from natsctl.model.slim import slim
from natsctl.nats.gate import ALL, Gate
from natsctl.nats.monitoring import Monitor, Place
from natsctl.render.inputs import Images
from tests.unit.kube.kinds import BY_KIND
from tests.unit.simulated.patches import merged

Fault = Callable[[str, str], ApiError | float | None]
"""What a request meets, by method and path: an error, or so many seconds."""


@attrs.define
class World:
    """Objects by path, and the servers behind the pods; `fault` spoils requests."""

    objects: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    roster: Roster = attrs.field(factory=Roster)
    fault: Fault = lambda method, path: None
    requests: list[tuple[float, str, str]] = attrs.field(factory=list)
    slow: Callable[[tuple[str, str]], float] = lambda cluster: 0.0
    host: str = "memory"
    _versions: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    async def request(
        self, method: str, path: str, *, body: bytes | None = None, **more: Any
    ) -> Response:
        """What a Transport does."""
        self.requests.append((now(), method, path))
        met = self.fault(method, path)
        await asyncio.sleep(met if isinstance(met, float) else 0.01)
        if isinstance(met, ApiError):
            raise met
        params = more.get("params") or {}
        sent = msgspec.json.decode(body) if body else {}
        found = self._answer(method, path, sent, "dryRun" in params)
        return Response(200, msgspec.json.encode(found))

    def _answer(self, method: str, path: str, sent: Any, dry: bool) -> dict[str, Any]:
        match method:
            case "POST":
                path = f"{path}/{sent['metadata'].get('name')}"
                if path in self.objects:
                    raise AlreadyExists(409, "AlreadyExists", path)
                return sent if dry else self._keep(path, self._born(sent, path))
            case "PATCH" if isinstance(sent, dict):
                live = self.objects[self._there(path.removesuffix("/status"))]
                return self._keep(path.removesuffix("/status"), merged(live, sent))
            case "DELETE":
                gone = self.objects.pop(self._there(path))
                self.roster.learn("DELETED", gone)
                return {"kind": "Status"}
        return self.objects[self._there(path)]

    def _there(self, path: str) -> str:
        if path not in self.objects:
            raise NotFound(404, "NotFound", path)
        return path

    def _born(self, sent: dict[str, Any], path: str) -> dict[str, Any]:
        number = next(self._versions)
        meta = sent["metadata"] | {"uid": f"uid-{number}", "generation": 1}
        made = sent | {"metadata": meta}
        if "/pods/" in path:
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            ready = [{"type": "Ready", "status": "True"}]
            made["status"] = {"phase": "Running", "podIP": address, "conditions": ready}
            self.roster.learn("ADDED", made)
        return made

    def _keep(self, path: str, made: dict[str, Any]) -> dict[str, Any]:
        version = str(next(self._versions))
        self.objects[path] = made | {"metadata": made["metadata"] | {"resourceVersion": version}}
        return self.objects[path]


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
        peers = self.world.roster.by_cluster[server.cluster] - {server.id}
        return Observation(server.id, server.version, frozenset(peers))


@attrs.define
class Flight:
    """A running fleet and its world."""

    world: World
    fleet: Fleet
    shared: ControllerContext

    async def create(self, name: str, namespace: str = "ns", **spec: Any) -> None:
        """A NatsCluster, as a user creates it."""
        cluster = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND_CLUSTER,
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"size": 3} | spec,
        }
        self._tell(self.world._answer("POST", CLUSTERS.path(namespace), cluster, False))

    async def change(self, name: str, namespace: str = "ns", **spec: Any) -> None:
        """A new generation of its spec, as a user writes it."""
        path = CLUSTERS.path(namespace, name)
        live = self.world.objects[path]
        generation = {"generation": live["metadata"]["generation"] + 1}
        self._tell(self.world._answer("PATCH", path, {"metadata": generation, "spec": spec}, False))

    def _tell(self, made: dict[str, Any]) -> None:
        self.shared.stores.clusters.put(msgspec.convert(made, CLUSTERS.projection))

    def status(self, name: str, namespace: str = "ns") -> dict[str, Any]:
        """Of a NatsCluster."""
        found: dict[str, Any] = self.world.objects[CLUSTERS.path(namespace, name)].get("status", {})
        return found

    def condition(self, name: str, kind: str, namespace: str = "ns") -> dict[str, str]:
        """One condition of a NatsCluster, or an empty mapping."""
        found = self.status(name, namespace).get("conditions", [])
        return next((c for c in found if c["type"] == kind), {})

    def exists(self, resource: Resource, name: str, namespace: str = "ns") -> bool:
        """Whether an object is there."""
        return resource.path(namespace, name) in self.world.objects

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
        monitor=Servers(Gate(Turns(2 * ALL), Turns(2 * ALL)), world),
        recorder=Recorder(client),
        turns=Turns(32),
        gatherer=gatherer,
        images=Images(),
        namespaces=None,
        installation="ns/nats-operator",
        platform_assigned_ids=False,
    )
    for live in world.objects.values():
        kind = live["kind"]
        if kind == names.KIND_CLUSTER:
            stores.clusters.put(msgspec.convert(live, CLUSTERS.projection))
        elif kind in ("Pod", "Service", "Secret"):
            stores.of_kind(kind).put(slim(msgspec.convert(live, BY_KIND[kind].projection)))
    recording = asyncio.create_task(shared.recorder.run())
    running = asyncio.create_task(fleet.run(shared, stop))
    await asyncio.sleep(0)
    try:
        yield Flight(world, fleet, shared)
    finally:
        stop.set()
        await running
        recording.cancel()
