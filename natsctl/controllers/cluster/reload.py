"""Has a running server take up its changed configuration: gathers facts, and carries steps out.

Which step comes next is decided in `natsctl.plan.reload`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.watch.stores import Stores
from natsctl.kube.client import Client
from natsctl.kube.errors import NotFound
from natsctl.kube.resources import PODS, SECRETS
from natsctl.model import names
from natsctl.nats import system
from natsctl.nats.gate import OF_ONE, Gate
from natsctl.nats.monitoring import Monitor, Place
from natsctl.nats.nkey import Key
from natsctl.plan.reload.secrets import content_changed, withdrawal
from natsctl.plan.reload.step import (
    UNREACHABLE,
    Answer,
    Ask,
    Done,
    MarkProven,
    NeedsRestart,
    ReadSecrets,
    Rollback,
    Touch,
    Verify,
    Wait,
    first_facts,
    next_step,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.model.objects import Pod
    from natsctl.model.observation import Observation
    from natsctl.plan.actions import ReloadServer
    from natsctl.plan.reload.kubelet_syncs import KubeletSyncs
    from natsctl.plan.reload.step import Onward, ReloadFacts
    from natsctl.plan.state import Refusal


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
        facts = first_facts(action, pod, self.clock())
        while True:
            config = self.stores.secrets.get((self.namespace, self.secret))
            facts = attrs.evolve(facts, config=config)
            match next_step(action, facts):
                case Wait():
                    return Progress.PENDING
                case NeedsRestart(refusal):
                    return refusal
                case Rollback(refusal):
                    await self._roll_back(refusal)
                    return refusal
                case Done():
                    await self._note_revision(action)
                    return Progress.DONE
                case step:
                    facts = await self._take(step, action, facts)

    async def _take(self, step: Onward, action: ReloadServer, facts: ReloadFacts) -> ReloadFacts:
        match step:
            case Touch(syncs):
                await self._touch(action, syncs)
                return attrs.evolve(facts, syncs=syncs)
            case Ask():
                return attrs.evolve(facts, answer=await self._ask(action))
            case Verify(pod):
                return attrs.evolve(facts, observation=await self._observe(pod))
            case ReadSecrets():
                secrets = (self.secret, *action.secrets)
                changed = [await self._content_changed(name) for name in secrets]
                return attrs.evolve(facts, changed=tuple(changed))
            case MarkProven():
                await self._mark_proven(step)
                return attrs.evolve(facts, marked=True)

    async def _touch(self, action: ReloadServer, syncs: KubeletSyncs) -> None:
        notes = {names.CONFIG_ANNOTATION: action.config, names.KUBELET_SYNCS_ANNOTATION: str(syncs)}
        await self._annotate(action, notes)

    async def _ask(self, action: ReloadServer) -> Answer:
        async with self.turns, self.gate.all.turn(self.namespace):
            try:
                words = await system.reload(
                    action.address, action.server_id, self.key(), self.connection
                )
            except system.Unreachable:
                return UNREACHABLE
            return Answer(words)

    async def _observe(self, pod: Pod) -> Observation:
        uid = pod.metadata.uid
        answers = await self.monitor.ask({uid: Place.of(pod)}, self.monitoring, self.namespace)
        return answers[uid]

    async def _content_changed(self, name: str) -> datetime | None:
        try:
            return content_changed(await self.client.raw(SECRETS, self.namespace, name))
        except NotFound:
            return None

    async def _mark_proven(self, step: MarkProven) -> None:
        meta = {
            "resourceVersion": step.resource_version,
            "annotations": {names.PROVEN_ANNOTATION: step.content},
        }
        await self._patch_config({"metadata": meta})

    async def _roll_back(self, refusal: Refusal) -> None:
        live = await self.client.raw(SECRETS, self.namespace, self.secret)
        await self._patch_config(withdrawal(live, f"{refusal.config} {refusal.words}"))

    async def _note_revision(self, action: ReloadServer) -> None:
        notes = {names.REVISION_ANNOTATION: action.revision, names.KUBELET_SYNCS_ANNOTATION: None}
        await self._annotate(action, notes)

    async def _patch_config(self, patch: Mapping[str, Any]) -> None:
        reply = await self.client.patch(SECRETS, self.namespace, self.secret, patch)
        self.stores.secrets.learn(reply)  # type: ignore[arg-type] # SECRETS projects to Secret

    async def _annotate(self, action: ReloadServer, notes: Mapping[str, str | None]) -> None:
        meta = {"uid": action.uid, "annotations": notes}
        reply = await self.client.patch(PODS, self.namespace, action.name, {"metadata": meta})
        self.stores.pods.learn(reply)  # type: ignore[arg-type] # PODS projects to Pod
