"""The HTTP server: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import attrs
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], str]
"""Says what is wrong; an empty string is good."""
Series = Callable[[], Awaitable[str]]
"""Series in Prometheus' text format."""


async def no_series() -> str:
    """Nothing beside what the process counts."""
    return ""


@attrs.frozen
class Probe:
    """One of the two probes: its named checks."""

    name: str
    checks: Mapping[str, Check]

    async def every(self, request: web.Request) -> web.Response:
        """200 if every check is good, 503 if not; the checks one by one with ?verbose."""
        excluded = set(request.query.getall("exclude", []))
        results = {n: check() for n, check in self.checks.items() if n not in excluded}
        failed = any(results.values())
        if not failed and "verbose" not in request.query:
            return web.Response(text="ok")
        lines = [f"[-]{n} failed: {why}" if why else f"[+]{n} ok" for n, why in results.items()]
        lines += [f"[+]{n} excluded: ok" for n in self.checks if n in excluded]
        lines.append(f"{self.name} check {'failed' if failed else 'passed'}")
        return web.Response(text="\n".join(lines) + "\n", status=503 if failed else 200)

    async def one(self, request: web.Request) -> web.Response:
        """A single check, by its name in the path."""
        check = self.checks.get(request.match_info["check"])
        if check is None:
            raise web.HTTPNotFound(
                text=f"no such check; the checks are: {', '.join(self.checks)}\n"
            )
        why = check()
        return web.Response(text=why or "ok", status=503 if why else 200)


@attrs.frozen
class Metrics:
    """What the process counts, and `more`."""

    more: Series

    async def every(self, _: web.Request) -> web.Response:
        """All of it."""
        body = generate_latest() + (await self.more()).encode()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


@asynccontextmanager
async def serve(
    host: str,
    port: int,
    liveness: Mapping[str, Check],
    readiness: Mapping[str, Check],
    series: Series = no_series,
) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port. An OSError says the address is taken."""
    app = web.Application()
    for path, checks in (("healthz", liveness), ("readyz", readiness)):
        probe = Probe(path, checks)
        app.router.add_get(f"/{path}", probe.every)
        app.router.add_get(f"/{path}/{{check}}", probe.one)
    app.router.add_get("/metrics", Metrics(series).every)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
