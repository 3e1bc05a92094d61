"""How one cluster looks right now: everything known of it, kept from pass to pass.

Parsing, rendering and the making of TLS contexts are done once for what they depend on.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from operator import is_
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from natsctl.api.types.status import ClusterStatus, parse_status
from natsctl.controllers.cluster.claims import ReadClaims
from natsctl.controllers.cluster.connections import Contexts, contexts
from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.cluster.held import ReadHeld
from natsctl.controllers.runtime.computing import (
    is_heavy,
    of_documents,
    of_looks,
    of_servers,
    of_sources,
)
from natsctl.controllers.watch.late_store import LateStore
from natsctl.controllers.watch.stores import Stores
from natsctl.kube.store import Key
from natsctl.model import names
from natsctl.model.objects import Cluster, Pod, controlled
from natsctl.model.times import written
from natsctl.nats.monitoring import Monitor
from natsctl.plan.actions import StepDown
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.plan.claims.memory import noted_on
from natsctl.plan.claims.stored import Stored
from natsctl.plan.desired import ParsedSpec, desired_of, parse_cluster
from natsctl.plan.digests import Compared, compared_for
from natsctl.plan.gates.seen import Seen
from natsctl.plan.growth_refused import GrowthRefused, refused
from natsctl.plan.held import NOT_ASKED
from natsctl.plan.inputs.resolve import ResolvedInputs, Trust
from natsctl.plan.jetstream import seen_in
from natsctl.plan.queries import Answers
from natsctl.plan.references import References
from natsctl.plan.servers.releases import reports_of, tag_of
from natsctl.plan.servers.server import run_id, runs_of
from natsctl.plan.state import ClusterState, Desired, Failure, Refusal, Trial
from natsctl.plan.stored.earlier_keys import noted_secrets
from natsctl.plan.stores.limits import OLD, levels_of
from natsctl.plan.upgrade_path import is_running
from natsctl.plan.written_block import keys_in
from natsctl.render.inputs import Images
from natsctl.render.objects.owned_objects import config_kind, data_kind
from natsctl.render.revision.revision import stores_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.controllers.cluster.token_writer import Refused
    from natsctl.model.jetstream_look import Look
    from natsctl.model.observation import Observation
    from natsctl.plan.actions import Action
    from natsctl.plan.growth_refused import Words

T = TypeVar("T")
LOOKS_KEPT = OLD
"""Seconds after which a look at JetStream that nobody wanted again is dropped: nobody reads it."""
GROUP = 50
"""What a stream or consumer in a look counts as."""
FIRST_LOOK = 5.0
"""Seconds that a process waits to know the volumes of a cluster when it first sees it."""
FIRST_PAUSE, LAST_PAUSE = 10.0, 60.0
"""Seconds between two attempts on one token, however often somebody breaks its Secret."""


@attrs.define
class ClusterCache:
    """Everything known of the cluster with this key.

    `namespaces` are the only ones that natsctl manages (None: all). `refusals` and `step_downs` are
    by pod uid.
    """

    key: tuple[str, str]
    stores: Stores
    gatherer: Gatherer
    monitor: Monitor
    images: Images
    namespaces: tuple[str, ...] | None = None
    installation: str = ""
    answers: Answers = attrs.field(factory=Answers)
    refusals: dict[str, Refusal] = attrs.field(factory=dict)
    step_downs: dict[str, int] = attrs.field(factory=dict)
    trials: dict[Key, Trial] = attrs.field(factory=dict)
    growths: dict[str, GrowthRefused] = attrs.field(factory=dict)
    platform_assigned_ids: bool = False
    jetstream: bool = False
    _heavy: bool = False
    _claims: ReadClaims = attrs.field(
        init=False, default=attrs.Factory(lambda cache: ReadClaims(cache.computed), takes_self=True)
    )
    _held: ReadHeld = attrs.field(
        init=False, default=attrs.Factory(lambda cache: ReadHeld(cache.computed), takes_self=True)
    )
    _status: tuple[Cluster, ClusterStatus] | None = None
    _steady: tuple[tuple[object, ...], Stored] | None = None
    """Of servers that do not store streams: nothing but these objects changes it."""
    _changed: float = 0.0
    _fingerprint: object = None
    _parsed: tuple[tuple[object, ...], ParsedSpec] | None = None
    _desired: tuple[object, Desired | None] | None = None
    _gathered: tuple[object, References] = (None, References())
    _compared: tuple[str, Compared] = ("", Compared())
    _seen: tuple[object, Seen | None] | None = None
    _contexts: tuple[Trust | None, Contexts] = attrs.field(factory=lambda: (None, Contexts()))

    @property
    def observations(self) -> Mapping[str, Observation]:
        """What servers said of themselves, by pod uid."""
        return self.answers.observations

    @property
    def looks(self) -> tuple[Look, ...]:
        """The latest looks at JetStream, each at all servers that there are."""
        return self.answers.jetstream

    async def state(self, failures: tuple[Failure, ...]) -> ClusterState | None:
        """Everything known of the cluster right now; None if it is gone, or another by now.

        `failures` are those of the last pass.
        """
        cluster = self._cluster()
        if cluster is None and self.looks:
            self.forget_looks()
        if cluster is None or _uid_and_generation(cluster) != self._gathered[0]:
            return None
        pods = self.stores.pods.of_cluster(self.key)
        before = await self._status_of(cluster)
        own = tuple(controlled(pods, cluster).values())
        stored = await self._stored(cluster, before, own)
        parsed = await self._parse(cluster, before, own, stored)
        desired = await self._desire(cluster, parsed, own, stored)
        self._keep_valid_answers(pods)
        now = asyncio.get_running_loop().time()
        self._keep_valid_looks(own, now)
        self._note_changes((cluster.metadata.generation, desired and desired.config), pods, now)
        state = ClusterState(
            cluster=cluster,
            status=before,
            desired=desired,
            problems=parsed.objections,
            paused=parsed.paused,
            owned=self._owned(cluster),
            pods=pods,
            failures=failures,
            trials=self.trials,
            refusals=self.refusals,
            growths=self.growths,
            step_downs=self.step_downs,
            references=self._gathered[1],
            scope=self.namespaces,
            installation=self.installation,
            timestamp=_timestamp(),
            quiet=now - self._changed,
            **attrs.asdict(attrs.evolve(self.answers, now=now), recurse=False),
        )
        return await self._with_seen(state) if self.looks else state

    async def _with_seen(self, state: ClusterState) -> ClusterState:
        """Judging is done once for the looks: it takes a while with thousands of streams."""
        moments = tuple(it.began for it in self.looks)  # and not the looks: those have to go
        key = (moments, state.desired, runs_of(state.pods))
        if self._seen is None or self._seen[0] != key:
            groups = (GROUP * len(it.groups) for look in self.looks for it in look.reports.values())
            heavy = self.is_heavy(state) or is_heavy(groups)
            self._seen = key, await self.computed(heavy, seen_in, state)
        return attrs.evolve(state, seen=self._seen[1])

    def _owned(self, cluster: Cluster) -> dict[str, dict[str, Any]]:
        """What it controls, and what holds its data by the labels; not what is not known."""
        kinds = ((kind, self._owned_of(kind, cluster)) for kind in self.stores.owned)
        return {kind: found for kind, found in kinds if found is not None}

    def _owned_of(self, kind: str, cluster: Cluster) -> dict[str, Any] | None:
        """The same of one kind, by name; None: not known."""
        store = self.stores.owned[kind]
        if isinstance(store, LateStore) and not store.is_known(self.key):
            return None
        found = store.of_cluster(self.key)
        if kind == data_kind().kind:
            return {item.metadata.name: item for item in found}
        return controlled(found, cluster)

    async def _stored(
        self, cluster: Cluster, before: ClusterStatus, pods: tuple[Pod, ...]
    ) -> Stored:
        """What the claims of its volumes tell, the config Secret, and the latest look."""
        name = cluster.metadata.name
        secret = (self._owned_of(config_kind().kind, cluster) or {}).get(name)
        claims = self._owned_of(data_kind().kind, cluster)
        there = claims.values() if claims is not None else None
        sources = (cluster, secret, claims is None, *pods, *(there or ()))
        if not self.looks and (known := self._steady) and are_same(known[0], sources):
            return known[1]
        stored = await self._claims.stored(cluster, there, noted_on(secret), self.gatherer.pepper)
        now = asyncio.get_running_loop().time()
        levels = levels_of(name, secret, before, pods, self.looks, stored.asked, now, _timestamp())
        held = await self._held.held(cluster, secret, pods, self.looks)
        stored = attrs.evolve(stored, levels=levels, keys=keys_in(secret), held=held)
        timeless = not self.looks and before.jetstream is None and held == NOT_ASKED
        self._steady = (sources, stored) if timeless else None
        return stored

    async def computed(
        self, heavy: bool, call: Callable[..., T], /, *given: Any, **named: Any
    ) -> T:
        """What a pure function returns, in a turn of the cluster's namespace."""
        computing = self.gatherer.computing
        return await computing.computed(self.key[0], heavy, call, *given, **named)

    def is_heavy(self, state: ClusterState) -> bool:
        """Whether it may take long to compute anything of the cluster."""
        weights = of_servers(len(state.pods)), of_looks(state.jetstream)
        return self._heavy or self._claims.heavy or is_heavy(*weights)

    def _cluster(self) -> Cluster | None:
        """The NatsCluster, unless it is gone or going."""
        cluster = self.stores.clusters.get(self.key)
        gone = cluster is None or cluster.metadata.deletion_timestamp is not None
        return None if gone else cluster

    async def gather(self) -> None:
        """Collect what the configuration depends on; it belongs to one generation of the spec."""
        cluster = self._cluster()
        if cluster is None:
            return
        pods = tuple(controlled(self.stores.pods.of_cluster(self.key), cluster).values())
        before = await self._status_of(cluster)
        stored = await self._stored(cluster, before, pods)
        parsed = await self._parse(cluster, before, pods, stored)
        spec, references = parsed.spec, References()
        if spec is not None and parsed.version is not None and _may_store(spec, pods):
            for store in self.stores.late().values():
                await store.wait(self.key, FIRST_LOOK)
        if spec is not None:
            proven = {key: trial.token for key, trial in self.trials.items() if trial.token}
            named = noted_secrets(stored) if spec.jetstream is not None else frozenset[str]()
            references = await self.gatherer.gather(self.key, spec, _timestamp(), proven, named)
            references = attrs.evolve(references, compared=self._compared_of(cluster))
        self._gathered = _uid_and_generation(cluster), references

    def note_trials(self, tried: Mapping[Key, Refused | None], state: ClusterState) -> None:
        """Remember what came of attempts on tokens, as long as there is a reason for them."""
        resolved = state.desired.resolved if state.desired is not None else ResolvedInputs()
        reasons = {g.key for g in resolved.grants} | {s.key for s in resolved.unwanted}
        now = asyncio.get_running_loop().time()
        fresh = {key: _trial(self.trials.get(key), refused, now) for key, refused in tried.items()}
        known = {key: trial for key, trial in self.trials.items() if key in reasons}
        self.trials = known | fresh

    def note_step_downs(self, stage: Iterable[Action]) -> None:
        """Count who was asked to hand over the meta group, whatever came of it."""
        for action in stage:
            if isinstance(action, StepDown):
                count = self.step_downs.get(action.uid, 0)
                self.step_downs = {**self.step_downs, action.uid: count + 1}

    def note_growths(self, tried: Mapping[str, Words | None], state: ClusterState) -> None:
        """Remember which claims may not ask for more, as long as they are there."""
        there = {c.metadata.uid for c in state.owned.get(data_kind().kind, {}).values()}
        now = asyncio.get_running_loop().time()
        known = {uid: it for uid, it in self.growths.items() if uid in there and uid not in tried}
        fresh = ((uid, words) for uid, words in tried.items() if words is not None)
        self.growths = known | {uid: refused(it, self.growths.get(uid), now) for uid, it in fresh}

    def looks_end(self) -> float | None:
        """Seconds until the latest look is dropped if nobody wants another; None: there is none."""
        now = asyncio.get_running_loop().time()
        return max(self.looks[-1].began + LOOKS_KEPT - now, 0.0) if self.looks else None

    def drop_looks(self, before: float) -> None:
        """Something was changed on the servers at this moment, in monotonic seconds."""
        self.keep_looks(tuple(it for it in self.looks if it.began > before))

    def keep_looks(self, looks: tuple[Look, ...]) -> None:
        """Keep these, and count what they contain."""
        if looks or self.looks:
            self.answers = attrs.evolve(self.answers, jetstream=looks)
            weight = sum(said.weight for it in looks for said in it.reports.values())
            self.monitor.gate.allowance.note(self.key, weight)

    def forget_looks(self) -> None:
        """The cluster is gone or going, or another's: others get the room at once."""
        self.answers, self._seen = attrs.evolve(self.answers, jetstream=()), None
        self.monitor.gate.allowance.forget(self.key)

    async def _status_of(self, cluster: Cluster) -> ClusterStatus:
        """Parsing is done once for what was stored."""
        if self._status is None or self._status[0] is not cluster:
            heavy = is_heavy(of_documents(cluster.status))
            self._status = cluster, await self.computed(heavy, parse_status, cluster.status)
        return self._status[1]

    async def _desire(
        self, cluster: Cluster, parsed: ParsedSpec, pods: tuple[Pod, ...], stored: Stored
    ) -> Desired | None:
        """Rendering is done once for a spec, its sources, and what pods were made for."""
        references = self._gathered[1]
        key = (parsed, references, frozenset(_stamps(pod) for pod in pods), stored)
        if self._desired is None or self._desired[0] != key:
            self._heavy = self._is_heavy(cluster, parsed)
            made = await self.computed(
                self._heavy,
                desired_of,
                cluster,
                parsed,
                pods,
                references,
                self.images,
                platform_assigned_ids=self.platform_assigned_ids,
                stored=stored,
            )
            self._desired = key, made
            self._note_compared(cluster, made)
        return self._desired[1]

    def _compared_of(self, cluster: Cluster) -> Compared:
        """What was compared of it with digests of an earlier natsctl, by this process."""
        uid = cluster.metadata.uid
        if self._compared[0] != uid:
            self._compared = uid, compared_for(cluster, self.gatherer.began)
        return self._compared[1]

    def _note_compared(self, cluster: Cluster, made: Desired | None) -> None:
        """Beside the key of the user's Secret, that of the configuration."""
        if made is not None:
            compared = self._compared_of(cluster).with_contents(made.resolved.inputs.sealed)
            compared = compared.with_contents(made.target.inputs.sealed)
            self._compared = cluster.metadata.uid, compared

    def _is_heavy(self, cluster: Cluster, parsed: ParsedSpec) -> bool:
        servers = of_servers(parsed.spec.size if parsed.spec is not None else 0)
        return is_heavy(servers, of_documents(cluster.spec), of_sources(self._gathered[1]))

    def contexts_of(self, state: ClusterState) -> Contexts:
        """TLS contexts for connections to the servers, made once for a set of certificates."""
        desired = state.desired
        trust = desired.resolved.trust if desired is not None else None
        if self._contexts[0] != trust and not (desired is not None and desired.waiting):
            self._contexts = trust, contexts(trust, self._contexts[0])
        made = self._contexts[1]
        tls = desired.target.spec.tls if desired is not None else None
        return made if tls is not None and tls.enable_https else Contexts(made.clients, None)

    async def _parse(
        self, cluster: Cluster, before: ClusterStatus, pods: tuple[Pod, ...], stored: Stored
    ) -> ParsedSpec:
        """Reading is done once per generation; judging also once per what servers say they run."""
        reports = reports_of(pods, before, self.observations)
        meta = cluster.metadata
        states = [(p.metadata.deletion_timestamp is None, tag_of(p), is_running(p)) for p in pods]
        alone = sum(stays and runs for stays, _, runs in states) == 1
        decided = before.accepted_spec if stored.held != NOT_ASKED else ""
        known = before.current_version, reports, frozenset(states), alone, stored, decided
        key = (meta.uid, meta.generation, *known)
        if self._parsed is None or self._parsed[0] != key:
            documents = of_documents(cluster.spec, before.accepted_spec)
            heavy = is_heavy(of_servers(len(pods)), documents)
            earlier = self._parsed_before(cluster)
            parsed = await self.computed(
                heavy,
                parse_cluster,
                cluster,
                before,
                pods,
                self.observations,
                earlier,
                stored,
                jetstream=self.jetstream,
            )
            self._parsed = key, parsed
        return self._parsed[1]

    def _parsed_before(self, cluster: Cluster) -> ParsedSpec | None:
        """What was made of the same generation of the spec before."""
        key, parsed = self._parsed or ((), None)
        return parsed if key[:2] == _uid_and_generation(cluster) else None

    def _keep_valid_answers(self, pods: tuple[Pod, ...]) -> None:
        runs = {pod.metadata.uid: run_id(pod) for pod in pods}
        self.refusals = {uid: refusal for uid, refusal in self.refusals.items() if uid in runs}
        self.step_downs = {uid: count for uid, count in self.step_downs.items() if uid in runs}
        self.answers = self.answers.of_runs(runs)

    def _keep_valid_looks(self, own: tuple[Pod, ...], now: float) -> None:
        """A look is at all servers at once: it is worth nothing once any of them is another."""
        if self.looks:
            runs = runs_of(own)
            valid = (it for it in self.looks if it.runs == runs and now - it.began < LOOKS_KEPT)
            self.keep_looks(tuple(valid))

    def _note_changes(self, wanted: object, pods: tuple[Pod, ...], now: float) -> None:
        runs = sorted((p.metadata.uid, *map(str, run_id(p))) for p in pods)
        fingerprint = (wanted, tuple(runs))
        if fingerprint != self._fingerprint:
            self._fingerprint, self._changed = fingerprint, now


def are_same(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether these are the very same objects: what is in a store is replaced, never changed."""
    return len(some) == len(others) and all(map(is_, some, others))


def _uid_and_generation(cluster: Cluster) -> tuple[str, int]:
    """What changes with the spec."""
    return cluster.metadata.uid, cluster.metadata.generation


def _trial(before: Trial | None, refused: Refused | None, now: float) -> Trial:
    """When to try again: after a pause in any case, and a longer one after each failure."""
    failed = before is not None and before.failure is not None
    pause = min(2 * before.pause, LAST_PAUSE) if before and failed and refused else FIRST_PAUSE
    if refused is None:
        return Trial(now + pause, pause)
    return Trial(now + pause, pause, refused.failure, refused.token)


def _timestamp() -> str:
    return written(datetime.now(UTC))


def _may_store(spec: NatsClusterSpec, pods: Iterable[Pod]) -> bool:
    """Whether servers store streams, or did so far."""
    stamps = (pod.metadata.annotation(names.REVISION_ANNOTATION) for pod in pods)
    return spec.jetstream is not None or any(map(stores_streams, stamps))


def _stamps(pod: Pod) -> tuple[str | None, ...]:
    """What a pod tells of the spec it was made for; of one that was taken over, its name too."""
    meta = pod.metadata
    kept = meta.name if is_taken_over(pod) else None
    return meta.label(names.LABEL_VERSION), meta.annotation(names.REVISION_ANNOTATION), kept
