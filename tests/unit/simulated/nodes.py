"""What runs beside natsctl: kubelet, storage, and nats-servers in pods, in virtual time."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import posixpath
from collections import defaultdict
from copy import copy
from typing import Any, Final
from zlib import crc32

import attrs

from natsctl.model import names
from natsctl.model.observation import Observation
from natsctl.nats import system
from natsctl.nats.monitoring import Monitor, Place
from natsctl.nats.nkey import Key
from natsctl.render.config import jetstream
from natsctl.render.digest import config_digest
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clock import stamp
from tests.unit.simulated.requests import Where
from tests.unit.simulated.streams import Streams
from tests.unit.simulated.watches import Change

STARTS, READY, STOPS, FILES, GROWS = 0.3, 0.3, 0.2, 0.2, 0.5
"""Seconds until a server runs, is ready, has stopped, sees a changed Secret, and a volume grew."""
CLAIM = "PersistentVolumeClaim"


@attrs.define
class Server:
    """One nats-server: what is in its files, and what it has loaded of them."""

    id: str
    name: str
    pod: str
    cluster: tuple[str, str]
    version: str
    files: Json
    loaded: Json = attrs.field(init=False)
    loaded_at: str = attrs.field(factory=stamp)
    ready: bool = False
    leads: bool = False
    """The meta group; where nobody does, the first server leads it."""

    def __attrs_post_init__(self) -> None:
        self.loaded = self.files

    def copy(self) -> Server:
        """The same in a world of its own."""
        return copy(self)

    def reload(self) -> None:
        """Take up what is in the files."""
        self.loaded, self.loaded_at = self.files, stamp()


NO_NODE: Final = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
}


@attrs.define
class Node:
    """Runs every pod of an API server: one kubelet, and the servers by their addresses.

    `refuses` are a server's words about a configuration; empty: it takes it.
    """

    api: ApiServer
    servers: dict[str, Server] = attrs.field(factory=dict)
    refuses: str = ""
    silent: set[str] = attrs.field(factory=set)
    """Names of pods whose servers do not answer."""
    full: bool = False
    """No new pod has room."""
    counts: bool = False
    """A meta group has a leader only while more than half of its members are there."""
    without_node: set[str] = attrs.field(factory=set)
    """Names of the servers whose pods had none."""
    streams: defaultdict[tuple[str, str], Streams] = attrs.field(
        factory=lambda: defaultdict(Streams)
    )
    """By namespace and name of the cluster."""
    fewest_ready: int = 10**6
    most_away: int = 0
    """Pods at one moment that are asked to go."""
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.api.listeners.append(self._hear)
        for pod in filter(_has_server, self.api.of_kind("Pod")):
            self._spawn(self._resume(_where(pod)))
        for claim in filter(_grows, self.api.of_kind(CLAIM)):
            self._spawn(self._grow(_where(claim, CLAIM)))

    def observe_from_now(self) -> None:
        """Count anew how many servers are away at a time."""
        self.fewest_ready, self.most_away = 10**6, 0

    def _hear(self, change: Change) -> None:
        kind = change.where[0]
        if kind == CLAIM and _grows(change.after):
            self._spawn(self._grow(change.where))
        if kind == "Pod":
            pods = self.api.of_kind("Pod")
            self.fewest_ready = min(self.fewest_ready, sum(map(_is_ready, pods)))
            going = ["deletionTimestamp" in pod["metadata"] for pod in pods]
            self.most_away = max(self.most_away, sum(going))
            status = (change.after or {}).get("status") or {}
            if status.get("phase") == "Failed":
                self.servers.pop(status.get("podIP", ""), None)
            if change.before is None and change.after is not None:
                if _has_server(change.after):
                    self._spawn(self._run(change.where))
            elif change.before is not None and change.after is not None:
                self._changed(change.where, change.before["metadata"], change.after["metadata"])

    def _changed(self, where: Where, before: Json, after: Json) -> None:
        if "deletionTimestamp" in after and "deletionTimestamp" not in before:
            self._spawn(self._stop(where, after["uid"]))
        elif before.get("annotations") != after.get("annotations"):
            self._spawn(self._show_files(where, after["uid"]))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Stop the kubelet, which hears of nothing any more."""
        self.api.listeners.remove(self._hear)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _resume(self, where: Where) -> None:
        """What a kubelet does about a pod that is there when it starts."""
        meta = self.api.objects[where]["metadata"]
        if "deletionTimestamp" in meta:
            await self._stop(where, meta["uid"])
        else:
            await self._run(where)
            await self._show_files(where, meta["uid"])

    async def _grow(self, where: Where) -> None:
        """Give a volume what its claim asks for by then."""
        await asyncio.sleep(GROWS)
        if _grows(claim := self.api.objects.get(where)):
            assert claim is not None
            self.api.edit(where, {"status": {"capacity": claim["spec"]["resources"]["requests"]}})

    async def _run(self, where: Where) -> None:
        """From a new pod to a ready one, or from what there is of it."""
        pod = self.api.objects[where]
        uid, address = pod["metadata"]["uid"], (pod.get("status") or {}).get("podIP")
        if not address and self.full:
            self.without_node.add(self._server(pod, {}).name)
            self.api.edit(where, {"status": NO_NODE})
            return
        if not address:
            await asyncio.sleep(STARTS)
            while (files := self._files(pod)) is None or not self._has_volumes(pod):  # noqa: ASYNC110 - as a kubelet looks
                await asyncio.sleep(STARTS)
            if not self.is_pod(where, uid):
                return
            address = self._start(where, files)
        elif address not in self.servers:  # it ran before this test began
            self.servers[address] = self._server(pod, self._files(pod) or {})
            self.servers[address].ready = True
        if not self.servers[address].ready:
            await self._until_ready(pod)
            if self.is_pod(where, uid):
                self.tell_ready(where, ready=True)

    def _start(self, where: Where, files: Json) -> str:
        pod = self.api.objects[where]
        address = self.address_of(pod)
        self.servers[address] = self._server(pod, files)
        self.tell_ready(where, ready=False, address=address)
        return address

    def _server(self, pod: Json, files: Json) -> Server:
        meta = pod["metadata"]
        labels = meta["labels"]
        cluster = meta["namespace"], labels[names.LABEL_CLUSTER]
        env = {e["name"]: e.get("value", "") for e in pod["spec"]["containers"][0].get("env", ())}
        named = env.get(names.SERVER_NAME_ENV, meta["uid"]).strip('"')
        return Server(meta["uid"], named, meta["name"], cluster, labels[names.LABEL_VERSION], files)

    def tell_ready(self, where: Where, *, ready: bool, address: str = "") -> None:
        pod = self.api.objects[where]
        address = address or pod["status"]["podIP"]
        self.servers[address].ready = ready
        containers = pod["spec"]["containers"]
        running = {
            "ready": ready,
            "restartCount": 0,
            "state": {"running": {"startedAt": stamp()}},
        }
        status = {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": it["name"], **running} for it in containers],
        }
        self.api.edit(where, {"status": status, "spec": {"nodeName": "node"}})

    async def _stop(self, where: Where, uid: str) -> None:
        await self._until_stopped(where)
        if self.is_pod(where, uid):
            self.servers.pop(self.api.objects[where]["status"].get("podIP", ""), None)
            self.api.remove(where)

    async def _show_files(self, where: Where, uid: str) -> None:
        await asyncio.sleep(FILES)
        server = next((s for s in self.servers.values() if s.id == uid), None)
        if server is not None and self.is_pod(where, uid):
            server.files = self._files(self.api.objects[where]) or server.files
            self._shown(self.api.objects[where], server)

    def is_pod(self, where: Where, uid: str) -> bool:
        found = self.api.objects.get(where) or {"metadata": {"uid": ""}}
        return bool(found["metadata"]["uid"] == uid)

    def _files(self, pod: Json) -> Json | None:
        """What is mounted of Secrets: the cluster's own, and that of others by their names."""
        meta = pod["metadata"]
        own = meta["labels"][names.LABEL_CLUSTER]
        volumes = (v.get("secret") for v in pod["spec"].get("volumes") or ())
        others = {v["secretName"] for v in volumes if v} - {own}
        mounted = {name: self._secret(meta["namespace"], name) for name in (own, *others)}
        if None in mounted.values():
            return None
        return _read_by(pod, (mounted.pop(own) or {}) | mounted)

    def _has_volumes(self, pod: Json) -> bool:
        """Whether the claims that it names are there; their first consumer has them bound."""
        volumes = (v.get("persistentVolumeClaim") for v in pod["spec"].get("volumes") or ())
        namespace = pod["metadata"]["namespace"]
        claims = [(CLAIM, namespace, v["claimName"]) for v in volumes if v]
        for where in claims:
            if (claim := self.api.objects.get(where)) and "status" not in claim:
                capacity = claim["spec"]["resources"]["requests"]
                self.api.edit(where, {"status": {"phase": "Bound", "capacity": capacity}})
        return all(where in self.api.objects for where in claims)

    def _secret(self, namespace: str, name: str) -> Json | None:
        secret = self.api.objects.get(("Secret", namespace, name))
        return secret["data"] if secret else None

    # What is otherwise where real servers run.

    def address_of(self, pod: Json) -> str:
        """Of a pod: another one has another, and it is the same in every run."""
        uid = pod["metadata"]["uid"]
        return str(ipaddress.IPv4Address(0x0A000000 | crc32(uid.encode()) & 0xFFFFFF))

    async def _until_ready(self, pod: Json) -> None:
        await asyncio.sleep(READY)

    async def _until_stopped(self, where: Where) -> None:
        await asyncio.sleep(STOPS)

    def _shown(self, pod: Json, server: Server) -> None:
        """A server has other files now."""

    # What servers answer.

    async def observe(self, place: Place) -> Observation:
        """What natsctl learns from a server's monitoring port."""
        await asyncio.sleep(0.01)
        server = self.servers.get(place.address)
        if server is None or server.pod in self.silent:
            return Observation(problem="monitoring port: nobody there")
        others = (s for s in self.servers.values() if s.cluster == server.cluster)
        return Observation(
            server.id,
            server.version,
            frozenset(s.id for s in others) - {server.id},
            config_digest=digest_of(server),
            config_load_time=server.loaded_at,
            started=server.loaded_at,
        )

    async def reload(self, address: str, server_id: str, key: Key, tls: object) -> str:
        """What `natsctl.nats.system.reload` does; only whom the server knows may ask."""
        await asyncio.sleep(0.01)
        server = self.servers.get(address)
        if server is None or server.id != server_id:
            raise system.Unreachable("another server answers")
        if server.pod in self.silent:
            raise system.Unreachable("no answer")
        if key.public not in text_of(server.loaded):
            raise system.Unreachable("system account: Authorization Violation")
        if self.refuses and server.files != server.loaded:
            return self.refuses
        server.reload()
        return ""


@attrs.frozen
class ToyMonitor(Monitor):
    """Asks the servers of a node."""

    node: Node = attrs.field(kw_only=True)

    async def _ask_one(self, place: Place, tls: object) -> Observation:
        return await self.node.observe(place)


def _read_by(pod: Json, files: Json) -> Json | None:
    """With the block of JetStream that the file includes with which the pod starts."""
    commands = [it.get("command") or () for it in pod["spec"]["containers"] if it["name"] == "nats"]
    named = [posixpath.basename(it) for it in (*commands, ())[0] if it.endswith(".conf")]
    key = next(iter(named), names.BOOT_KEY)
    if key not in files and key != names.BOOT_KEY:
        return None
    stem = key.removesuffix(".conf").removeprefix("server")
    block = files.get(f"jetstream{stem}.json")
    return files if block is None or not stem else {**files, jetstream.FILE: block}


def text_of(files: Json) -> str:
    """The configuration in a server's files."""
    return base64.b64decode(files.get(names.CONFIG_KEY, "")).decode()


def digest_of(server: Server) -> str:
    """What a server from 2.11 on says of what it has loaded."""
    release = tuple(int(part) for part in server.version.split(".")[:2])
    if release < (2, 11) or not text_of(server.loaded):
        return ""
    config = {"server_name": server.name, **json.loads(text_of(server.loaded))}
    streams = server.loaded.get(jetstream.FILE)
    if streams:
        block = json.loads(base64.b64decode(streams).decode())
        config[jetstream.BLOCK] = {**block, "store_dir": names.STORE_DIR}
    return config_digest(config)


def _has_server(pod: Json) -> bool:
    return names.LABEL_CLUSTER in (pod["metadata"].get("labels") or {})


def _is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any((c["type"], c["status"]) == ("Ready", "True") for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _where(item: Json, kind: str = "Pod") -> Where:
    return kind, item["metadata"]["namespace"], item["metadata"]["name"]


def _grows(claim: Json | None) -> bool:
    """Whether a claim asks for something else than there is."""
    there = ((claim or {}).get("status") or {}).get("capacity")
    return claim is not None and bool(there) and there != claim["spec"]["resources"]["requests"]
