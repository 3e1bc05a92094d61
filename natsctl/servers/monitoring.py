"""Ask servers over their monitoring port.

https://docs.nats.io/running-a-nats-service/nats_admin/monitoring
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import attrs
import msgspec

from natsctl.api import names
from natsctl.plan.snapshot import Observation

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 2.0
"""Seconds a server may take to answer."""


class Varz(msgspec.Struct):
    """The used part of /varz."""

    server_id: str
    version: str


class Route(msgspec.Struct):
    """One route: since 2.10 several of them lead to the same peer."""

    remote_id: str = ""


class Routez(msgspec.Struct):
    """The used part of /routez."""

    routes: tuple[Route, ...] | None = None


@attrs.frozen
class Monitor:
    """Asks servers; `gate` bounds the servers asked at the same time."""

    session: aiohttp.ClientSession
    gate: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(32))

    async def ask(self, addresses: Mapping[str, str]) -> dict[str, Observation]:
        """Ask servers at the same time: pod uid -> pod IP in, pod uid -> answer out.

        A server that cannot be asked gives an Observation with `problem`, never an exception.
        """
        async with asyncio.TaskGroup() as group:
            tasks = {
                uid: group.create_task(self._ask_one(address)) for uid, address in addresses.items()
            }
        return {uid: task.result() for uid, task in tasks.items()}

    async def _ask_one(self, address: str) -> Observation:
        host = f"[{address}]" if ":" in address else address
        base = f"http://{host}:{names.MONITORING_PORT}"
        async with self.gate:
            try:
                varz = msgspec.json.decode(await self._get(f"{base}/varz"), type=Varz)
                routez = msgspec.json.decode(await self._get(f"{base}/routez"), type=Routez)
            except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                return Observation(problem=f"monitoring port: {_text(error)}")
        peers = frozenset(r.remote_id for r in routez.routes or ())
        return Observation(server_id=varz.server_id, version=varz.version, peers=peers)

    async def _get(self, url: str) -> bytes:
        async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as reply:
            reply.raise_for_status()
            return await reply.read()


def _text(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
