"""A canary in every field that the API server knows, and in one beside that nobody knows.

The objects are made from the schemas that the API server publishes: a field that comes with a new
version of Kubernetes has its canary by itself.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs
import pytest

from natsctl.cli.report.collector import SHAPES, Document, Form
from natsctl.cli.report.report import files_of
from natsctl.cli.report.shapes import Shape, paths
from natsctl.cli.report.shown_clusters import CLUSTER, ROLE
from natsctl.cli.report.shown_objects import EVENT, LEASE, SECRET
from natsctl.kube.errors import NotFound
from natsctl.kube.paths import VERSION, ApiPath
from natsctl.kube.transport import Transport
from tests.integration.conftest import until

Json = dict[str, Any]
ALL: Mapping[str, tuple[str, str, Shape]] = {
    "natscluster": ("apis/nats.io/v1alpha2", "io.nats.v1alpha2.NatsCluster", CLUSTER),
    "natsservicerole": ("apis/nats.io/v1alpha2", "io.nats.v1alpha2.NatsServiceRole", ROLE),
    "pod": ("api/v1", "io.k8s.api.core.v1.Pod", SHAPES["Pod"]),
    "service": ("api/v1", "io.k8s.api.core.v1.Service", SHAPES["Service"]),
    "event": ("api/v1", "io.k8s.api.core.v1.Event", EVENT),
    "secret": ("api/v1", "io.k8s.api.core.v1.Secret", SECRET),
    "lease": ("apis/coordination.k8s.io/v1", "io.k8s.api.coordination.v1.Lease", LEASE),
    "claim": (
        "api/v1",
        "io.k8s.api.core.v1.PersistentVolumeClaim",
        SHAPES["PersistentVolumeClaim"],
    ),
    "budget": (
        "apis/policy/v1",
        "io.k8s.api.policy.v1.PodDisruptionBudget",
        SHAPES["PodDisruptionBudget"],
    ),
    "deployment": ("apis/apps/v1", "io.k8s.api.apps.v1.Deployment", SHAPES["Deployment"]),
}
NAMES_IN_SPECIALS = re.compile(
    r"\.(?:env|natsEnv|httpHeaders)\[\]\.(?:name|valueFrom\.\w+\.\w+)"
    r"|\.match(?:Expressions|Fields)\[\]\.(?:key|operator)"
)
"""Shown of places where values are hidden."""
SINCE_1_33 = {"observedGeneration", "terminatingReplicas"}
"""Fields of pods and Deployments that an older API server does not publish."""
NOT_PUBLISHED = re.compile(
    r"conditions\[\]\."  # one list for the conditions of all kinds
    r"|^spec\.template\."  # of a NatsCluster: open, and a pod's
    r"|^spec\.jetstream\.fileStore\.volumeClaimTemplate\."
    r"|^spec\.networkPolicy\."
    r"|^spec\.pod\."
)
"""Listed, though the schema of the kind is open there."""


@attrs.define
class Planter:
    """Makes objects with a canary in each leaf."""

    components: Json
    planted: dict[str, str] = attrs.field(factory=dict)
    numbers: Iterator[int] = attrs.field(factory=partial(itertools.count, 700_000_001))

    def value(self, schema: Json, path: str) -> Any:
        """One of a schema."""
        schema = self._resolved(schema)
        properties = schema.get("properties")
        if properties is not None or schema.get("x-kubernetes-preserve-unknown-fields"):
            return self._object(properties or {}, path)
        if isinstance(schema.get("additionalProperties"), dict):
            return {"akey": self.value(schema["additionalProperties"], f"{path}.*")}
        if schema.get("type") == "array":
            return [self.value(schema["items"], f"{path}[]")]
        if schema.get("type") == "object":
            return self._object({}, path)
        return self._leaf(schema, path)

    def _object(self, properties: Json, path: str) -> Json:
        inner = {k: self.value(s, f"{path}.{k}" if path else k) for k, s in properties.items()}
        unknown = {"unknown": self._canary(f"{path}.unknown"), "nested": {"a": ["c4narynested"]}}
        return {**inner, **unknown}

    def _leaf(self, schema: Json, path: str) -> Any:
        number = schema.get("type") in ("integer", "number")
        found = self._canary(path)
        if schema.get("type") == "boolean":
            return True
        return int(found.removeprefix("c4nary")) if number else found

    def _canary(self, path: str) -> str:
        number = next(self.numbers)
        self.planted[str(number)] = path
        return f"c4nary{number}"

    def _resolved(self, schema: Json) -> Json:
        while True:
            if "allOf" in schema:
                schema = {k: v for k, v in schema.items() if k != "allOf"} | schema["allOf"][0]
            if "$ref" not in schema:
                return schema
            schema = self.components[schema["$ref"].rpartition("/")[2]]


async def _published(transport: Transport, where: str) -> Json:
    """The schemas of a group; those of CRDs come a moment after the CRDs."""
    try:
        reply = await transport.request("GET", ApiPath(f"/openapi/v3/{where}"))
    except NotFound:
        return {}
    found: Json = json.loads(reply.body)["components"]["schemas"]
    return found


@pytest.mark.parametrize("kind", ALL)
async def test_only_what_is_listed_is_shown(transport: Transport, kind: str) -> None:
    where, component, shape = ALL[kind]
    components = await until(partial(_published, transport, where))
    planter = Planter(components)
    found = planter.value(components[component], "")
    form = Form.SECRETS if kind == "secret" else Form.OBJECTS
    if kind == "secret":
        found["data"] = {"a": base64.b64encode(b"c4nary-in-a-secret").decode()}
    files = files_of([Document("x.yaml", form, [found], shape)], [], datetime.now(UTC))
    text = "".join(files.values())
    seen = {path for number, path in planter.planted.items() if number in text}
    listed = set(paths(shape))
    assert "c4nary-in" not in text
    assert "c4narynested" not in text
    assert {p for p in seen - listed if not NAMES_IN_SPECIALS.search(p)} == set()
    # and the list names nothing that there is not: a typo would hide a field for ever
    published = {_name(path) for path in [*planter.planted.values(), *_above(planter.planted)]}
    listed_names = {_name(p) for p in listed if not NOT_PUBLISHED.search(p)}
    later = SINCE_1_33 if await _minor_version(transport) < 33 else set()
    assert listed_names - published <= later
    assert len(seen) > 5


async def _minor_version(transport: Transport) -> int:
    reply = await transport.request("GET", VERSION)
    return int(json.loads(reply.body)["minor"].rstrip("+"))


def _above(planted: Mapping[str, str]) -> Iterator[str]:
    """The objects and lists that canaries are in."""
    for path in planted.values():
        parts = path.split(".")
        yield from (".".join(parts[:n]) for n in range(1, len(parts)))


def _name(path: str) -> str:
    return path.replace("[]", "").removesuffix(".*").rpartition(".")[2]
