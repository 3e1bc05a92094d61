"""A real admission webhook that fails, hangs or denies: what a cluster's status says of it."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trustme
from aiohttp import web

from natsctl.kube.client import Client
from natsctl.kube.resources import CLUSTERS, Resource
from tests.integration.conftest import condition, nats, operator, until
from tests.integration.test_operator import ALL, made

WEBHOOKS = Resource(
    "ValidatingWebhookConfiguration",
    "admissionregistration.k8s.io/v1",
    "validatingwebhookconfigurations",
    CLUSTERS.projection,
)
NAME = "pods.example.test"


@attrs.define
class Webhook:
    """Answers every review alike; "fail", "hang", "deny" or "allow"."""

    mode: str

    async def review(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if self.mode == "hang":
            await asyncio.Event().wait()
        if self.mode == "fail":
            return web.Response(status=500, text="out of order")
        status = {"message": "no pods on Sundays", "reason": "not a word!", "code": 400}
        told = {} if self.mode == "allow" else {"status": status}
        answer = {"uid": asked["request"]["uid"], "allowed": self.mode == "allow"} | told
        return web.json_response({**asked, "response": answer})


@asynccontextmanager
async def webhook(client: Client, namespace: str, mode: str) -> AsyncIterator[Webhook]:
    """It is asked about each pod that is made in the namespace."""
    ca, found = trustme.CA(), Webhook(mode)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    app = web.Application()
    app.router.add_post("/", found.review)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    live = await client.create(WEBHOOKS, manifest(namespace, url, ca.cert_pem.bytes()))
    try:
        yield found
    finally:
        path = WEBHOOKS.path(None, live.metadata.name)
        await client.transport.request("DELETE", path)
        await runner.cleanup()


def manifest(namespace: str, url: str, ca: bytes) -> dict[str, Any]:
    hook = {
        "name": NAME,
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca).decode()},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
            }
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 10,
    }
    return {
        "apiVersion": WEBHOOKS.api_version,
        "kind": WEBHOOKS.kind,
        "metadata": {"name": namespace},
        "webhooks": [hook],
    }


@pytest.mark.parametrize(
    ("mode", "reason", "words"),
    [
        ("fail", "InternalError", f"failed calling webhook '{NAME}'"),
        ("hang", "Timeout", "did not complete within"),
        ("deny", "Refused", "no pods on Sundays"),
    ],
)
async def test_a_webhook_in_the_way_of_pods_is_told_and_forgotten(
    client: Client,
    namespace: str,
    kubeconfig: str,
    mode: str,
    reason: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("natsctl.controllers.runtime.patience.LASTS", 5.0)
    monkeypatch.setattr("natsctl.kube.client.BUDGET", 2.0)

    async def degraded() -> dict[str, str] | None:
        """Once it names every pod: one of them may fail sooner than the others."""
        found = await condition(client, namespace, "x", "Degraded")
        named = all(f"pod x-{index}" in found.get("message", "") for index in (1, 2, 3))
        return found if found.get("status") == "True" and named else None

    async def well() -> bool:
        found = await condition(client, namespace, "x", "Degraded")
        return found.get("status") == "False"

    async with webhook(client, namespace, mode) as hook, operator(kubeconfig, namespace):
        await client.create(CLUSTERS, nats("x", namespace, size=3))
        found = await until(degraded, 60)
        assert found["reason"] == reason
        assert words in found["message"]
        before = await client.raw(CLUSTERS, namespace, "x")
        await asyncio.sleep(8)
        assert await client.raw(CLUSTERS, namespace, "x") == before
        hook.mode = "allow"
        await until(well, 90)
        await made(client, namespace, ALL)
