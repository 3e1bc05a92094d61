"""The CRDs on a real API server: what is refused, what is kept, what can be scaled."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.kube.client import Client
from natsctl.kube.errors import Terminal
from natsctl.kube.resources import CLUSTERS
from tests.integration.conftest import nats

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"size": -1}, "spec.size.*from 0 to 999"),
    ({"size": "three"}, "spec.size.*must be of type integer"),
    ({}, "spec.size.*Required"),
    ({"size": 1, "version": "nats:2.9"}, 'use the tag of an image, such as "2.15.3"'),
    ({"size": 1, "serverVersion": "new"}, 'use a release of nats-server, such as "2.15.3"'),
    ({"size": 1, "lameDuckDurationSeconds": 5}, "lameDuckDurationSeconds"),
]


@pytest.mark.parametrize(("spec", "says"), REFUSED, ids=[s for _, s in REFUSED])
async def test_a_bad_spec_is_refused_with_the_way_out(
    client: Client, namespace: str, spec: dict[str, Any], says: str
) -> None:
    with pytest.raises(Terminal, match=says):
        await client.create(CLUSTERS, nats("x", namespace, **spec))


@pytest.mark.parametrize("name", ["a" * 59, "1st", "a.b"])
async def test_a_name_that_no_service_can_have_is_refused(
    client: Client, namespace: str, name: str
) -> None:
    with pytest.raises(Terminal, match="at most 58 characters"):
        await client.create(CLUSTERS, nats(name, namespace, size=1))


async def test_it_scales_through_the_scale_subresource(client: Client, namespace: str) -> None:
    await client.create(CLUSTERS, nats("x", namespace, size=1))
    path = CLUSTERS.path(namespace, "x", "scale")
    await client.transport.request(
        "PATCH", path, body=b'{"spec":{"replicas":5}}', content_type="application/merge-patch+json"
    )
    assert (await client.raw(CLUSTERS, namespace, "x"))["spec"]["size"] == 5
