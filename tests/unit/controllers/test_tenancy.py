"""What somebody writes into one namespace leads to no request outside of it."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

import attrs
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from msgspec.structs import replace

from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.types.status import ClusterStatus
from natsctl.api.version import DEFAULT_VERSION, ServerVersion
from natsctl.controllers.cluster.execute import run_stage
from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.cluster.handlers.handler import HandlerContext
from natsctl.controllers.cluster.handover import HandoverWaiter, TakeOver
from natsctl.controllers.cluster.identity import Identity
from natsctl.controllers.runtime.actor import Wait
from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.controllers.watch.namespace_labels import NamespaceLabels
from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.controllers.watch.stores import Stores, open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import Terminal, error_of
from natsctl.kube.transport import Response, Transport
from natsctl.model import names
from natsctl.model.objects import Cluster, Meta, Namespace, Object, ServiceRole
from natsctl.plan.actions import Action, CreateServer, Ensure, ReplaceServer
from natsctl.plan.claims.data import fields_of
from natsctl.plan.claims.stored import stored_of
from natsctl.plan.inputs.resolve import named_secrets
from natsctl.plan.state import Desired
from natsctl.plan.stored.earlier_keys import noted_secrets
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.revision.data import ENCRYPTION_FIELDS
from natsctl.render.target import Target
from tests.unit.api.hostile import HOSTILE, TEXTS
from tests.unit.api.strategies import valid_specs
from tests.unit.examples import examples
from tests.unit.plan.claims.volumes import claim, with_data
from tests.unit.plan.world import stamped

pytestmark = pytest.mark.unmeasured

HOME = "evil"
KEY = (HOME, "c")
INSIDE = re.compile(
    r"/(api/v1|apis/[a-z0-9.]+/v1[a-z0-9]*)/namespaces/evil/[a-z]+(/[a-z0-9.-]{1,253}(/status)?)?",
    re.ASCII,
)
# ServiceAccounts of one name are looked for in all namespaces; who is let in is another question.
EVERYWHERE = "/api/v1/serviceaccounts"


class Recording:
    """An API server that has nothing, takes everything, and remembers what it was asked."""

    host = "recording"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []

    async def request(self, method: str, path: str, **more: Any) -> Response:
        self.asked.append((method, path, more.get("params") or {}))
        if method == "POST":
            made = msgspec.json.decode(more["body"])
            made["metadata"] |= {"uid": "u", "resourceVersion": "9"}
            return Response(201, msgspec.json.encode(made))
        if path == EVERYWHERE:
            return Response(200, b'{"metadata":{"resourceVersion":"1"},"items":[]}')
        raise error_of(404, b'{"reason":"NotFound"}')


def outside(asked: Recording) -> list[tuple[str, str]]:
    """The requests that leave the namespace, or whose parts are no names."""
    return [
        (method, path)
        for method, path, params in asked.asked
        if not INSIDE.fullmatch(path)
        and not (
            (method, path) == ("GET", EVERYWHERE)
            and re.fullmatch(r"metadata\.name=[a-z0-9.-]+", params["fieldSelector"], re.ASCII)
        )
    ]


def gathering(server: Recording, stores: Stores) -> Gatherer:
    return Gatherer(
        client=Client(cast("Transport", server)),
        stores=stores,
        secret_cache=SecretCache(lambda key: None),
        accounts=ServiceAccounts(lambda key: None),
        links=Dependencies(),
        identity=Identity(),
    )


def cluster(name: str, spec: Any, **status: Any) -> Cluster:
    meta = Meta(name=name, namespace=HOME, uid=f"uid-{name}", generation=1, resource_version="1")
    return Cluster(meta, spec, status)


def role(name: str, labels: Mapping[str, str], version: str = "1") -> ServiceRole:
    meta = Meta(name=name, namespace=HOME, uid="r", resource_version=version, labels=dict(labels))
    return ServiceRole(meta, {"permissions": {"publish": ["a"]}})


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def gathered(raw: Any, stores: Stores | None = None) -> Recording:
    """What is asked for on behalf of a spec, if it can be understood at all."""
    server = Recording()
    with suppress(InvalidSpec):
        gatherer = gathering(server, stores or open_stores(lambda key: None))
        run(gatherer.gather(KEY, parse_spec(raw), "2026-01-01T00:00:00Z"))
    return server


def test_a_selector_is_told_of_namespaces_with_a_candidate_and_of_no_other() -> None:
    """However much it asks for; nor do others' namespaces wake its cluster."""
    server, stores = Recording(), open_stores(lambda key: None)
    gatherer = gathering(server, stores)
    woken: list[tuple[str, str]] = []
    labels = NamespaceLabels(woken.append)
    gatherer = attrs.evolve(gatherer, labels=labels)
    labels.replace((place("victim", 1), place("evil", 2), place("other", 3)), 5)
    everything: dict[str, Any] = {"serviceAccountNamespaces": {"selector": {}}}
    stores.roles.put(replace(role("r", {names.LABEL_CLUSTER: "c"}), spec=everything))

    def found() -> Any:
        spec = parse_spec({"size": 1, "auth": {"enableServiceAccounts": True}})
        return run(gatherer.gather(KEY, spec, "2026-01-01T00:00:00Z")).labels

    assert found() == {}
    gatherer.accounts.put(Object(Meta(name="r", namespace="other", uid="u", resource_version="4")))
    gatherer.accounts.put(Object(Meta(name="s", namespace="victim", uid="u", resource_version="5")))
    assert found() == {"other": {"of": "other"}}
    labels.put(place("victim", 6, more="x"))
    assert woken == []
    labels.put(place("other", 7, more="x"))
    assert woken == [KEY]
    assert outside(server) == []
    stores.roles.put(replace(role("r", {names.LABEL_CLUSTER: "c"}, version="8"), spec={}))
    assert found() is None
    labels.put(place("other", 9))
    assert woken == [KEY]


def test_a_cluster_that_is_gone_looks_at_no_labels() -> None:
    woken: list[tuple[str, str]] = []
    labels = NamespaceLabels(woken.append)
    labels.find(KEY, frozenset({"other"}))
    gatherer = attrs.evolve(gathering(Recording(), open_stores(lambda key: None)), labels=labels)
    gatherer.forget(KEY)
    labels.replace((place("other", 1),), 2)
    assert woken == []


def test_nor_is_it_told_of_volumes_that_nobody_may_read() -> None:
    """Whoever makes clusters and deletes them has natsctl remember none."""
    woken: list[tuple[str, str]] = []
    stores = open_stores(woken.append)
    gatherer = gathering(Recording(), stores)
    for store in stores.late().values():
        run(store.wait(KEY, 0.001))
    gatherer.forget(KEY)
    for store in stores.late().values():
        store.replace([], 2)
    assert woken == []


def place(name: str, version: int, **labels: str) -> Namespace:
    return Namespace(Meta(name=name, resource_version=str(version), labels={"of": name} | labels))


ROUTES = "../../victim/secrets/prod-routes"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["clusterAuthSecret", "clientsAuthSecret", "gatewayAuthSecret"])
def test_a_secret_of_another_namespace_is_not_read(field: str, text: str) -> None:
    raw = {"size": 1, "gatewayConfig": {"name": "g", "hostPort": 1}, "auth": {field: text}}
    server = gathered(raw)
    assert outside(server) == []
    assert server.asked == []


def test_nor_is_that_of_a_neighbour() -> None:
    stores = open_stores(lambda key: None)
    stores.clusters.put(cluster("d", {"size": 1, "auth": {"clusterAuthSecret": ROUTES}}))
    assert gathered({"size": 1, "extraRoutes": [{"cluster": "d"}]}, stores).asked == []


def test_what_has_a_name_is_read_where_it_is() -> None:
    """The other tests could not fail if nothing were asked at all."""
    server = gathered({"size": 1, "auth": {"clusterAuthSecret": "routes"}})
    assert server.asked == [("GET", "/api/v1/namespaces/evil/secrets/routes", {})]


def texts_of(raw: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a document has a text, keys of maps aside."""
    if isinstance(raw, str):
        yield path
    items = raw.items() if isinstance(raw, dict) else enumerate(raw) if _is_list(raw) else ()
    for step, inner in items:
        yield from texts_of(inner, (*path, step))


def _is_list(raw: Any) -> bool:
    return isinstance(raw, list)


# A spec is made valid before a part of it is made hostile: how long that takes says nothing.
patient = examples(30, search=60, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def hostile_specs(draw: st.DrawFn) -> dict[str, Any]:
    """Specs in which some texts, in any place, are not what they should be."""
    raw = copy.deepcopy(draw(valid_specs()))
    places = sorted(texts_of(raw), key=str)
    for place in draw(st.lists(st.sampled_from(places), max_size=3)) if places else ():
        holder: Any = raw
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = draw(TEXTS)
    return raw


LABELS = st.fixed_dictionaries(
    {names.LABEL_CLUSTER: st.sampled_from(["c", "d"]) | TEXTS},
    optional={names.LABEL_CLUSTER_NAMESPACE: st.sampled_from(["victim", HOME]) | TEXTS},
)
NAMES = st.sampled_from(["r", "r.1", "worker"])


@patient
@given(hostile_specs(), hostile_specs(), st.dictionaries(NAMES, LABELS, max_size=2))
def test_no_field_and_no_label_leads_out_of_the_namespace(
    raw: dict[str, Any], other: dict[str, Any], roles: dict[str, dict[str, str]]
) -> None:
    stores = open_stores(lambda key: None)
    for name in ("d", *(r["cluster"] for r in raw.get("extraRoutes", ()) if "cluster" in r)):
        stores.clusters.put(cluster(name, other))
    for name, labels in roles.items():
        stores.roles.put(role(name, labels))
    assert outside(gathered(raw, stores)) == []
    with suppress(InvalidSpec):
        assert all(map(names.is_object_name, named_secrets(parse_spec(raw))))


def carried_out(made: Desired, *actions: Action) -> Recording:
    server, stores = Recording(), open_stores(lambda key: None)
    context = HandlerContext(
        Client(cast("Transport", server)), stores, made, reloader=cast("Any", None)
    )
    with suppress(Terminal):
        run(run_stage(actions, context))
    return server


@patient
@given(hostile_specs())
def test_what_is_made_of_a_spec_lies_in_its_namespace(raw: dict[str, Any]) -> None:
    try:
        spec = parse_spec(raw)
    except InvalidSpec:
        return
    if validate("c", spec):
        return
    target = Target(HOME, "c", "u", spec, ServerVersion.parse(spec.version or DEFAULT_VERSION))
    made = Desired(target, tuple(map(stamped, owned_objects(target))), {})
    ensured = (Ensure(s, present=False) for s in made.objects)
    server = carried_out(made, *ensured, CreateServer(1, "c-1"), ReplaceServer(1, "c-1", "u", ""))
    assert outside(server) == []
    assert len(server.asked) == len(made.objects) + 3


def stored_with(secret: str) -> Recording:
    """What is asked for on behalf of a claim that says it was encrypted with this Secret."""
    spec = {"size": 3, "jetstream": {"encryption": {"secret": "s"}}}
    fields = {**fields_of(parse_spec(spec)), ENCRYPTION_FIELDS[0]: secret}
    stored = stored_of(cluster("c", spec), [with_data(claim(1), fields=fields)], ("none", ""))
    assert noted_secrets(stored) <= {secret}
    server = Recording()
    gatherer = gathering(server, open_stores(lambda key: None))
    plain, named = parse_spec({"size": 3}), noted_secrets(stored)
    run(gatherer.gather(KEY, plain, "2026-01-01T00:00:00Z", stored=named))
    return server


@pytest.mark.parametrize("text", HOSTILE)
def test_an_annotation_of_a_claim_leads_to_no_request(text: str) -> None:
    """Whoever may write claims says in it which Secret has the key of the data."""
    assert stored_with(text).asked == []


def test_one_that_names_a_secret_leads_to_that_of_its_own_namespace() -> None:
    """The test above could not fail if nothing were asked at all."""
    assert stored_with("key").asked == [("GET", "/api/v1/namespaces/evil/secrets/key", {})]


@pytest.mark.parametrize("told", [*HOSTILE, "", "/", "victim/", "/x", "victim/../secrets/x"])
@pytest.mark.parametrize("where", ["status", "annotation", "both"])
def test_no_installation_that_is_named_leads_to_a_request(told: str, where: str) -> None:
    """Status and annotation name the one that manages a cluster; tenants may write anything."""
    server = Recording()
    claimant = HandoverWaiter(Client(cast("Transport", server)), cast("Any", None), "ns/own", 1.0)
    chosen = {names.OPERATOR_ANNOTATION: told} if where != "status" else {}
    status = ClusterStatus(operator=told if where != "annotation" else "")
    subject = cluster("c", {"size": 1})
    subject = replace(subject, metadata=replace(subject.metadata, annotations=chosen))

    async def decision() -> Wait | TakeOver:
        return await claimant.decide(subject, status)

    assert run(decision()) in (TakeOver(), Wait(1.0), Wait())
    assert server.asked == []
