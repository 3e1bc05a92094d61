"""Connecting without loading what is not needed."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from natsctl.kube import transport as transport_module
from natsctl.kube.errors import Terminal, Transient
from natsctl.kube.fence import Permit
from natsctl.kube.paths import VERSION, ApiPath
from natsctl.kube.resources import CLUSTERS, LEASES, PODS
from natsctl.kube.sockets import UNSENT
from natsctl.kube.transport import (
    MOST_WARNINGS,
    Transport,
    connect,
    namespace_of_pod,
    warnings_of,
)
from tests.compat import open_connections
from tests.unit.kube.faulty import Faulty, says

COUNT = """
import asyncio, sys
from natsctl.kube.transport import connect
async def main():
    try:
        async with connect("/nowhere"):
            pass
    except ValueError as error:
        print(error)
asyncio.run(main())
print(sum(name.startswith("kubernetes_asyncio") for name in sys.modules))
"""


def test_the_generated_models_are_not_imported() -> None:
    """They are over 800 modules and 30 MiB."""
    lines = subprocess.run(
        [sys.executable, "-c", COUNT], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert lines[0].startswith("cannot use kubeconfig /nowhere: ")
    assert int(lines[1]) < 40


def test_paths() -> None:
    assert PODS.path("ns", "p") == "/api/v1/namespaces/ns/pods/p"
    assert CLUSTERS.path() == "/apis/nats.io/v1alpha2/natsclusters"
    assert LEASES.path("ns") == "/apis/coordination.k8s.io/v1/namespaces/ns/leases"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it")
@pytest.mark.parametrize("permit", [None, Permit(3.0, lambda: 1.5)])
async def test_the_kernel_gives_up_what_a_request_gave_up(
    transport: Transport, api: Faulty, permit: Permit | None
) -> None:
    """Bytes of a write that timed out are not delivered to whoever comes back later."""
    api.script.append(says(200, {"kind": "Status"}))
    await transport.request("GET", VERSION, permit=permit)
    (connection,) = open_connections(transport.session)  # it stays open for the next request
    limit = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert limit == (1500 if permit else UNSENT * 1000)


async def test_nothing_is_sent_of_a_write_whose_time_is_up(
    transport: Transport, api: Faulty
) -> None:
    """The process stood still after it had looked at the lease, right before it wrote."""
    api.script.append(says(200, {"kind": "Status"}))
    await transport.request("GET", VERSION)  # there is a connection: nothing is waited for
    with pytest.raises(Transient, match="too late"):
        await transport.request("PUT", ApiPath("/x"), body=b"{}", permit=Permit(3.0, lambda: -1.0))
    assert api.lines == ["GET /version"]
    await transport.request("GET", VERSION)
    assert len(api.lines) == 2


async def test_credentials_that_take_long_do_not_prolong_a_write(
    transport: Transport, api: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(transport.configuration, "auth_settings", slow)
    with pytest.raises(Transient):
        await transport.request("PUT", ApiPath("/x"), body=b"{}", permit=Permit(0.1, lambda: 0.1))
    assert api.lines == []


@pytest.mark.parametrize(
    ("headers", "texts"),
    [
        ([], ()),
        (['299 - "a"', '299 - "b"'], ("a", "b")),
        (['299 - "a", 299 kube "b \\"c\\" \\\\"'], ("a", 'b "c" \\')),
        (["299 - a", "nonsense", '199 - "old"', '299 - "no end'], ()),
        (['299 - "x"'] * 1000, ("x",) * MOST_WARNINGS),
    ],
)
def test_warnings_of_the_api_server(headers: list[str], texts: tuple[str, ...]) -> None:
    assert warnings_of(headers) == texts


async def test_an_answer_of_a_stranger_has_only_so_many_bytes(
    transport: Transport, api: Faulty
) -> None:
    api.script = [says(200, b"x" * 1000)]
    path = PODS.path("ns", "x")
    assert len((await transport.request("GET", path, most=1000)).body) == 1000
    with pytest.raises(Terminal, match="more than 999 bytes"):
        await transport.request("GET", path, most=999)


async def test_a_watch_declines_compression(transport: Transport, api: Faulty) -> None:
    """Kubernetes 1.37 compresses each event by itself, which not every aiohttp can read."""
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers["Accept-Encoding"])
        return web.Response(body=b"{}\n")

    api.script = [answer]
    async with transport.stream(PODS.path("ns"), {"watch": "1"}, 5.0) as chunks:
        assert [chunk async for chunk in chunks] == [b"{}\n"]
    assert asked == ["identity"]


async def test_a_refused_watch_says_why(transport: Transport, api: Faulty) -> None:
    body = {"kind": "Status", "reason": "Forbidden", "message": "pods is forbidden"}
    api.script = [says(403, body)]
    with pytest.raises(Terminal, match="pods is forbidden"):
        async with transport.stream(PODS.path("ns"), {"watch": "1"}, 5.0):
            raise AssertionError("it was not refused")


@pytest.mark.parametrize("token", ["secret", None])
async def test_a_token_is_sent_if_there_is_one(
    transport: Transport, api: Faulty, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    """As it is in the file of a ServiceAccount, which ends with a newline."""
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Authorization"))
        return web.Response(body=b"{}")

    async def settings() -> dict[str, Any]:
        return {"BearerToken": {"value": f"Bearer {token}\n"}} if token else {}

    monkeypatch.setattr(transport.configuration, "auth_settings", settings)
    api.script = [answer]
    await transport.request("GET", VERSION)
    assert asked == [f"Bearer {token}" if token else None]


async def test_outside_of_a_pod_a_kubeconfig_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"not inside a pod .*--kubeconfig"):
        async with connect():
            raise AssertionError("there is an API server")


def test_the_namespace_of_a_pod_is_that_of_its_service_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounted = tmp_path / "namespace"
    monkeypatch.setattr(transport_module, "Path", lambda _: mounted)
    assert namespace_of_pod() is None
    mounted.write_text("nats\n")
    assert namespace_of_pod() == "nats"


@pytest.mark.parametrize(
    ("told", "host"),
    [
        ({}, "kubernetes.default.svc:443"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": ""}, "10.0.0.1:443"),
    ],
)
async def test_inside_of_a_pod_the_api_server_has_a_name_even_if_nobody_says_so(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], host: str
) -> None:
    """As with `enableServiceLinks: false` on some distributions."""
    for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert ":".join(transport_module._addresses().values()) == host
