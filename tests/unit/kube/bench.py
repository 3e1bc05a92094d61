"""A reflector at work on a scripted API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import SECRETS, Resource
from natsctl.kube.store import Store
from natsctl.kube.transport import Transport
from tests.unit.kube.faulty import Answer, Faulty


class Bench:
    """A reflector at work on a scripted API server."""

    def __init__(self, api: Faulty, reflector: Reflector[Any], store: Store[Any]) -> None:
        self.api, self.reflector, self.store = api, reflector, store

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - any change of any part may be what is waited for
                await asyncio.sleep(0.002)

    async def holds(self, *names: str) -> None:
        await self.until(lambda: self.names() == set(names))

    def names(self) -> set[str]:
        return {name for _, name in self.store.keys()}  # noqa: SIM118 - a Store is no dict

    def kept(self, name: str) -> Any:
        """What the store has of this name."""
        found = self.store.get(("ns", name))
        assert found is not None
        return found

    async def asked(self, count: int) -> None:
        await self.until(lambda: len(self.api.asked) >= count)

    def continued(self, request: int, version: int) -> bool:
        """Whether this request went on where the stream had stopped, and listed nothing."""
        query = self.api.asked[request]
        return (
            query.get("resourceVersion") == str(version)
            and query.get("watch") == "true"
            and "sendInitialEvents" not in query
        )

    def listed(self, request: int) -> bool:
        """Whether this request asked for everything anew."""
        query = self.api.asked[request]
        return query.get("sendInitialEvents") == "true" and "resourceVersion" not in query


@asynccontextmanager
async def reflecting(
    transport: Transport,
    api: Faulty,
    *script: Answer,
    silence: float = 60.0,
    resource: Resource = SECRETS,
) -> AsyncIterator[Bench]:
    api.script = list(script)
    store: Store[Any] = Store()
    reflector = Reflector(transport, resource, store, "ns", "nats_cluster", silence=silence)
    task = asyncio.create_task(reflector.run())
    try:
        yield Bench(api, reflector, store)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
