"""Ask each server what it is, and compare with what it should be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from demo.teller import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.kubectl import Kubectl


@attrs.frozen
class Answer:
    """What one server says: /varz and /routez."""

    pod: str
    id: str
    version: str
    peers: frozenset[str]


async def ask(kubectl: Kubectl, pods: Sequence[str]) -> list[Answer]:
    """Ask all servers at the same time."""
    return list(await asyncio.gather(*(_ask_one(kubectl, pod) for pod in pods)))


async def _ask_one(kubectl: Kubectl, pod: str) -> Answer:
    varz = await kubectl.monitoring(pod, "varz")
    routez = await kubectl.monitoring(pod, "routez")
    peers = frozenset(route["remote_id"] for route in routez.get("routes") or [])
    return Answer(pod, varz["server_id"], varz["version"], peers)


def check(answers: Sequence[Answer], version: str, dead: frozenset[str] = frozenset()) -> str:
    """Raise DemoFailed unless all run `version` and are connected to all others; else say so.

    `dead` are ids of servers that were killed: a route to one may last until its next ping.
    """
    ids = frozenset(answer.id for answer in answers)
    for answer in answers:
        if answer.version != version:
            raise DemoFailed(f"expected {answer.pod} to run {version}; it runs {answer.version}")
        missing = [a.pod for a in answers if a != answer and a.id not in answer.peers]
        if missing:
            raise DemoFailed(f"expected {answer.pod} to have routes to all; none to {missing}")
        strangers = answer.peers - ids - dead
        if strangers:
            raise DemoFailed(f"expected {answer.pod} to know no others; it knows {set(strangers)}")
    return (
        f"queried {len(answers)} servers (/varz, /routez): "
        f"all run {version}, each has a route to every other"
    )
