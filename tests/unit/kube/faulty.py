"""An API server that says what a test tells it to.

Only for faults that a real one cannot be made to show on demand; how a real one behaves is tested
against a real one, in tests/integration.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import msgspec
import yaml
from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.define
class Faulty:
    """Answers each request with the next of `script`, and once that is empty with the last."""

    script: list[Answer] = attrs.field(factory=list)
    asked: list[Mapping[str, str]] = attrs.field(factory=list)
    bodies: list[bytes] = attrs.field(factory=list)
    lines: list[str] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)
    kubeconfig: Path = Path()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        self.lines.append(f"{request.method} {request.path}")
        self.times.append(asyncio.get_running_loop().time())
        self.bodies.append(await request.read())
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await answer(request)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Faulty]:
    """Serve on loopback; `kubeconfig` leads there."""
    faulty = Faulty()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", faulty.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        faulty.kubeconfig = folder / "kubeconfig"
        faulty.kubeconfig.write_text(kubeconfig(runner.addresses[0][1]))
        yield faulty
    finally:
        await runner.cleanup()


def kubeconfig(port: int) -> str:
    server = {"server": f"http://127.0.0.1:{port}"}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "f", "cluster": server}],
            "users": [{"name": "f", "user": {"token": "secret\n"}}],
            "contexts": [{"name": "f", "context": {"cluster": "f", "user": "f"}}],
            "current-context": "f",
        }
    )


def says(status: int, body: Any = b"", **headers: str) -> Answer:
    """A whole answer: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=content, headers=named)

    return answer


async def drops(request: web.Request) -> web.StreamResponse:
    """The connection is lost before any answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hangs(_: web.Request) -> web.StreamResponse:
    """No answer, ever."""
    await asyncio.Event().wait()
    raise AssertionError


def streams(*lines: Any, then: str = "silence") -> Answer:
    """A watch: events, or bytes as they are; then "silence", a clean "close" or a "cut"."""

    async def answer(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        for line in lines:
            await reply.write(line if isinstance(line, bytes) else encoded(line))
        if then == "silence":
            await asyncio.Event().wait()
        if then == "cut":
            assert request.transport is not None
            request.transport.close()
        return reply

    return answer


def encoded(event: Any) -> bytes:
    return msgspec.json.encode(event) + b"\n"


def secret(name: str, version: int, **data: str) -> dict[str, Any]:
    labels = {"app": "nats", "nats_cluster": "c"}
    meta = {"name": name, "namespace": "ns", "uid": name, "labels": labels}
    return {"metadata": meta | {"resourceVersion": str(version)}, "data": data}


def event(kind: str, name: str, version: int, **data: str) -> dict[str, Any]:
    return {"type": kind, "object": secret(name, version, **data)}


def bookmark(version: int, *, complete: bool = False) -> dict[str, Any]:
    """`complete` ends the initial events of a streaming list."""
    meta: dict[str, Any] = {"resourceVersion": str(version)}
    if complete:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    return {"type": "BOOKMARK", "object": {"kind": "Secret", "metadata": meta}}


def failure(code: int) -> dict[str, Any]:
    return {"type": "ERROR", "object": {"kind": "Status", "code": code, "message": "no"}}


def initial(version: int, *names: str) -> tuple[Any, ...]:
    """What a streaming list begins with."""
    found = [event("ADDED", name, version) for name in names]
    return (*found, bookmark(version, complete=True))
