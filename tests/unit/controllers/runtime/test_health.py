"""Liveness fails when a restart would help, readiness until the stores are full."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from natsctl.controllers.runtime.health import Pulse, liveness, readiness
from natsctl.controllers.runtime.lease import Lease
from natsctl.controllers.runtime.lease_records import Records
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import PODS, SECRETS_METADATA
from natsctl.kube.store import Store
from natsctl.kube.transport import Transport


def parts() -> tuple[Pulse, Lease, Reflector[Any]]:
    reflector: Reflector[Any] = Reflector(cast("Transport", None), PODS, Store())
    return Pulse(), Lease(cast("Records", None), identity="me"), reflector


async def test_a_new_process_is_alive_and_not_ready() -> None:
    pulse, lease, reflector = parts()
    assert not any(check() for check in liveness(pulse, lease, [reflector]).values())
    assert readiness([reflector])["cache-pods"]() == "not synced"
    reflector.synced.set()
    assert readiness([reflector])["cache-pods"]() == ""


async def test_a_deaf_reflector_a_stalled_loop_and_dead_renewals_fail_liveness() -> None:
    pulse, lease, reflector = parts()
    checks = liveness(pulse, lease, [reflector])
    now = asyncio.get_running_loop().time()
    reflector.synced.set()
    reflector.last_heard = now - 300
    pulse.lag = 6.0
    lease.tried = now - 30
    assert checks["watch-pods"]().startswith("nothing heard for 300 s")
    assert checks["loop"]() == "late by 6.0 s"
    assert checks["lease"]().startswith("last attempt to acquire or renew it was 30 s ago")
    reflector.last_heard, pulse.lag, lease.tried = now, 0.0, now - 6
    assert not any(check() for check in checks.values())


async def test_a_reflector_that_tries_in_vain_is_alive() -> None:
    """The API server is away: a restart would not bring it back, and cost the warm stores."""
    pulse, lease, reflector = parts()
    now = asyncio.get_running_loop().time()
    reflector.synced.set()
    reflector.last_heard, reflector.last_tried = now - 3000, now - 30
    assert not any(check() for check in liveness(pulse, lease, [reflector]).values())


async def test_watches_of_what_is_not_ours_count_too() -> None:
    """They begin with the first cluster that needs them; until then they are silent."""
    pulse, lease, reflector = parts()
    foreign: Reflector[Any] = Reflector(cast("Transport", None), SECRETS_METADATA, Store())
    check = liveness(pulse, lease, [reflector, foreign])["watch-secrets-metadata"]
    assert check() == ""
    foreign.synced.set()
    foreign.last_heard = foreign.last_tried = asyncio.get_running_loop().time() - 300
    assert check().startswith("nothing heard for 300 s")


async def test_the_pulse_sees_a_loop_that_stood_still() -> None:
    pulse = Pulse()
    ticking = asyncio.create_task(pulse.run())
    await asyncio.sleep(0.01)
    time.sleep(0.8)  # noqa: ASYNC251 - blocking the loop is what is tested
    await asyncio.sleep(0.6)
    assert pulse.lag > 0.2
    ticking.cancel()
