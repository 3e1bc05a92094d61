"""The least a client can do: aiohttp, JSON and nothing else. The floor of every comparison."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import attrs
import yaml

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Json = dict[str, Any]
CONCURRENCY = 16
"""Requests in flight, as many as the operator allows itself."""
PAGE = 200
"""Objects that one request deletes at most: thousands take the API server over a minute, and then
it answers 504."""
TRIES, PAUSE = 6, 1.0
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which the same request may work."""


class Refused(RuntimeError):
    """An answer that is not success, by its status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@attrs.frozen
class Bare:
    """A session with one API server; `gate` bounds the requests in flight, watches apart.

    A request is sent once, unless `tries` says more: what is measured must not hide a second one.
    """

    session: aiohttp.ClientSession
    server: str
    tries: int = 1
    gate: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(CONCURRENCY))

    @property
    def patient(self) -> Bare:
        """The same for what is not measured: it tries again what may work next time."""
        return attrs.evolve(self, tries=TRIES)

    async def get(self, path: str) -> Json:
        """One object, or a list of them."""
        return await self._send("GET", path)

    async def create(self, path: str, body: Json) -> Json:
        """Create an object in a collection."""
        return await self._send("POST", path, body)

    async def replace(self, path: str, body: Json) -> Json:
        """Replace an object, whole."""
        return await self._send("PUT", path, body)

    async def delete(self, path: str, **options: Any) -> Json:
        """Delete an object, or all of a collection."""
        return await self._send("DELETE", path, options)

    async def clear(self, path: str, **options: Any) -> None:
        """Delete all of a collection, page by page; returns when nothing is left."""
        pages = f"{path}?limit={PAGE}"
        while (await self.get(pages))["items"]:
            await self._send("DELETE", pages, options)
            await asyncio.sleep(0.2)

    async def watch(self, path: str, **parameters: str) -> AsyncIterator[Json]:
        """Watch events, first one per object there is; may end."""
        query = {"watch": "1", **parameters}
        timeout = aiohttp.ClientTimeout(total=None)
        plain = {"Accept-Encoding": "identity"}
        async with self.session.get(
            self.server + path, params=query, timeout=timeout, headers=plain
        ) as reply:
            reply.raise_for_status()
            rest = b""
            async for chunk in reply.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)

    async def _send(self, method: str, path: str, body: Json | None = None) -> Json:
        for left in reversed(range(self.tries)):
            try:
                return await self._once(method, path, body)
            except (aiohttp.ClientError, TimeoutError, Refused) as error:
                again = left < self.tries - 1
                if again and method == "POST" and getattr(error, "status", 0) == 409:
                    return {}  # the try before was written, and its answer lost
                if not left or getattr(error, "status", 500) not in PASSING:
                    raise
            await asyncio.sleep(PAUSE * (self.tries - left))
        raise AssertionError("tries is at least 1")

    async def _once(self, method: str, path: str, body: Json | None) -> Json:
        async with (
            self.gate,
            self.session.request(method, self.server + path, json=body) as reply,
        ):
            answer: Json = await reply.json(content_type=None)
            if reply.status >= 400:
                text = f"{method} {path}: {reply.status} {answer.get('message')}"
                raise Refused(reply.status, text)
            return answer


@asynccontextmanager
async def connect(kubeconfig: str) -> AsyncIterator[Bare]:
    """Connect as the first user of a kubeconfig with inline certificates."""
    cluster, user = _first_entries(kubeconfig)
    connector = aiohttp.TCPConnector(ssl=_context(cluster, user), limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Bare(session, cluster["server"])


def _first_entries(kubeconfig: str) -> tuple[Json, Json]:
    config = yaml.safe_load(Path(kubeconfig).read_text())
    return config["clusters"][0]["cluster"], config["users"][0]["user"]


def _context(cluster: Json, user: Json) -> ssl.SSLContext:
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.TemporaryDirectory() as folder:
        files = {part: Path(folder) / part for part in ("certificate", "key")}
        for part, file in files.items():
            file.write_bytes(base64.b64decode(user[f"client-{part}-data"]))
        context.load_cert_chain(files["certificate"], files["key"])
    return context
