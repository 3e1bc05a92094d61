"""One task group for the whole process, and the order in which it stops.

HTTP server                     starts first, ends last
  reflectors, pulse             always: a standby's stores are warm
    lease                       acquired, kept; released after the actors ended
      fleet of actors           only while the lease is held
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.cluster.identity import Identity, load_identity
from natsctl.controllers.cluster.orphan_roles import Orphans
from natsctl.controllers.cluster.reconciler import ControllerContext
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.controllers.fleet import Fleet
from natsctl.controllers.runtime import health, metrics
from natsctl.controllers.runtime.computing import Computing
from natsctl.controllers.runtime.crd_revision import check_schema
from natsctl.controllers.runtime.lease import Lease, LeaseLost
from natsctl.controllers.runtime.lease_records import KubernetesRecords
from natsctl.controllers.runtime.pace import Pacer
from natsctl.controllers.runtime.threads import Threads, threads
from natsctl.controllers.runtime.web import serve
from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.controllers.watch.namespace_labels import NamespaceLabels
from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.controllers.watch.stores import (
    label_reader,
    late_readers,
    open_stores,
    reflectors,
    token_readers,
)
from natsctl.kube.client import Client
from natsctl.kube.errors import Fenced
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import ACCOUNTS_METADATA, SECRETS_METADATA
from natsctl.kube.transport import Transport, connect
from natsctl.kube.turns import Turns
from natsctl.model.times import written
from natsctl.nats.gate import ALL, HEAVY_PARTS, LARGE, LARGE_SLOW, READING, Gate
from natsctl.nats.monitoring import Monitor
from natsctl.plan.service_accounts.seals import sealing_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable
    from concurrent.futures import Executor

    from natsctl.controllers.settings import Settings
    from natsctl.kube.store import Key

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Clusters that compute in one round of the event loop, each for some milliseconds."""
LAST_EVENTS = 1.0
"""Seconds for writing the last Events when the process stops."""
LAST_DOUBTS = 8.0
"""Seconds to wait for what may become of writes that nobody answered, before the lease goes."""


async def supervise(settings: Settings, stop: asyncio.Event) -> None:
    """Run the operator until `stop`; raises LeaseLost, SchemaTooOld or ValueError (config)."""
    with threads() as pools:
        await _supervise(settings, stop, pools)


async def _supervise(settings: Settings, stop: asyncio.Event, pools: Threads) -> None:
    async with connect(settings.kubeconfig, settings.context) as transport:
        await check_schema(Client(transport))
        lease = _lease(settings, transport)
        fleet = Fleet(threads=pools.series)
        orphans = Orphans()
        stores = open_stores(lambda key: _wake(key, fleet, orphans))
        labels = NamespaceLabels(Pacer(fleet.wake))
        readers = reflectors(transport, stores, settings.watched)
        readers += (label_reader(transport, labels),) if settings.selectors else ()
        secret_cache = SecretCache(fleet.wake)
        accounts = ServiceAccounts(Pacer(fleet.wake), settings.watched)
        foreign = _foreign(transport, settings.watched, secret_cache, accounts)
        foreign += late_readers(transport, stores, settings.watched)
        pulse = health.Pulse()
        every = (*readers, *(reader for _, reader in foreign))
        _cut_in(pools, every)
        probes = health.liveness(pulse, lease, every), health.readiness(readers)
        async with serve(settings.host, settings.port, *probes, fleet.series) as port:
            log.info("serving health and metrics on port %d", port)
            watches = (*(r.run() for r in readers), *(_once(*watch) for watch in foreign))
            async with background(pulse.run(), *watches):
                if not await _first(stop, _synced(readers), lease.acquire()):
                    await lease.abandon()
                    return
                log.info("leading as %s", lease.identity)
                client = Client(transport, lease.writing)
                identity = await _identity(client, settings.namespace, lease)
                itself = settings.operator
                gatherer = Gatherer(
                    client,
                    stores,
                    secret_cache,
                    accounts,
                    Dependencies(),
                    identity,
                    operator=itself,
                    computing=Computing(pools.clusters),
                    began=written(datetime.now(UTC)),
                )
                policy = settings.account_namespaces
                gatherer = attrs.evolve(gatherer, namespaces=policy, labels=labels)
                if identity.seed:  # else the key lasts as long as the process
                    gatherer = attrs.evolve(gatherer, sealing=sealing_key(identity.pepper))
                await _lead(settings, lease, fleet, orphans, gatherer, pools, stop)


def _wake(key: Key, fleet: Fleet, orphans: Orphans) -> None:
    """Something of this cluster changed: its actor looks, and who does what no actor can."""
    fleet.wake(key)
    orphans.wake(key)


async def _lead(
    settings: Settings,
    lease: Lease,
    fleet: Fleet,
    orphans: Orphans,
    gatherer: Gatherer,
    pools: Threads,
    stop: asyncio.Event,
) -> None:
    """Run the fleet while the lease lasts; release it only after the last actor ended."""
    metrics.CAPACITY.labels(metrics.CONTROLLER).set(2 * settings.concurrency)
    client, stores = gatherer.client, gatherer.stores
    recorder = Recorder(client)
    tokens = token_readers(client.transport, stores, settings.watched, gatherer.sealing)
    _cut_in(pools, tokens)
    async with background(lease.keep()):
        async with background(
            recorder.run(),
            orphans.run(client, stores, settings.installation),
            *(reader.run() for reader in tokens),
        ):
            shared = ControllerContext(
                client=client,
                stores=stores,
                monitor=Monitor(fair_gate(pools.answers)),
                recorder=recorder,
                turns=Turns(2 * settings.concurrency, at_once=AT_ONCE),
                gatherer=gatherer,
                images=settings.images,
                platform_assigned_ids=settings.platform_assigned_ids,
                jetstream=settings.jetstream,
                namespaces=settings.watched,
                installation=settings.installation,
            )
            if await _first(stop, _synced(tokens)):
                await fleet.run(shared, stop)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_EVENTS):
                    await recorder.flush()
        await asyncio.sleep(lease.doubt if lease.doubt < LAST_DOUBTS else 0)
    if await lease.release():
        log.info("stopped; the lease is released")
    else:
        log.warning("stopped; the lease could not be released and will expire")


def fair_gate(threads: Executor | None = None) -> Gate:
    """What is asked of servers, shared between namespaces: nobody gets more than half of it."""
    large, large_slow = Turns(LARGE), Turns(LARGE_SLOW)
    reading, heavy = Turns(READING), Turns(HEAVY_PARTS)
    return Gate(Turns(2 * ALL), Turns(2 * ALL), large, large_slow, reading, heavy, threads)


async def _identity(client: Client, namespace: str, lease: Lease) -> Identity:
    """The first thing that a leader may have to write."""
    try:
        return await load_identity(client, namespace)
    except Fenced:
        raise LeaseLost(f"the lease {lease.name} expired before the first write") from None


def _foreign(
    transport: Transport,
    namespaces: tuple[str, ...] | None,
    secret_cache: SecretCache,
    accounts: ServiceAccounts,
) -> tuple[tuple[asyncio.Event, Reflector[Any]], ...]:
    """Watches of what is not ours; each starts with the first cluster that needs it."""
    return tuple(
        (sink.needed, Reflector(transport, resource, sink, namespace))
        for namespace in namespaces or (None,)
        for resource, sink in ((SECRETS_METADATA, secret_cache), (ACCOUNTS_METADATA, accounts))
    )


def _cut_in(pools: Threads, readers: Iterable[Reflector[Any]]) -> None:
    """Long pages of lists are cut in threads that nothing else fills."""
    for reader in readers:
        reader.threads = pools.pages


async def _once(needed: asyncio.Event, reader: Reflector[Any]) -> None:
    await needed.wait()
    await reader.run()


def _lease(settings: Settings, transport: Transport) -> Lease:
    records = KubernetesRecords(transport, settings.namespace, settings.lease_name)
    lease = Lease(records, name=settings.lease_name, timing=settings.timing)
    if settings.identity:
        lease.identity = f"{settings.identity}_{lease.identity}"
    return lease


async def _synced(readers: Any) -> None:
    for reader in readers:
        await reader.synced.wait()


async def _first(stop: asyncio.Event, *steps: Coroutine[Any, Any, None]) -> bool:
    """Run steps one after the other; False if `stop` came first."""

    async def all_steps() -> None:
        for step in steps:
            await step

    async with asyncio.TaskGroup() as group:
        work = group.create_task(all_steps())
        stopped = group.create_task(stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        finished = work.done()
        work.cancel()
    for step in steps:
        step.close()
    return finished and not stop.is_set()


@asynccontextmanager
async def background(*tasks: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Run tasks beside the body; end them with it. One that fails ends the body with its error."""
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(task) for task in tasks]
            yield
            for task in running:
                task.cancel()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
