"""Keep the fake node alive.

kwok reports its node every 25 seconds, and the testbed's controllers take a node that is silent
for 20 for dead: they would set all its pods to not ready. So its Lease is renewed here.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from natsctl.kube.resources import LEASES

if TYPE_CHECKING:
    from benchmarks.bare import Bare, Json

NODE = "fake1"
SPACE = "kube-node-lease"
PERIOD = 5.0


async def keep(bare: Bare) -> None:
    """Create the node's Lease and renew it for ever."""
    lease = await bare.create(LEASES.path(SPACE), _lease())
    while True:
        await asyncio.sleep(PERIOD)
        lease["spec"]["renewTime"] = _now()
        lease = await bare.replace(LEASES.path(SPACE, NODE), lease)


def _lease() -> Json:
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {"name": NODE, "namespace": SPACE},
        "spec": {"holderIdentity": NODE, "leaseDurationSeconds": 40, "renewTime": _now()},
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
