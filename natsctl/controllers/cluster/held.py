"""Which streams servers hold that are to lose JetStream, found once for the looks that tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.runtime.computing import is_heavy, of_looks
from natsctl.plan.held import (
    NOT_ASKED,
    Held,
    Streams,
    held_of,
    is_asked,
    streams_told,
    telling,
)

if TYPE_CHECKING:
    from natsctl.model.jetstream_look import Look
    from natsctl.model.objects import Cluster, Pod, Secret


@attrs.define
class ReadHeld:
    """Servers may tell of streams without number, so these are gone through beside the event loop.

    `computed` does that (`ClusterCache`). The looks themselves are not kept: those have to go.
    """

    computed: Callable[..., Awaitable[Any]]
    _read: tuple[tuple[float, ...], Streams] = ((), Streams())

    async def held(
        self,
        cluster: Cluster,
        secret: Secret | None,
        pods: Collection[Pod],
        looks: Sequence[Look],
    ) -> Held:
        """What they hold, as the latest looks tell."""
        if not is_asked(cluster, pods):
            return NOT_ASKED
        loop = asyncio.get_running_loop()
        told = telling(pods, looks, loop.time())
        moments = tuple(look.began for look in told)
        if self._read[0] != moments:
            streams = await self.computed(is_heavy(of_looks(told)), streams_told, told)
            self._read = moments, streams
        return held_of(cluster, secret, pods, told, self._read[1], loop.time())
