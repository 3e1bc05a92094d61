"""Reconciles one NatsCluster: look, decide, act, report."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api.types.status import (
    ClusterStatus,
    JetStreamStatus,
    optional_fields,
    parse_status,
    parse_summary,
    to_json,
)
from natsctl.controllers.cluster import events
from natsctl.controllers.cluster.announcer import Announcer
from natsctl.controllers.cluster.answerers.registry import answer
from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.controllers.cluster.connections import doors
from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.execute import Outcome, rests_on_answers, run_stage
from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.cluster.handlers.handler import HandlerContext
from natsctl.controllers.cluster.handlers.registry import events_of
from natsctl.controllers.cluster.handover import HandoverWaiter, TakeOver
from natsctl.controllers.cluster.metrics_series import ActorMetrics
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.controllers.cluster.reload import Reloader
from natsctl.controllers.runtime import metrics
from natsctl.controllers.runtime.actor import Retry, StillTrying, Wait
from natsctl.controllers.runtime.patience import Patience, keep_words
from natsctl.controllers.watch.stores import Stores
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, Conflict, Fenced, NotFound
from natsctl.kube.resources import CLUSTERS
from natsctl.kube.turns import Turn, Turns
from natsctl.model.foreign import named
from natsctl.model.objects import Cluster
from natsctl.model.times import written
from natsctl.nats.jetstream_requests import Api
from natsctl.nats.monitoring import Monitor
from natsctl.nats.session import Session
from natsctl.plan.adoption.ownership import HANDOVER, Ownership, chosen, claim
from natsctl.plan.decisions import Judged
from natsctl.plan.engine import plan
from natsctl.plan.queries import Probe
from natsctl.plan.state import ClusterState, Failure
from natsctl.plan.status.cluster_metrics import cluster_metrics
from natsctl.plan.status.status import status, troubled
from natsctl.render.inputs import Images

if TYPE_CHECKING:
    from natsctl.api.fields import Json
    from natsctl.nats.nkey import Key
    from natsctl.plan.actions import Action, Plan
    from natsctl.plan.state import Desired

Optional = Mapping[str, Mapping[str, Any]]
STATUS_PAUSE = 1.0
"""Seconds for which mere progress waits, to be told together with what comes meanwhile, or to be
over by then; what matters is written at once."""
OPTIONAL: Optional = optional_fields(ClusterStatus)
"""What only some clusters have in their status, or not always."""
TICK = 0.001
"""Seconds that are not worth another pass: sums of times differ in their last digits."""


@attrs.frozen
class ControllerContext:
    """What all actors use together.

    `turns` bounds the passes that run at the same time, fairly between namespaces; `namespaces`
    are the only ones that natsctl manages (None: all).
    """

    client: Client
    stores: Stores
    monitor: Monitor
    recorder: Recorder
    turns: Turns
    gatherer: Gatherer
    images: Images
    namespaces: tuple[str, ...] | None
    installation: str
    platform_assigned_ids: bool = False
    jetstream: bool = False


class StatusNotWritten(StillTrying):
    """The status could not be written."""


@attrs.define
class ClusterReconciler:
    """Looks after the NatsCluster with this key.

    `session` is the one connection to the system account of its servers, while there is any.
    """

    key: tuple[str, str]
    shared: ControllerContext
    actor_metrics: ActorMetrics = attrs.field(factory=ActorMetrics)
    cache: ClusterCache = attrs.field(init=False)
    _failures: tuple[Failure, ...] = ()
    _handover: HandoverWaiter = attrs.field(init=False)
    _patience: Patience = attrs.field(factory=Patience)
    _status_failure: Failure | None = None
    _progress_since: float | None = None
    _summary: tuple[Cluster, ClusterStatus] | None = None
    session: Session = attrs.field(init=False)
    _announcer: Announcer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        shared = self.shared
        self.cache = ClusterCache(
            key=self.key,
            stores=shared.stores,
            gatherer=shared.gatherer,
            monitor=shared.monitor,
            images=shared.images,
            platform_assigned_ids=shared.platform_assigned_ids,
            jetstream=shared.jetstream,
            namespaces=shared.namespaces,
            installation=shared.installation,
        )
        self.session = Session(self._key)
        self._announcer = Announcer(shared.recorder)
        self._handover = HandoverWaiter(
            shared.client, shared.recorder, shared.installation, HANDOVER
        )

    def exists(self) -> bool:
        """Whether there is a NatsCluster of this key."""
        return self.shared.stores.clusters.get(self.key) is not None

    async def failed(self, error: Exception, began: float) -> None:
        """Report an error that ended a pass, if it lasts."""
        now = asyncio.get_running_loop().time()
        subject = f"NatsCluster {self.key[1]}"
        if (lasting := self._patience.note(subject, error, began, now)) is not None:
            self._failures = keep_words((lasting,), self._failures)
            await self._report_failure()

    async def _report_failure(self) -> None:
        """Of a cluster about which too little is known for a status, only that something fails."""
        with suppress(StillTrying, ApiError, Fenced):
            if await self._observe() is not None:
                await self._write_status()
                return
            cluster = self.shared.stores.clusters.get(self.key)
            if cluster is None or self._claim() not in (Ownership.OURS, Ownership.FREE):
                return
            before = parse_status(cluster.status)
            now = written(datetime.now(UTC))
            fresh = troubled(cluster, before, self._failures, now)
            if fresh != before and await self._patch_status(cluster, fresh):
                for event in events.turning_points(before, fresh):
                    self._record(cluster, event)

    async def reconcile(self, turn: Turn) -> Wait | Retry:
        """Look, decide, act, report.

        Whoever waits for a server holds no turn: nobody else has to wait for that one.
        """
        self._patience.begin()
        if self._claim() not in (Ownership.OURS, Ownership.FREE, None):
            pause = await self._stand_back()
            if isinstance(pause, Wait):
                return pause
        await self.cache.gather()
        if self._claim() is not Ownership.OURS:
            await self._write_status()
        state = await self._observe()
        if state is None or self._claim() not in (Ownership.OURS, Ownership.FREE):
            return Wait()  # free still: an old CRD takes no status, so nobody can claim it
        decided = await self._plan(known := Judged(state))
        if decided.queries:
            del known  # looks that are replaced are not held
            state = attrs.evolve(state, jetstream=())
            async with turn.aside():
                await answer(decided.queries, self.cache, state)
            state = await self._observe() or state
            decided = await self._plan(known := Judged(state))
        error = await self._execute(state, decided, turn)
        status_due = await self._write_status(None if decided.stages else known)
        if error is not None:
            raise StillTrying(error)
        if self._failures:
            metrics.TERMINAL_ERRORS.labels(metrics.CONTROLLER).inc()
            return Retry()
        times = (decided.again, status_due, self.cache.looks_end())
        return Wait(min((seconds for seconds in times if seconds is not None), default=None))

    def _claim(self) -> Ownership | None:
        """What the cluster is to this installation; None if it is gone."""
        cluster = self.shared.stores.clusters.get(self.key)
        if cluster is None:
            return None
        if self._summary is None or self._summary[0] is not cluster:
            self._summary = cluster, parse_summary(cluster.status)
        return claim(cluster, self._summary[1], self.shared.installation)

    async def _stand_back(self) -> Wait | TakeOver:
        """Leave a cluster to another installation, until it is to be taken from it."""
        cluster = self.shared.stores.clusters.get(self.key)
        assert cluster is not None
        status = parse_status(cluster.status)
        if claim(cluster, status, self.shared.installation) is not Ownership.GIVEN_UP:
            self.cache.forget_looks()
            return await self._handover.decide(cluster, status)
        self.forget()
        await self._patch_status(cluster, attrs.evolve(status, operator=""))
        self._record(
            cluster, Event("HandedOver", f"released to installation {named(chosen(cluster))}")
        )
        return Wait()

    def forget(self) -> None:
        """The cluster is gone, or another's: nothing is watched or shown for it any more."""
        self.shared.gatherer.forget(self.key)
        self.actor_metrics = ActorMetrics()
        self.session.close()
        self.cache.forget_looks()

    def _key(self) -> Key:
        """The key of the operator's user in the cluster as it is now."""
        cluster = self.shared.stores.clusters.get(self.key)
        assert cluster is not None
        return self.shared.gatherer.identity.key_of(cluster.metadata.uid)

    def _record(self, cluster: Cluster, event: Event) -> None:
        self.shared.recorder.record(cluster, event)

    async def _observe(self) -> ClusterState | None:
        return await self.cache.state(self._failures)

    async def _plan(self, known: Judged) -> Plan:
        state = known.state
        return await self.cache.computed(self.cache.is_heavy(state), plan, state, known)

    async def _execute(self, state: ClusterState, decided: Plan, turn: Turn) -> ApiError | None:
        """Carry out a plan, as far as that works; what may work next time, before the rest."""
        if state.desired is None:
            self._failures = ()
            return None
        context = self._handler_context(state, state.desired)
        failures: tuple[Failure, ...] = ()
        waits: ApiError | None = None
        shielded = True
        for planned in decided.stages:
            stage = tuple(a for a in planned if shielded or not rests_on_answers(a))
            self._announcer.announce(state.cluster, stage)
            outcome = await self._carry_out(context, stage, state, turn)
            shielded &= outcome.shielded
            self.cache.drop_looks(self.session.answered)
            lasting, waits = self._sort(outcome.errors, state.now)
            failures += outcome.failures + lasting
            self.cache.refusals |= outcome.refusals
            self.cache.note_trials(outcome.tried, state)
            self.cache.note_growths(outcome.growths, state)
            self.cache.note_step_downs(stage)
            self.actor_metrics.count(outcome.done)
            for event in events_of(outcome.done):
                self._record(state.cluster, event)
            if outcome.blocking or waits is not None:
                break
        self._failures = keep_words(failures, self._failures)
        return waits

    def _handler_context(self, state: ClusterState, desired: Desired) -> HandlerContext:
        """What handlers need to carry out a plan for this state."""
        contexts = self.cache.contexts_of(state)
        shared, meta = self.shared, state.cluster.metadata
        reloader = Reloader(
            client=shared.client,
            stores=shared.stores,
            monitor=shared.monitor,
            key=partial(shared.gatherer.identity.key_of, meta.uid),
            namespace=meta.namespace,
            secret=meta.name,
            connection=contexts.clients,
            monitoring=contexts.monitoring,
            gate=shared.monitor.gate,
        )
        sealing = shared.gatherer.sealing
        fence = shared.client.fence
        api = Api(self.session, partial(doors, state), contexts.clients, fence)
        return HandlerContext(shared.client, shared.stores, desired, reloader, api, sealing)

    def _sort(
        self, errors: tuple[tuple[str, ApiError], ...], began: float
    ) -> tuple[tuple[Failure, ...], ApiError | None]:
        """What lasts, to be told; and one of those errors that may pass, to wait for."""
        now = asyncio.get_running_loop().time()
        by_error = [(self._patience.note(subject, e, began, now), e) for subject, e in errors]
        lasting = tuple(failure for failure, _ in by_error if failure is not None)
        return lasting, next((e for failure, e in by_error if failure is None), None)

    async def _carry_out(
        self, context: HandlerContext, stage: tuple[Action, ...], state: ClusterState, turn: Turn
    ) -> Outcome:
        """Run one stage; servers that were asked in it report something else by now."""
        if not any(action.asked_server for action in stage):
            return await run_stage(stage, context)
        async with turn.aside():
            outcome = await run_stage(stage, context)
            probes = [Probe(a.asked_server) for a in outcome.done if a.asked_server]
            await answer(probes, self.cache, state)
        return outcome

    async def _write_status(self, known: Judged | None = None) -> float | None:
        """Write the status if it changed; when to look again, if it was held back.

        `known` is what was found out in a pass that had nothing to do: nothing else is to be told.
        """
        if known is None or not self._still_holds(known.state):
            observed = await self._observe()
            if observed is None:
                return None
            known = Judged(observed)
        state = known.state
        heavy = self.cache.is_heavy(state)
        computed = self.cache.computed
        fresh = await computed(heavy, status, state, known)
        self.actor_metrics.cluster = await computed(heavy, cluster_metrics, state, fresh, known)
        if fresh == state.status:
            self._progress_since = None
            return None
        if self._progress_since is None:
            self._progress_since = state.now
        due = self._progress_since + STATUS_PAUSE - state.now
        if due > TICK and not _matters(state.status, fresh):
            return due
        if await self._patch_status(state.cluster, fresh):
            self._progress_since = None
            for event in events.turning_points(state.status, fresh):
                self._record(state.cluster, event)
        return None

    def _still_holds(self, state: ClusterState) -> bool:
        """Whether a state of this pass still is the one to tell of.

        Whatever else changed since it was observed has woken the actor: another pass tells that.
        """
        cluster = self.shared.stores.clusters.get(self.key)
        return cluster is state.cluster and self._failures == state.failures

    async def _patch_status(self, cluster: Cluster, fresh: ClusterStatus) -> bool:
        """Replace the status that was seen, and no other; False if the cluster is gone."""
        meta = cluster.metadata
        guard = {"resourceVersion": meta.resource_version}
        patch = {"metadata": guard, "status": _replacing(cluster.status, to_json(fresh), OPTIONAL)}
        try:
            reply = await self.shared.client.patch_status(
                CLUSTERS, meta.namespace, meta.name, patch
            )
        except NotFound:
            return False
        except ApiError as error:
            self._status_not_written(cluster, error)
            raise StatusNotWritten(error) from None
        assert isinstance(reply, Cluster)
        self.shared.stores.clusters.learn(reply)
        self._status_failure = None
        return True

    def _status_not_written(self, cluster: Cluster, error: ApiError) -> None:
        """A status that cannot be written for long is told by an event, once."""
        if not isinstance(error, Conflict):
            metrics.STATUS_WRITE_ERRORS.labels(metrics.CONTROLLER).inc()
        now = asyncio.get_running_loop().time()
        lasting = self._patience.note("status", error, now, now)
        if lasting is not None and self._status_failure is None:
            self._status_failure = lasting
            text = f"the status cannot be written: {lasting.message}"
            self._record(cluster, Event("StatusNotWritten", text, "Warning"))

    def __str__(self) -> str:
        return f"natscluster {self.key[0]}/{self.key[1]}"


def _replacing(told: object, fresh: Json, optional: Optional) -> Json:
    """A patch removes only what it names: what the status may not tell any more."""
    known = told if isinstance(told, Mapping) else {}
    gone = dict.fromkeys(optional.keys() & known.keys() - fresh.keys())
    within = {
        name: _replacing(known.get(name), fresh[name], of)
        for name, of in optional.items()
        if of and name in fresh
    }
    return {**fresh, **within, **gone}


def _of_roll(told: JetStreamStatus | None) -> object:
    """Restarts begin once it is written what was broken before; and what an event reports."""
    reported = told.waiting.reported if told is not None and told.waiting is not None else 0
    return told is not None and told.broken_before is not None, reported


def _matters(before: ClusterStatus, fresh: ClusterStatus) -> bool:
    """Whether somebody may wait for this change: a phase, a condition, a generation."""

    def essence(status: ClusterStatus) -> object:
        conditions = [(c.type, c.status) for c in status.conditions]
        return (
            status.phase,
            status.observed_generation,
            status.current_version,
            status.operator,
            conditions,
            _of_roll(status.jetstream),
        )

    return essence(before) != essence(fresh)
