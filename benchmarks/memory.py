"""Resident memory: idle, with clusters, and beside much that is not ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks.objects import create_namespace

if TYPE_CHECKING:
    from benchmarks.bare import Bare, Json
    from benchmarks.process import Measured

SETTLING = 10.0
BATCH = 500


async def settled_rss(operator: Measured) -> float:
    """Resident memory in MiB, some seconds after the last change."""
    await asyncio.sleep(SETTLING)
    return operator.rss_mb()


async def create_foreign(bare: Bare, count: int) -> None:
    """This many pods and as many Secrets that belong to nobody we know."""
    await create_namespace(bare, "foreign")
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        await asyncio.gather(*(_create_both(bare.patient, number) for number in numbers))


async def _create_both(bare: Bare, number: int) -> None:
    await asyncio.gather(
        bare.create("/api/v1/namespaces/foreign/pods", _pod(number)),
        bare.create("/api/v1/namespaces/foreign/secrets", _secret(number)),
    )


def _pod(number: int) -> Json:
    """A pod that no scheduler looks at; even its label `app` says nothing of NATS."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"foreign-{number}", "labels": {"app": "other"}},
        "spec": {
            "schedulingGates": [{"name": "benchmarks/never"}],
            "automountServiceAccountToken": False,
            "containers": [{"name": "main", "image": "other:1"}],
        },
    }


def _secret(number: int) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"foreign-{number}"},
        "stringData": {"content": "x" * 1000},
    }
