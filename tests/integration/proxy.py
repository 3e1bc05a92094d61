"""A reverse proxy in front of the real API server that makes the faults it rarely shows."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import yaml
from aiohttp import web

Fault = Callable[[web.Request], web.Response | None]
"""Answers a request in the API server's place, or lets it pass (None)."""

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@attrs.frozen
class Write:
    """One that was passed on: when (monotonic seconds), how and where."""

    at: float
    method: str
    path: str

    @property
    def of_a_leader(self) -> bool:
        """Whether only who leads may do that: anything but asking for the lease."""
        return "/leases" not in self.path


@attrs.define
class Proxy:
    """Passes everything through, except what the test tells it to spoil.

    `before` may answer in the API server's place. `cut_after` cuts the connection of every write
    once that many were committed: the client never learns of the last one. `delay` seconds pass
    before each request goes on; while it is `black`, nothing passes in either direction.
    """

    upstream: str
    session: aiohttp.ClientSession
    kubeconfig: str = ""
    before: Fault | None = None
    cut_after: int | None = None
    writes: list[tuple[str, str]] = attrs.field(factory=list)
    reads: list[tuple[str, str]] = attrs.field(factory=list)
    streams: set[asyncio.Task[Any]] = attrs.field(factory=set)
    silent: bool = False
    black: bool = False
    delay: float = 0.0
    journal: list[Write] = attrs.field(factory=list)
    on_cut: asyncio.Event = attrs.field(factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def in_front_of(cls, kubeconfig: str) -> AsyncIterator[Proxy]:
        """Serve on loopback; `kubeconfig` of the result leads through the proxy."""
        config = yaml.safe_load(Path(kubeconfig).read_text())
        cluster = config["clusters"][0]["cluster"]
        with tempfile.TemporaryDirectory() as folder:
            context = _tls(config, Path(folder))
            connector = aiohttp.TCPConnector(ssl=context, limit=0)
            async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
                proxy = cls(cluster["server"], session)
                async with proxy._serving() as port:
                    proxy.kubeconfig = str(Path(folder) / "through-proxy")
                    Path(proxy.kubeconfig).write_text(_kubeconfig(port))
                    yield proxy

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[int]:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield runner.addresses[0][1]
        finally:
            self.cut_streams()
            await runner.cleanup()

    def cut_streams(self) -> None:
        """Close every open watch, as a load balancer or a restarted API server does."""
        for task in tuple(self.streams):
            task.cancel()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        writing = request.method in WRITES
        if self.on_cut.is_set() and writing:
            return _cut(request)
        if not request.query.get("watch"):
            (self.writes if writing else self.reads).append((request.method, request.path))
        answer = self.before(request) if self.before else None
        if answer is not None:
            return answer
        body = await request.read()
        await asyncio.sleep(self.delay)
        if self.black:
            await asyncio.Event().wait()
        if writing and "dryRun" not in request.query:
            self.journal.append(Write(time.monotonic(), request.method, request.path))
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host",)}
        async with self.session.request(
            request.method,
            self.upstream + request.path_qs,
            data=body or None,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as reply:
            if request.query.get("watch"):
                return await self._pump(request, reply)
            content = await reply.read()
            if writing and self._is_last(request):
                self.on_cut.set()
                return _cut(request)
            kept = {
                k: v
                for k, v in reply.headers.items()
                if k.lower() in ("content-type", "retry-after", "content-encoding")
            }
            return web.Response(status=reply.status, body=content, headers=kept)

    def _is_last(self, request: web.Request) -> bool:
        return (
            self.cut_after is not None
            and "/leases" not in request.path
            and (sum("/leases" not in path for _, path in self.writes) >= self.cut_after)
        )

    async def _pump(
        self, request: web.Request, reply: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        answer = web.StreamResponse(status=reply.status)
        answer.content_type = reply.content_type
        await answer.prepare(request)
        task = asyncio.current_task()
        assert task is not None
        self.streams.add(task)
        try:
            async for chunk in reply.content.iter_any():
                if not (self.silent or self.black):
                    await answer.write(chunk)
        except asyncio.CancelledError:
            if request.transport is not None:
                request.transport.close()
            raise
        finally:
            self.streams.discard(task)
        return answer


def _cut(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response(status=500)


def _tls(config: dict[str, Any], folder: Path) -> ssl.SSLContext:
    """The administrator's credentials, from files or inline."""
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]

    def file(section: dict[str, str], name: str) -> str:
        if name in section:
            return section[name]
        import base64

        path = folder / name
        path.write_bytes(base64.b64decode(section[f"{name}-data"]))
        return str(path)

    context = ssl.create_default_context(cafile=file(cluster, "certificate-authority"))
    context.load_cert_chain(file(user, "client-certificate"), file(user, "client-key"))
    return context


def _kubeconfig(port: int) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "p", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "p", "user": {}}],
            "contexts": [{"name": "p", "context": {"cluster": "p", "user": "p"}}],
            "current-context": "p",
        }
    )
