"""What the probes ask: is this process wedged, and are its stores filled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.runtime import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from natsctl.controllers.runtime.lease import Lease
    from natsctl.controllers.runtime.web import Check
    from natsctl.kube.reflector import Reflector

TICK = 0.5
MAX_LAG = 5.0
DEAF_AFTER = 240.0
"""Seconds that mean a dead reader: with neither a line from the API server (bookmarks come every
60) nor another try to connect. While the API server is away no restart would help."""
LEASE_GRACE = 20.0
"""Seconds that mean dead renewals: a leader tries every two, a standby every one, and none of these
tries takes longer than four. Whether they succeed does not matter."""


@attrs.define
class Pulse:
    """Measures how late the event loop runs its timers."""

    lag: float = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            self.lag = max(loop.time() - due, self.lag * 0.9)
            metrics.LOOP_LAG.set(self.lag)


def liveness(pulse: Pulse, lease: Lease, reflectors: Sequence[Reflector[Any]]) -> dict[str, Check]:
    """Checks that fail only when a restart of the process would help."""
    checks: dict[str, Check] = {
        "ping": lambda: "",
        "loop": lambda: f"late by {pulse.lag:.1f} s" if pulse.lag > MAX_LAG else "",
        "lease": lambda: _lease(lease),
    }
    return checks | {f"watch-{_name(r)}": _hearing(r) for r in reflectors}


def readiness(reflectors: Sequence[Reflector[Any]]) -> dict[str, Check]:
    """Checks that say the stores are complete; who leads does not matter."""
    return {f"cache-{_name(r)}": _synced(r) for r in reflectors}


def _name(reflector: Reflector[Any]) -> str:
    """Its kind, whether it is of what others own, and its namespace if there is one for each."""
    resource = reflector.resource
    kind = "metadata" if resource.partial else reflector.part
    parts = (resource.plural, kind, reflector.namespace)
    return "-".join(filter(None, parts))


def _lease(lease: Lease) -> str:
    """A leader that does not renew, or a standby that does not ask, and yet lives is wedged."""
    silent = lease.now() - lease.tried if lease.tried else 0.0
    return (
        f"last attempt to acquire or renew it was {silent:.0f} s ago"
        if silent > LEASE_GRACE
        else ""
    )


def _hearing(reflector: Reflector[Any]) -> Callable[[], str]:
    def check() -> str:
        if not reflector.synced.is_set():
            return ""
        alive = max(reflector.last_heard, reflector.last_tried)
        silent = asyncio.get_running_loop().time() - alive
        return f"nothing heard for {silent:.0f} s" if silent > DEAF_AFTER else ""

    return check


def _synced(reflector: Reflector[Any]) -> Callable[[], str]:
    return lambda: "" if reflector.synced.is_set() else "not synced"
