"""Collects what a report takes along, with the rights of whoever asks; nothing is masked yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import msgspec

from natsctl.cli.failures import reason
from natsctl.cli.report.shapes import MESSAGE, Fields, Shape, fields
from natsctl.cli.report.shown_clusters import CLUSTER, ROLE, VIEW
from natsctl.cli.report.shown_objects import BUDGET, CLAIM, DEPLOYMENT, EVENT, LEASE, SERVICE
from natsctl.cli.report.shown_pods import POD
from natsctl.cli.report.shown_servers import CONFIG, PAGES, VERSIONS
from natsctl.cli.status.describe import own_pods, spec_of, view
from natsctl.cli.status.models import Happening
from natsctl.cli.status.reader import (
    ABOUT_PODS,
    LONGEST_PAGE,
    Reader,
    decode,
    is_of_server,
    selector_of,
)
from natsctl.cli.status.text import page
from natsctl.cli.status.view import to_json
from natsctl.controllers.watch.owned import resource_of
from natsctl.kube.errors import ApiError
from natsctl.kube.paths import VERSION, ApiPath, Selection, about, labelled
from natsctl.kube.resources import (
    CLUSTERS,
    CRDS,
    EVENTS,
    LEASES,
    PODS,
    ROLES,
    SECRETS,
    SERVICES,
    Resource,
)
from natsctl.model import limits, names
from natsctl.model.objects import Cluster, Object, Pod
from natsctl.model.server_address import has_address
from natsctl.model.struct_types import known_to_threads
from natsctl.plan.inputs.resolve import named_secrets
from natsctl.render.objects.owned_objects import budget_kind, data_kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator

T = TypeVar("T")
Raw = dict[str, Any]
CLAIMS, BUDGETS = resource_of(data_kind()), resource_of(budget_kind())
DEPLOYMENTS = Resource("Deployment", "apps/v1", "deployments", Object)
OPERATOR = labelled({names.LABEL_K8S_COMPONENT: "operator"})
"""What the chart labels the operator with, under any name."""
LOG_BYTES = 2_000_000
MOST_VALUES = 400_000
"""Members of an answer: one that lists connections has tens of thousands."""


class Form(Enum):
    """How a document is written."""

    OBJECTS = "objects of Kubernetes, as YAML"
    SECRETS = "Secrets, as YAML"
    ANSWER = "configuration or answer of a server, as JSON"
    TEXT = "what a program said"


NOTHING = Fields({})
SHAPES: Mapping[str, Shape] = {
    CLAIMS.kind: CLAIM,
    BUDGETS.kind: BUDGET,
    "Deployment": DEPLOYMENT,
    "NatsServiceRole": ROLE,
    "Pod": POD,
    "Service": SERVICE,
}
"""Of what is listed."""
TEXT = fields(MESSAGE, "text")
"""An answer that is no JSON."""


@attrs.frozen
class Document:
    """One file of a report. Invariant: not masked, so it is never shown.

    `shape` says what may be shown of each of its objects.
    """

    path: str
    form: Form
    content: Any = attrs.field(repr=False)
    shape: Shape = NOTHING


@attrs.define
class Evidence:
    """What was found, and what could not be read. `lines` bounds each log."""

    reader: Reader
    now: datetime
    lines: int
    documents: list[Document] = attrs.field(factory=list)
    unread: list[str] = attrs.field(factory=list)

    async def all_of(self, clusters: tuple[Cluster, ...]) -> None:
        """Everything about these clusters, and about the installations that manage them."""
        await self._versions()
        for cluster in clusters:
            await self._cluster(cluster)
        for namespace in sorted({c.metadata.namespace for c in clusters}):
            await self._listed(f"{namespace}/roles.yaml", ROLES, namespace)
        for namespace, lease in sorted(set(filter(None, map(_installation, clusters)))):
            await self._operator(namespace, lease)

    async def _versions(self) -> None:
        kubernetes = await self._try("get /version", self._get(VERSION), {})
        crds = {}
        for plural in (names.PLURAL_CLUSTERS, names.PLURAL_ROLES):
            name = f"{plural}.{names.GROUP}"
            wanted = f"get customresourcedefinition {name}"
            crd = await self._try(wanted, self._json(CRDS, None, name), {})
            annotations = (crd.get("metadata") or {}).get("annotations") or {}
            crds[name] = annotations.get(names.SCHEMA_REVISION_ANNOTATION)
        versions = {"kubernetes": kubernetes, "schemaRevisions": crds}
        self._add("versions.json", Form.ANSWER, versions, VERSIONS)

    async def _cluster(self, cluster: Cluster) -> None:
        namespace, name = cluster.key
        folder = f"{namespace}/{name}"
        sight = await self.reader.sight(cluster)
        seen = view(sight, self.now)
        self.unread += [f"{folder}: {note}" for note in seen.notes]
        self._add(f"{folder}/status.txt", Form.TEXT, page(seen, self.now))
        self._add(f"{folder}/status.yaml", Form.OBJECTS, [to_json(seen)], VIEW)
        itself = self._json(CLUSTERS, namespace, name)
        live = await self._try(f"get natscluster {folder}", itself, None)
        self._add(f"{folder}/natscluster.yaml", Form.OBJECTS, [live] if live else [], CLUSTER)
        of_cluster = labelled({names.LABEL_CLUSTER: name})
        await self._listed(f"{folder}/pods.yaml", PODS, namespace, selector_of(name))
        await self._listed(f"{folder}/services.yaml", SERVICES, namespace, of_cluster)
        await self._stored(folder, cluster)
        await self._events(folder, namespace, name)
        await self._secrets(folder, cluster)
        async with asyncio.TaskGroup() as group:
            for pod in own_pods(cluster, sight.pods):
                group.create_task(self._server(folder, cluster, pod))

    async def _stored(self, folder: str, cluster: Cluster) -> None:
        """Volumes and the budget; of no other cluster, so that nobody else needs the rights."""
        if isinstance(cluster.spec, Mapping) and "jetstream" in cluster.spec:
            namespace, selection = cluster.metadata.namespace, selector_of(cluster.metadata.name)
            await self._listed(f"{folder}/claims.yaml", CLAIMS, namespace, selection)
            await self._listed(f"{folder}/budgets.yaml", BUDGETS, namespace, selection)

    async def _events(self, folder: str, namespace: str, name: str) -> None:
        about_it = about(names.KIND_CLUSTER, name)
        events = await self._items(EVENTS, namespace, about_it)
        of_pods = await self._items(EVENTS, namespace, ABOUT_PODS)
        events += [e for e, read in _each(of_pods, Happening) if is_of_server(name, read)]
        self._add(f"{folder}/events.yaml", Form.OBJECTS, events, EVENT)

    async def _secrets(self, folder: str, cluster: Cluster) -> None:
        """Those that belong to the cluster and those that it names, and its configuration."""
        namespace, name = cluster.key
        of_cluster = labelled({names.LABEL_CLUSTER: name})
        listed = await self._items(SECRETS, namespace, of_cluster)
        by_name = {s["metadata"]["name"]: s for s in listed}
        spec = spec_of(cluster)
        for other in sorted(named_secrets(spec) - set(by_name)) if spec else ():
            wanted = f"get secret {other} in namespace {namespace}"
            read = await self._try(wanted, self._json(SECRETS, namespace, other), None)
            by_name |= {other: read} if read else {}
        self._add(f"{folder}/secrets.yaml", Form.SECRETS, list(by_name.values()))
        config = _config(by_name.get(name))
        if config is not None:
            self._add(f"{folder}/nats.conf", Form.ANSWER, config, CONFIG)

    async def _server(self, folder: str, cluster: Cluster, pod: Pod) -> None:
        """What one server says now, and what it said."""
        spec = spec_of(cluster)
        secure = bool(spec and spec.tls and spec.tls.enable_https)
        where = f"{folder}/servers/{pod.metadata.name}"
        for name, shape in PAGES.items() if has_address(pod) else ():
            body = await self._try(
                f"get pods/proxy of {pod.metadata.name}: /{name}",
                self.reader.monitor(pod, name, secure),
                None,
            )
            if body is not None:
                self._add(f"{where}/{name}.json", Form.ANSWER, _parsed(body), shape | TEXT)
        await self._logs(where, pod)

    async def _logs(self, where: str, pod: Pod) -> None:
        """Of all containers, and of those that ran before them."""
        status = pod.status
        containers = (*(status.init_container_statuses or ()), *(status.container_statuses or ()))
        for container in containers:
            await self._log(f"{where}/{container.name}.log", pod, container.name)
            if container.restart_count:
                path = f"{where}/{container.name}.previous.log"
                await self._log(path, pod, container.name, previous="true")

    async def _log(self, path: str, pod: Pod, container: str, **more: str) -> None:
        bounds = {"tailLines": str(self.lines), "limitBytes": str(LOG_BYTES)}
        params = {"container": container, "timestamps": "true", **bounds, **more}
        where = PODS.path(*pod.key, "log")
        wanted = f"get pods/log of {pod.metadata.name}, container {container}"
        read = self.reader.get(where, params, accept="application/json, */*")
        body = await self._try(wanted, read, None)
        if body is not None:
            self._add(path, Form.TEXT, body.decode(errors="replace"))

    async def _operator(self, namespace: str, lease: str) -> None:
        folder = f"operator/{namespace}"
        wanted = f"get lease {lease} in namespace {namespace}"
        read = self._json(LEASES, namespace, lease)
        live = await self._try(wanted, read, None)
        self._add(f"{folder}/lease.yaml", Form.OBJECTS, [live] if live else [], LEASE)
        await self._listed(f"{folder}/deployments.yaml", DEPLOYMENTS, namespace, OPERATOR)
        pods = await self._listed(f"{folder}/pods.yaml", PODS, namespace, OPERATOR)
        async with asyncio.TaskGroup() as group:
            for _, pod in _each(pods, Pod):
                group.create_task(self._logs(f"{folder}/{pod.metadata.name}", pod))

    async def _listed(
        self,
        path: str,
        resource: Resource,
        namespace: str,
        selection: Selection | None = None,
    ) -> list[Raw]:
        items = await self._items(resource, namespace, selection)
        self._add(path, Form.OBJECTS, items, SHAPES[resource.kind])
        return items

    async def _items(
        self, resource: Resource, namespace: str, selection: Selection | None = None
    ) -> list[Raw]:
        wanted = f"list {resource.plural} in namespace {namespace}"
        return list(
            await self._try(wanted, self.reader.list(resource, namespace, Raw, selection), ())
        )

    async def _json(self, resource: Resource, namespace: str | None, name: str) -> Raw:
        return await self._get(resource.path(namespace, name))

    async def _get(self, path: ApiPath) -> Raw:
        return decode(await self.reader.get(path), Raw)

    async def _try(self, wanted: str, read: Awaitable[T], default: T) -> T:
        try:
            return await read
        except ApiError as error:
            self.unread.append(reason(error, wanted))
            return default

    def _add(self, path: str, form: Form, content: Any, shape: Shape = NOTHING) -> None:
        if content:
            self.documents.append(Document(path, form, content, shape))


def _installation(cluster: Cluster) -> tuple[str, str] | None:
    """Namespace and lease of the installation that manages a cluster."""
    status = cluster.status if isinstance(cluster.status, Mapping) else {}
    namespace, slash, lease = str(status.get("operator") or "").partition("/")
    return (namespace, lease) if slash else None


def _config(secret: Raw | None) -> Any:
    """What the servers are configured with, if it is what natsctl writes: JSON."""
    for _, read in _each([secret] if secret else [], _Held):
        if names.CONFIG_KEY in read.data:
            return _json_or_none(read.data[names.CONFIG_KEY])
    return None


class _Held(msgspec.Struct):
    data: dict[str, bytes] = {}


def _each(items: Iterable[Raw], kind: type[T]) -> Iterator[tuple[Raw, T]]:
    """Objects as they are, and as this kind; those that are none of it are left out."""
    for item in items:
        with suppress(msgspec.ValidationError):
            yield item, msgspec.convert(item, kind)


def _json_or_none(text: bytes) -> Any:
    """What JSON says, unless it is nested so deeply that nobody looks through it."""
    try:
        limits.check(text, LONGEST_PAGE, MOST_VALUES)
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _parsed(body: bytes) -> Any:
    """An answer of a server; what is no JSON, as text."""
    answer = _json_or_none(body)
    return {"text": body.decode(errors="replace")} if answer is None else answer


known_to_threads(_Held)
