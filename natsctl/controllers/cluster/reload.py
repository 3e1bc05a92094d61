"""Has a running server take up its changed configuration, and makes sure that it did.

What a server is made of is in its pod's annotation, so the annotation changes only once the new
configuration is proven to be loaded.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.cluster.kubelet_syncs import KubeletSyncs
from natsctl.controllers.watch.stores import Stores
from natsctl.kube.client import Client
from natsctl.kube.errors import NotFound
from natsctl.kube.resources import PODS, SECRETS
from natsctl.model import names
from natsctl.model.times import moment
from natsctl.nats import system
from natsctl.nats.gate import OF_ONE, Gate
from natsctl.nats.monitoring import Monitor, Place
from natsctl.nats.nkey import Key
from natsctl.plan.proof import digest_of, read_by_servers, to_go_back_to
from natsctl.plan.state import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.model.objects import Pod
    from natsctl.plan.actions import ReloadServer


def withdrawal(live: dict[str, Any], told: str) -> dict[str, Any]:
    """Merge patch that notes why a config Secret was refused, and puts back what was proven."""
    meta, before = live["metadata"], to_go_back_to(live)
    patch: dict[str, Any] = {
        "metadata": {
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
            "annotations": {names.REFUSED_ANNOTATION: told},
        }
    }
    if before is not None:
        gone = dict.fromkeys(read_by_servers(live.get("data")).keys() - before.keys())
        patch["data"] = before | gone
    return patch


class Progress(Enum):
    """What came of a step that may take several passes."""

    PENDING = "look again later"
    DONE = "proven"


def _time_of_day() -> datetime:
    return datetime.now(UTC)


@attrs.frozen
class Reloader:
    """Reloads servers of one cluster, some at a time.

    `key` makes the key of the operator's user there; `clock` tells the time of day.
    """

    client: Client
    stores: Stores
    monitor: Monitor
    key: Callable[[], Key]
    namespace: str
    secret: str
    connection: ssl.SSLContext | None = None
    monitoring: ssl.SSLContext | None = None
    clock: Callable[[], datetime] = _time_of_day
    gate: Gate = attrs.field(factory=Gate)
    turns: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(OF_ONE))

    async def reload(self, action: ReloadServer) -> Progress | Refusal:
        """One attempt; a server that cannot be asked is asked again later."""
        pod = self.stores.pods.get((self.namespace, action.name))
        if pod is None or pod.metadata.uid != action.uid:
            return Progress.PENDING
        now = self.clock()
        nudges = await self._nudge(pod, action, now)
        if action.asks:
            try:
                words = await self._ask(action)
            except system.Unreachable:
                return Progress.PENDING
            if words:
                return await self._refused(Refusal(action.config, words))
        if not await self._is_loaded(action, pod, nudges, now):
            return Progress.PENDING
        await self._note_proof()
        proven = {names.REVISION_ANNOTATION: action.revision, names.NUDGES_ANNOTATION: None}
        await self._annotate(pod, proven)
        return Progress.DONE

    async def _nudge(self, pod: Pod, action: ReloadServer, now: datetime) -> KubeletSyncs:
        """Have the kubelet look after the pod's files, which it does whenever the pod changes."""
        meta = pod.metadata
        noted = meta.annotation(names.CONFIG_ANNOTATION)
        same = bool(noted) and noted in (action.config, action.formerly)
        nudges = KubeletSyncs.parse(meta.annotation(names.NUDGES_ANNOTATION) if same else None, now)
        if not nudges.due(now):
            return nudges
        nudges = nudges.then(now)
        told = {names.CONFIG_ANNOTATION: action.config, names.NUDGES_ANNOTATION: str(nudges)}
        await self._annotate(pod, told)
        return nudges

    async def _refused(self, refusal: Refusal) -> Refusal:
        """Take a configuration back that would keep the server from starting again."""
        if not refusal.needs_restart:
            live = await self.client.raw(SECRETS, self.namespace, self.secret)
            patch = withdrawal(live, f"{refusal.config} {refusal.words}")
            reply = await self.client.patch(SECRETS, self.namespace, self.secret, patch)
            self.stores.secrets.learn(reply)  # type: ignore[arg-type] # SECRETS projects to Secret
        return refusal

    async def _ask(self, action: ReloadServer) -> str:
        async with self.turns, self.gate.all.turn(self.namespace):
            return await system.reload(
                action.address, action.server_id, self.key(), self.connection
            )

    async def _is_loaded(
        self, action: ReloadServer, pod: Pod, nudges: KubeletSyncs, asked: datetime
    ) -> bool:
        answers = await self.monitor.ask(
            {action.uid: Place.of(pod)}, self.monitoring, self.namespace
        )
        seen = answers[action.uid]
        if seen.problem or seen.server_id != action.server_id:
            return False
        if action.digest and seen.config_digest != action.digest:
            return False
        if any(seen.not_after.get(name, at) != at for name, at in action.expiries):
            return False
        if action.digest and not action.secrets:
            return True
        changed = [await self._changed(name) for name in (self.secret, *action.secrets)]
        if action.asks:  # it did what it was asked for: all files were there by then
            return all(nudges.shown(at, asked) for at in changed)
        loaded = moment(seen.config_load_time, UTC)  # a sidecar asks when it sees the files
        return loaded is not None and all(loaded >= at for at in changed if at)

    async def _note_proof(self) -> None:
        """From now on this content is gone back to; before the pod tells, so that it surely is."""
        live = self.stores.secrets.get((self.namespace, self.secret))
        mark = live.metadata.annotation(names.PROVEN_ANNOTATION) if live is not None else None
        if live is None or mark is None or mark == (now := digest_of(read_by_servers(live.data))):
            return
        seen = {"resourceVersion": live.metadata.resource_version}
        patch = {"metadata": seen | {"annotations": {names.PROVEN_ANNOTATION: now}}}
        reply = await self.client.patch(SECRETS, self.namespace, self.secret, patch)
        self.stores.secrets.learn(reply)  # type: ignore[arg-type] # SECRETS projects to Secret

    async def _changed(self, name: str) -> datetime | None:
        """When a Secret's content was last written, by the API server's clock."""
        try:
            live = await self.client.raw(SECRETS, self.namespace, name)
        except NotFound:
            return None
        entries = live["metadata"].get("managedFields") or []
        times = [moment(entry.get("time"), UTC) for entry in entries if _of_data(entry)]
        return max((at for at in times if at), default=None)

    async def _annotate(self, pod: Pod, annotations: Mapping[str, str | None]) -> None:
        meta = {"uid": pod.metadata.uid, "annotations": annotations}
        reply = await self.client.patch(PODS, self.namespace, pod.metadata.name, {"metadata": meta})
        self.stores.pods.learn(reply)  # type: ignore[arg-type] # PODS projects to Pod


def _of_data(entry: dict[str, Any]) -> bool:
    return "f:data" in (entry.get("fieldsV1") or {})
