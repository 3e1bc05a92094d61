"""Clusters with everything that they refer to, an API server that gives any bytes for it, and
the real path from there: reflectors, stores, gathering, planning, execution, status, metrics."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from unittest.mock import patch

import attrs
import msgspec

from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.cluster.identity import Identity
from natsctl.controllers.cluster.metrics_series import exposition
from natsctl.controllers.cluster.reconciler import ClusterReconciler, ControllerContext
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.controllers.runtime import metrics
from natsctl.controllers.runtime.actor import Actor
from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.controllers.watch.namespace_labels import NamespaceLabels
from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.controllers.watch.stores import (
    Stores,
    label_reader,
    late_readers,
    open_stores,
    reflectors,
    token_readers,
)
from natsctl.kube import metrics as kube_metrics
from natsctl.kube.client import Client
from natsctl.kube.errors import AlreadyExists, NotFound
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import ACCOUNTS_METADATA, NAMESPACES_METADATA, SECRETS_METADATA
from natsctl.kube.store import Key
from natsctl.kube.transport import Response, Transport
from natsctl.kube.turns import Turns
from natsctl.model.jetstream import Health, JetStreamReport, Meta, Replica
from natsctl.model.observation import Observation
from natsctl.model.times import written
from natsctl.nats.monitoring import Monitor, Place
from natsctl.nats.nkey import Key as Nkey
from natsctl.plan.namespaces import NamespacePolicy
from natsctl.render.inputs import Images
from tests.compat import value_of
from tests.unit.kube.kinds import BY_KIND
from tests.unit.plan.references import authority, certificate
from tests.unit.simulated.patches import merged

Json = dict[str, Any]
Where = tuple[str, str, str]
"""Kind, namespace and name."""
SEALING = b"key of seals"
INSTALLATION = "nats/nats-operator"
GOOD = ("other", "good")
OLD, STORES = "2.8.4", "2.14.10"
"""Versions of servers: those of the second store streams."""
CHUNK = 2**17
"""Bytes of a stream that are read before others run."""
KINDS = {**BY_KIND, "ServiceAccount": ACCOUNTS_METADATA, "Namespace": NAMESPACES_METADATA}


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def manifest(kind: str, namespace: str, name: str, **content: Any) -> Json:
    labels = content.pop("labels", {})
    meta = {"name": name, "namespace": namespace, "labels": labels, "annotations": {"a": "b"}}
    return {"kind": kind, "metadata": meta, **content}


def secret(namespace: str, name: str, **data: str | bytes) -> Json:
    given = {key.replace("__", "."): encoded(text) for key, text in data.items()}
    return manifest("Secret", namespace, name, type="Opaque", data=given)


def tls(namespace: str, name: str, host: str) -> Json:
    cert, key = certificate(host)
    files = {"ca__crt": authority().cert_pem.bytes(), "tls__crt": cert, "tls__key": key}
    return {**secret(namespace, name, **files), "type": "kubernetes.io/tls"}


def beginning() -> tuple[Json, ...]:
    """What tenants wrote: clusters of every kind, whose servers nobody can ask for a reload."""
    users = {"users": [{"username": "u", "password": "p", "permissions": {"publish": ["a"]}}]}
    spec = {
        "size": 2,
        "version": "2.8.4",
        "auth": {
            "enableServiceAccounts": True,
            "allowStaticUsers": True,
            "clientsAuthSecret": "users",
            "clusterAuthSecret": "login",
        },
        "tls": {"serverSecret": "tls", "routesSecret": "routes"},
        "natsConfig": {"debug": True, "maxPayload": 1000, "write_deadline": "5s"},
        "networkPolicy": {"clientsFrom": [{"podSelector": {"matchLabels": {"a": "b"}}}]},
        "pod": {"labels": {"a": "b"}, "natsEnv": [{"name": "A", "value": "b"}]},
        "template": {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "x"}]}},
        "servicePolicy": {"annotations": {"a": "b"}},
        "leafnodeConfig": {"remotes": [{"url": "nats://hub:7422"}]},
    }
    joining = {"size": 1, "version": "2.8.4", "extraRoutes": [{"cluster": "c"}]}
    gateway = {"name": "g", "hostPort": 7522, "gateways": [{"name": "h", "url": "nats://h:7522"}]}
    linked = {
        "size": 1,
        "version": "2.8.4",
        "gatewayConfig": gateway,
        "websocketConfig": {"port": 8080, "no_tls": True},
        "operatorConfig": {"secret": "op", "resolver": "URL(https://host/jwt/v1/accounts/)"},
    }
    expressions = [{"key": "team", "operator": "In", "values": ["x"]}]
    selector = {"matchLabels": {"tier": "gold"}, "matchExpressions": expressions}
    storing = {
        "size": 3,
        "version": STORES,
        "jetstream": {
            "fileStore": {"pvc": {"size": "2Gi"}, "growth": {"maxSize": "4Gi"}},
            "encryption": {"secret": "key"},
        },
    }
    role = {
        "permissions": {"publish": ["a"], "deny": {"subscribe": ["b"]}},
        "serviceAccountNamespaces": {"names": ["elsewhere"], "selector": selector},
    }
    users_text, login = json.dumps(users), json.dumps({"username": "r", "password": "s"})
    return (
        manifest("NatsCluster", "ns", "c", spec=spec),
        manifest("NatsCluster", "ns", "d", spec=joining),
        manifest("NatsCluster", "ns", "e", spec=linked),
        manifest("NatsCluster", "ns", "s", spec=storing),
        manifest("NatsCluster", *GOOD, spec={"size": 1, "version": "2.8.4"}),
        manifest("NatsServiceRole", "ns", "worker", spec=role, labels={"nats_cluster": "c"}),
        manifest("ServiceAccount", "ns", "worker"),
        manifest("Namespace", "", "ns", labels={"team": "x", "tier": "gold"}),
        secret("ns", "users", auth__json=users_text),
        secret("ns", "login", auth__json=login),
        secret("ns", "op", op__jwt="eyJ.eyJ9.x"),
        secret("ns", "key", key="k" * 32),
        tls("ns", "tls", "*.c-mgmt.ns.svc"),
        tls("ns", "routes", "*.c-mgmt.ns.svc"),
    )


@attrs.define
class Api:
    """Holds objects as bytes, and gives them for every request about them."""

    objects: dict[Where, bytes] = attrs.field(factory=dict)
    late: dict[Where, bytes] = attrs.field(factory=dict)
    sent: list[tuple[str, Where, Any]] = attrs.field(factory=list)
    version: int = 100
    host: str = "api"

    def add(self, item: Json) -> Where:
        """Store an object as the API server would."""
        meta = item["metadata"]
        place = (item["kind"], meta.get("namespace", ""), meta["name"])
        self.version += 1
        uid = uuid.uuid5(uuid.NAMESPACE_OID, "/".join(place))
        own = {"uid": str(uid), "resourceVersion": str(self.version)}
        stored = {**item, "metadata": {"generation": 1, **meta, **own}}
        self.objects[place] = msgspec.json.encode(stored)
        return place

    def read(self, place: Where) -> bytes:
        if place not in self.objects:
            raise NotFound(404, "NotFound", f"{place} not found")
        return self.late.get(place, self.objects[place])

    async def request(self, method: str, path: str, **options: Any) -> Response:
        """One request; what it changes is what a test needs, no more."""
        await asyncio.sleep(0)  # a network lets others run
        body: Any = msgspec.json.decode(options["body"]) if options.get("body") else None
        place = self._place(path, body)
        if method != "GET":
            self.sent.append((method, place, body))
        if path.endswith("/token"):
            status = {"token": "t0ken", "expirationTimestamp": "2040-01-01T00:00:00Z"}
            return Response(201, msgspec.json.encode({"status": status}))
        if place[0] == "Event":
            return Response(201, msgspec.json.encode(body))
        if method == "GET" and not place[2]:
            return Response(200, self._list(place[0]))
        if method == "POST":
            if place in self.objects:
                raise AlreadyExists(409, "AlreadyExists", "is there")
            if (options.get("params") or {}).get("dryRun"):
                return Response(201, msgspec.json.encode(body))
            self.add(body)
        elif method == "DELETE":
            self.read(place)
            del self.objects[place]
            return Response(200, b'{"kind":"Status"}')
        elif method == "PATCH" and isinstance(body, dict) and place not in self.late:
            with suppress(msgspec.MsgspecError, ValueError, RecursionError, TypeError):
                self.add(merged(msgspec.json.decode(self.read(place)), body))
        return Response(200, self.read(place))

    def _list(self, kind: str) -> bytes:
        items = [msgspec.Raw(self.read(place)) for place in self.objects if place[0] == kind]
        return msgspec.json.encode({"metadata": {"resourceVersion": "1"}, "items": items})

    def _place(self, path: str, body: Any) -> Where:
        parts = path.split("/")
        kind = next(k for k, r in KINDS.items() if r.plural in parts)
        parts = parts[parts.index("namespaces") :] if "namespaces" in parts else ["", "", *parts]
        named = parts[3] if len(parts) > 3 and parts[0] else ""
        return kind, parts[1], named or ((body or {}).get("metadata") or {}).get("name", "")

    @asynccontextmanager
    async def stream(self, path: str, *_: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        """A watch: what there is, then what changed, then the end of the stream."""
        kind = next(k for k, r in KINDS.items() if r.plural in path.split("/"))
        yield self._lines(kind)

    async def _lines(self, kind: str) -> AsyncIterator[bytes]:
        held = {place: raw for place, raw in self.objects.items() if place[0] == kind}
        sent = 0
        for raw in held.values():
            yield b'{"type":"ADDED","object":' + raw + b"}\n"
            if (sent := sent + len(raw)) > CHUNK:
                sent = 0
                await asyncio.sleep(0)
        end = {"resourceVersion": "500", "annotations": {"k8s.io/initial-events-end": "true"}}
        yield msgspec.json.encode({"type": "BOOKMARK", "object": {"metadata": end}}) + b"\n"
        for place in held.keys() & self.late.keys():
            yield b'{"type":"MODIFIED","object":' + self.late[place] + b"}\n"


class Servers(Monitor):
    """Servers that are healthy, all of them."""

    def __init__(self) -> None:
        super().__init__()

    async def ask(self, places: Mapping[str, Place], *_: Any) -> dict[str, Observation]:
        ids = frozenset(places)
        await asyncio.sleep(0)
        return {
            uid: Observation(uid, release(place), ids - {uid}, started="2026-01-01T00:00:00Z")
            for uid, place in places.items()
        }


def release(place: Place) -> str:
    """What a server runs, by its name."""
    return STORES if (place.name or "").startswith("s-") else OLD


async def look(_: object, places: Mapping[str, Place], *__: object) -> dict[str, JetStreamReport]:
    """What `natsctl.nats.jetstream.look` does: servers that store nothing yet, all of them well."""
    known = sorted(place.name or "" for place in places.values())
    await asyncio.sleep(0)
    return {uid: _report(uid, place, known) for uid, place in places.items()}


def _report(uid: str, place: Place, known: list[str]) -> JetStreamReport:
    others = frozenset(known) - {place.name or ""}
    leader = known[0] if known else ""
    replicas = tuple(Replica(name, current=True, active=0.5) for name in known if name != leader)
    return JetStreamReport(
        place.name or "",
        server_id=uid,
        version=STORES,
        now=written(datetime.now(UTC)),
        health=Health(200),
        peers=others,
        meta=Meta(leader, replicas, size=len(known)),
    )


class OnePass(Actor[ClusterReconciler]):
    """Looks once."""

    async def once(self) -> None:
        turns = iter((False, True))
        await self.run(lambda: next(turns))

    async def _sleep(self, pause: float) -> None:
        """Not at all."""


@cache
def identity() -> Identity:
    key = Nkey.generate()
    return Identity(key.seed)


@attrs.define
class World:
    """An operator on such an API server."""

    api: Api
    woken: set[Key] = attrs.field(factory=set)
    stores: Stores = attrs.field(init=False)
    shared: ControllerContext = attrs.field(init=False)
    readers: tuple[Reflector[Any], ...] = attrs.field(init=False)
    actors: dict[Key, OnePass] = attrs.field(factory=dict)
    _writing: asyncio.Task[None] | None = None

    def __attrs_post_init__(self) -> None:
        transport = cast("Transport", self.api)
        self.stores = open_stores(self.woken.add)
        secret_cache, accounts = SecretCache(self.woken.add), ServiceAccounts(self.woken.add)
        labels = NamespaceLabels(self.woken.add)
        client = Client(transport)
        gatherer = Gatherer(
            client,
            self.stores,
            secret_cache,
            accounts,
            Dependencies(),
            identity(),
            sealing=SEALING,
            namespaces=NamespacePolicy(selectors=True),
            labels=labels,
        )
        self.readers = (
            *reflectors(transport, self.stores, None),
            *(reader for _, reader in late_readers(transport, self.stores, None)),
            *token_readers(transport, self.stores, None, SEALING),
            Reflector(transport, SECRETS_METADATA, secret_cache),
            Reflector(transport, ACCOUNTS_METADATA, accounts),
            label_reader(transport, labels),
        )
        self.shared = ControllerContext(
            client=client,
            stores=self.stores,
            monitor=Servers(),
            recorder=Recorder(client),
            turns=Turns(4),
            gatherer=gatherer,
            images=Images(),
            namespaces=None,
            installation=INSTALLATION,
            platform_assigned_ids=False,
            jetstream=True,
        )

    async def watch(self) -> list[str]:
        """Have all reflectors read their streams to the end; why each ended."""
        return [await reader._once() for reader in self.readers]

    async def passes(self) -> None:
        """Each cluster is looked at once, those of tenants first; events are written."""
        keys = sorted(self.stores.clusters.keys(), key=lambda key: key == GOOD)
        if self._writing is None:
            self._writing = asyncio.create_task(self.shared.recorder.run())
            await asyncio.sleep(0)
        with patch("natsctl.nats.jetstream.look", look):
            for key in keys:
                actor = self.actors.setdefault(key, self.actor(key))
                await actor.once()
        async with asyncio.timeout(5):
            await self.shared.recorder.flush()

    def actor(self, key: Key) -> OnePass:
        """An actor that looks once."""
        return OnePass(key, self.shared.turns, ClusterReconciler(key, self.shared))

    async def end(self) -> None:
        """Nothing is written any more."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait((self._writing,))

    def metrics(self) -> str:
        return exposition(
            {key: actor.reconciler.actor_metrics for key, actor in self.actors.items()}
        )


def bugs() -> float:
    """Passes that met a bug until now."""
    return value_of(metrics.PANICS.labels(metrics.CONTROLLER))


def undecodable() -> float:
    return sum(value_of(kube_metrics.UNDECODABLE.labels(kind)) for kind in KINDS)


def kubelet(api: Api) -> None:
    """Runs every pod, and binds every claim."""
    for place in [p for p in api.objects if p[0] == "Pod"]:
        pod = msgspec.json.decode(api.objects[place])
        ready = {"type": "Ready", "status": "True", "reason": "r", "message": "m"}
        state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        container = {"name": "nats", "ready": True, "restartCount": 1, "state": state}
        ended = {"terminated": {"reason": "Error", "message": "m", "exitCode": 1}}
        pod["status"] = {
            "phase": "Running",
            "podIP": "127.0.0.1",
            "conditions": [ready],
            "containerStatuses": [{**container, "lastState": ended}],
        }
        pod["spec"]["nodeName"] = "node"
        api.add(pod)
    for place in [p for p in api.objects if p[0] == "PersistentVolumeClaim"]:
        claim = msgspec.json.decode(api.objects[place])
        claim["spec"]["volumeName"] = "volume"
        claim["status"] = {"phase": "Bound", "capacity": {"storage": "2Gi"}}
        api.add(claim)


async def _settled() -> Api:
    api = Api()
    for item in beginning():
        api.add(item)
    for _ in range(6):
        world = World(api)
        assert set(await world.watch()) == {"closed"}
        for _ in range(3):
            await world.passes()
        await world.end()
        kubelet(api)
    api.sent.clear()
    return api


@cache
def settled() -> Api:
    """All clusters at rest."""
    return asyncio.run(_settled())


def fresh() -> Api:
    found = settled()
    return Api(dict(found.objects), {}, [], found.version)


def condition(api: Api, key: Key, kind: str) -> Json:
    """A condition as it was last written, or as it stands."""
    whole = msgspec.json.decode(api.objects["NatsCluster", *key])
    found = whole.get("status", {}).get("conditions", ())
    return next((c for c in found if c["type"] == kind), {})
