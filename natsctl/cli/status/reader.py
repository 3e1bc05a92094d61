"""Reads what is known of NatsClusters, with the rights of whoever asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import attrs
import msgspec
from tenacity import AsyncRetrying, retry_if_exception, stop_before_delay
from tenacity.wait import wait_random_exponential

from natsctl.cli.failures import UNKNOWN_KIND, Unusable, failure, reason
from natsctl.cli.status.describe import own_pods, spec_of
from natsctl.cli.status.models import Answer, Happening, LeaseRecord, Routes, Sight, Vitals
from natsctl.kube.client import items_of
from natsctl.kube.decode import Unreadable, log_unreadable, mapping, read
from natsctl.kube.errors import ApiError, NotFound, Terminal
from natsctl.kube.paths import about, labelled, proxy_path
from natsctl.kube.resources import CLUSTERS, EVENTS, LEASES, PODS, SECRETS, SECRETS_METADATA
from natsctl.kube.transport import JSON, PARTIAL_LIST, Transport
from natsctl.model import names
from natsctl.model.objects import Cluster, Meta, Object, Pod, Secret
from natsctl.model.server_address import has_address
from natsctl.model.server_identity import may_be_server
from natsctl.render.config import tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Mapping

    from natsctl.kube.paths import ApiPath, Selection
    from natsctl.kube.resources import Resource

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds a request may take: a person waits for it."""
MONITORING_PATIENCE = 5.0
LONGEST_PAGE = 4 * 2**20
"""Bytes of what a server says: whoever may write pods decides that."""
ABOUT_PODS = about("Pod")


@attrs.frozen
class Reader:
    """Reads as one user; `gate` bounds the requests in flight."""

    transport: Transport
    gate: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(16))

    async def clusters(self, namespace: str | None) -> tuple[Cluster, ...]:
        """The clusters of one namespace or all; Unusable if they cannot be read."""
        wanted = f"list natsclusters {_in(namespace)}"
        try:
            return await self.list(CLUSTERS, namespace, Cluster)
        except ApiError as error:
            raise failure(error, wanted, self.transport.host) from error

    async def cluster(self, namespace: str, name: str) -> Cluster:
        """One cluster; Unusable says why not."""
        try:
            return read_as(CLUSTERS, await self.get(CLUSTERS.path(namespace, name)), Cluster)
        except ApiError as error:
            if isinstance(error, NotFound) and UNKNOWN_KIND not in str(error):
                raise Unusable(await self._which(namespace, name)) from error
            wanted = f"get natsclusters {_in(namespace)}"
            raise failure(error, wanted, self.transport.host) from error

    async def _which(self, namespace: str, name: str) -> str:
        text = f"there is no NatsCluster {name} {_in(namespace)}"
        try:
            clusters = await self.list(CLUSTERS, namespace, Cluster)
        except ApiError:
            return text
        known = ", ".join(sorted(c.metadata.name for c in clusters))
        return f"{text}; there is {known}" if known else f"{text}, nor any other (see -n and -A)"

    async def sight(self, cluster: Cluster) -> Sight:
        """Everything of one cluster; what cannot be read is named in it."""
        namespace, name = cluster.key
        unread: list[str] = []
        async with asyncio.TaskGroup() as group:

            def start(wanted: str, read: Awaitable[T], default: T) -> asyncio.Task[T]:
                return group.create_task(_or(read, default, wanted, unread))

            where = _in(namespace)
            pods = start(f"list pods {where}", self._pods(namespace, name), ())
            events = start(f"list events {where}", self._events(namespace, name), ())
            metadata = start(f"list secrets {where}", self._secret_metadata(namespace, name), ())
            secrets = group.create_task(self._certificates(cluster, unread))
            lease = group.create_task(self._lease(cluster, unread))
        own_pods = pods.result()
        return Sight(
            cluster=cluster,
            pods=own_pods,
            events=events.result(),
            secrets=secrets.result(),
            secret_metadata=metadata.result(),
            answers=await self.answers(cluster, own_pods),
            lease=lease.result(),
            unread=tuple(sorted(unread)),
        )

    async def _pods(self, namespace: str, name: str) -> tuple[Pod, ...]:
        return await self.list(PODS, namespace, Pod, selector_of(name))

    async def _events(self, namespace: str, name: str) -> tuple[Happening, ...]:
        """Of the cluster, and of all pods that have names of its servers."""
        about_it = about(names.KIND_CLUSTER, name)
        of_cluster = await self.list(EVENTS, namespace, Happening, about_it)
        of_pods = await self.list(EVENTS, namespace, Happening, ABOUT_PODS)
        return (*of_cluster, *(e for e in of_pods if is_of_server(name, e)))

    async def _secret_metadata(self, namespace: str, name: str) -> tuple[Object, ...]:
        of_cluster = labelled({names.LABEL_CLUSTER: name})
        return await self.list(SECRETS_METADATA, namespace, Object, of_cluster)

    async def _certificates(self, cluster: Cluster, unread: list[str]) -> dict[str, Secret]:
        """The Secrets with certificates, as far as they are there."""
        spec = spec_of(cluster)
        wanted = sorted(set(tls.secrets(spec).values())) if spec else []
        secrets = {}
        for name in wanted:
            what = f"get secret {name} {_in(cluster.metadata.namespace)}"
            read = self._secret(cluster.metadata.namespace, name)
            secrets[name] = await _or(read, None, what, unread)
        return {name: secret for name, secret in secrets.items() if secret is not None}

    async def _secret(self, namespace: str, name: str) -> Secret | None:
        try:
            body = await self.get(SECRETS.path(namespace, name))
        except NotFound:
            return None
        return read_as(SECRETS, body, Secret)

    async def _lease(self, cluster: Cluster, unread: list[str]) -> LeaseRecord | None:
        """That of the installation which the status names."""
        status = cluster.status if isinstance(cluster.status, dict) else {}
        namespace, _, name = str(status.get("operator") or "").partition("/")
        if not name:
            return None
        what = f"get lease {name} {_in(namespace)}"
        return await _or(self._record(namespace, name), None, what, unread)

    async def _record(self, namespace: str, name: str) -> LeaseRecord:
        try:
            return read_as(LEASES, await self.get(LEASES.path(namespace, name)), LeaseRecord)
        except NotFound:
            return LeaseRecord(Meta())  # nobody holds it

    async def answers(self, cluster: Cluster, pods: tuple[Pod, ...]) -> dict[str, Answer]:
        """What the servers say on their monitoring ports, through the API server; by pod uid."""
        spec = spec_of(cluster)
        secure = bool(spec and spec.tls and spec.tls.enable_https)
        asked = [pod for pod in own_pods(cluster, pods) if has_address(pod)]
        async with asyncio.TaskGroup() as group:
            tasks = {
                pod.metadata.uid: group.create_task(self._answer(pod, secure)) for pod in asked
            }
        return {uid: task.result() for uid, task in tasks.items()}

    async def _answer(self, pod: Pod, secure: bool) -> Answer:
        try:
            varz = decode(await self.monitor(pod, "varz", secure), Vitals)
            routez = decode(await self.monitor(pod, "routez", secure), Routes)
        except ApiError as error:
            wanted = f"get pods/proxy {_in(pod.metadata.namespace)}"
            return Answer(problem=reason(error, wanted))
        peers = frozenset(route.remote_id for route in routez.routes or ())
        return Answer(varz.server_id, varz.connections, peers)

    async def monitor(self, pod: Pod, page: str, secure: bool) -> bytes:
        """One page of a server's monitoring port."""
        path = proxy_path(*pod.key, names.MONITORING_PORT, page, secure=secure)
        return await self.get(path, timeout=MONITORING_PATIENCE, most=LONGEST_PAGE)

    async def list(
        self,
        resource: Resource,
        namespace: str | None,
        kind: type[T],
        selection: Selection | None = None,
    ) -> tuple[T, ...]:
        """All objects of a kind that can be read; the others are told, one by one."""
        accept = PARTIAL_LIST if resource.partial else JSON
        body = await self.get(resource.path(namespace), selection, accept)
        return tuple(_readable(resource, items_of(body), kind))

    async def get(
        self,
        path: ApiPath,
        params: Mapping[str, str] | None = None,
        accept: str = JSON,
        timeout: float = PATIENCE,  # noqa: ASYNC109 - handed to the transport
        most: int | None = None,
    ) -> bytes:
        """The body of one answer; raises an ApiError for anything but success."""
        async for attempt in _asked_to_wait():
            with attempt:
                async with self.gate:
                    reply = await self.transport.request(
                        "GET", path, params=params, accept=accept, timeout=timeout, most=most
                    )
        return reply.body


def decode(body: bytes, kind: type[T]) -> T:
    """An answer; a proxy in between may give one that is none, which is Terminal."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unreadable(error) from error


def read_as(resource: Resource, body: bytes, kind: type[T]) -> T:
    """An object of the API server; the same if it is none."""
    try:
        return _read(resource, body, kind)
    except Unreadable as error:
        raise _unreadable(error) from error


def _read(resource: Resource, raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    """As a projection, or whole (a dict): that one only if it is one that has a name."""
    if isinstance(kind, type) and issubclass(kind, Object):
        projected: T = read(attrs.evolve(resource, projection=kind), raw)
        return projected
    read(attrs.evolve(resource, projection=Object), raw)
    return msgspec.convert(mapping(bytes(raw)), kind)


def _readable(resource: Resource, items: Iterable[msgspec.Raw], kind: type[T]) -> Iterator[T]:
    for raw in items:
        try:
            yield _read(resource, raw, kind)
        except Unreadable as error:
            log_unreadable(resource, error)


def _unreadable(error: Exception) -> Terminal:
    return Terminal(0, "Unreadable", f"the answer cannot be read: {error}")


def _asked_to_wait() -> AsyncRetrying:
    """Try again while the API server has too much to do, which passes; nothing else is."""
    return AsyncRetrying(
        retry=retry_if_exception(lambda error: getattr(error, "status", None) == 429),
        wait=wait_random_exponential(multiplier=0.2, max=2),
        stop=stop_before_delay(PATIENCE),
        reraise=True,
    )


def selector_of(cluster: str) -> Selection:
    """Selects the pods of a cluster, those of the Go operator too."""
    return labelled({names.LABEL_APP: names.APP, names.LABEL_CLUSTER: cluster})


def is_of_server(cluster: str, event: Happening) -> bool:
    """Whether an Event is of a pod with a name of a server, by either way of counting."""
    return may_be_server(cluster, event.involved_object.name)


async def _or(read: Awaitable[T], default: T, wanted: str, unread: list[str]) -> T:
    try:
        return await read
    except ApiError as error:
        unread.append(reason(error, wanted))
        return default


def _in(namespace: str | None) -> str:
    return f"in namespace {namespace}" if namespace else "in all namespaces"
