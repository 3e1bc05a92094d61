"""A NATS client of one test: what it may do, and what the server says when it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import nats
import nats.errors
from nats.aio.client import Client

from tests.e2e.clusters import Cluster

TIMEOUT = 3.0


@attrs.frozen
class Refused(Exception):
    """The server did not let the client in; its words."""

    words: str


@attrs.frozen
class User:
    """How a client connects: to the Service, or to one server, with these options of nats-py."""

    url: str
    options: dict[str, Any] = attrs.field(factory=dict, repr=False)

    def run(self, body: Callable[[Client], Awaitable[Any]]) -> Any:
        """Connect, run the body, close; Refused if the server closes the door."""
        return asyncio.run(self._run(body))

    async def _run(self, body: Callable[[Client], Awaitable[Any]]) -> Any:
        words: list[str] = []

        async def note(error: Exception) -> None:
            words.append(str(error))

        try:
            client = await nats.connect(
                self.url,
                error_cb=note,
                connect_timeout=TIMEOUT,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.1,
                allow_reconnect=False,
                **self.options,
            )
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise Refused("; ".join([str(error), *words])) from None
        try:
            return await body(client)
        finally:
            await client.close()

    def gets_in(self) -> bool:
        """Whether it can connect."""

        async def nothing(client: Client) -> bool:
            await client.flush()
            return True

        try:
            return bool(self.run(nothing))
        except (Refused, nats.errors.Error):
            return False

    def reaches(self, subject: str) -> bool:
        """Whether a message it publishes comes back to its own subscription."""

        async def circle(client: Client) -> bool:
            subscription = await client.subscribe(subject)
            await client.publish(subject, b"x")
            try:
                await subscription.next_msg(timeout=1.0)
            except (nats.errors.Error, TimeoutError):
                return False
            return True

        return bool(self.run(circle))


def user(cluster: Cluster, server: str | None = None, **options: Any) -> User:
    """A client of the cluster's Service, or of one server."""
    scheme = "tls" if "tls" in options else "nats"
    if server is None:
        address = cluster.kubectl.json("get", "service", cluster.name)["spec"]["clusterIP"]
    else:
        address = cluster.pods()[server]["status"]["podIP"]
    return User(f"{scheme}://{address}:4222", options)
