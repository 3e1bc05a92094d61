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
    import ssl
    from collections.abc import Mapping

TIMEOUT = 2.0
"""Seconds a server may take to answer."""


class Listener(msgspec.Struct, frozen=True):
    """One block of /varz; the time is RFC 3339 text."""

    tls_cert_not_after: str = ""


class Varz(msgspec.Struct):
    """The used part of /varz. Servers leave out what they do not know or have."""

    server_id: str
    version: str
    config_digest: str = ""
    config_load_time: str = ""
    start: str = ""
    connections: int = 0
    tls_cert_not_after: str = ""
    cluster: Listener = Listener()
    gateway: Listener = Listener()
    leaf: Listener = Listener()
    websocket: Listener = Listener()


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

    async def ask(
        self, addresses: Mapping[str, str], tls: ssl.SSLContext | None = None
    ) -> dict[str, Observation]:
        """Ask servers at the same time: pod uid -> pod IP in, pod uid -> answer out.

        `tls` is for servers that are monitored over https, and only for those. A server that
        cannot be asked gives an Observation with `problem`, never an exception.
        """
        async with asyncio.TaskGroup() as group:
            tasks = {
                uid: group.create_task(self._ask_one(address, tls))
                for uid, address in addresses.items()
            }
        return {uid: task.result() for uid, task in tasks.items()}

    async def _ask_one(self, address: str, tls: ssl.SSLContext | None) -> Observation:
        host = f"[{address}]" if ":" in address else address
        base = f"{'https' if tls else 'http'}://{host}:{names.MONITORING_PORT}"
        async with self.gate:
            try:
                varz = msgspec.json.decode(await self._get(f"{base}/varz", tls), type=Varz)
                routez = msgspec.json.decode(await self._get(f"{base}/routez", tls), type=Routez)
            except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                return Observation(problem=f"monitoring port: {_text(error)}")
        peers = frozenset(r.remote_id for r in routez.routes or ())
        return Observation(
            server_id=varz.server_id,
            version=varz.version,
            peers=peers,
            config_digest=varz.config_digest,
            config_load_time=varz.config_load_time,
            not_after=_not_after(varz),
            connections=varz.connections,
            started=varz.start,
        )

    async def _get(self, url: str, tls: ssl.SSLContext | None) -> bytes:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with self.session.get(url, timeout=timeout, ssl=tls or True) as reply:
            reply.raise_for_status()
            return await reply.read()


def _not_after(varz: Varz) -> dict[str, str]:
    """By the names of `natsctl.render.tls.LISTENERS`."""
    found = {
        "clients": varz.tls_cert_not_after,
        "routes": varz.cluster.tls_cert_not_after,
        "gateways": varz.gateway.tls_cert_not_after,
        "leafnodes": varz.leaf.tls_cert_not_after,
        "websocket": varz.websocket.tls_cert_not_after,
    }
    return {listener: end for listener, end in found.items() if end}


def _text(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
