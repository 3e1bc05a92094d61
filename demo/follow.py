"""Follow objects: how they are now, and all that happened to them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import attrs

from demo.history import Sighting, sighting
from demo.kubectl import Json, Kubectl
from demo.teller import DemoFailed, Teller

if TYPE_CHECKING:
    from collections.abc import Callable


LOOK = 1.0


@attrs.define
class Follower:
    """The objects of one kind by name; `sightings` has every event since the beginning."""

    kubectl: Kubectl
    kind: str
    selector: str = ""
    items: dict[str, Json] = attrs.field(factory=dict)
    sightings: list[Sighting] = attrs.field(factory=list)
    changed: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def run(self) -> None:
        """Follow for as long as kubectl does; its end is a failure."""
        async for event in self.kubectl.watch(self.kind, self.selector):
            self._learn(event["type"], event["object"])
        raise DemoFailed(f"kubectl get {self.kind} --watch ended")

    def _learn(self, type_: str, item: Json) -> None:
        name = item["metadata"]["name"]
        if type_ == "DELETED":
            self.items.pop(name, None)
        else:
            self.items[name] = item
        self.sightings.append(sighting(time.monotonic(), type_, item))
        self.changed.set()


async def until(
    followers: list[Follower],
    missing: Callable[[], str],
    alive: Callable[[], bool],
    seconds: float,
    teller: Teller,
) -> None:
    """Wait until nothing is missing; `missing` says what is, or nothing.

    In vain is waiting too when the operator is not `alive`.
    """
    deadline = time.monotonic() + seconds
    while what := missing():
        if not alive():
            raise DemoFailed(f"the operator exited; still not as expected: {what}")
        if time.monotonic() > deadline:
            raise DemoFailed(f"after {seconds:.0f} s still not as expected: {what}")
        teller.waiting_for(what)
        await _any_change(followers)


async def _any_change(followers: list[Follower]) -> None:
    for follower in followers:
        follower.changed.clear()
    waits = [asyncio.create_task(f.changed.wait()) for f in followers]
    try:
        await asyncio.wait(waits, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
