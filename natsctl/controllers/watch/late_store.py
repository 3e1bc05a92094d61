"""Kinds that few clusters have: nobody watches them before the first one does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from natsctl.kube.store import Key, Store
from natsctl.model.objects import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T", bound=Object)


class LateStore(Store[T]):
    """A store that is filled from the first question on.

    What is not there may be there and not known: ask `is_known` first. Whoever did is told when
    everything is known, be it nothing. Without the right to watch, nothing ever is.
    """

    def __init__(self, on_change: Callable[[Key], None] = lambda key: None) -> None:
        super().__init__(on_change)
        self.needed = asyncio.Event()
        self._known = asyncio.Event()
        self._asking: set[Key] = set()

    def is_known(self, key: Key) -> bool:
        """Whether all that belongs to this cluster is here."""
        return self.horizon(key[0]) > 0

    async def wait(self, key: Key, seconds: float) -> None:
        """Wait until all that belongs to this cluster is here, the first time that it asks."""
        self.needed.set()
        if self.is_known(key) or key in self._asking:
            return
        self._asking.add(key)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.is_known(key):
                    await self._known.wait()

    def stop_asking(self, key: Key) -> None:
        """The cluster is gone: it is told nothing any more, and others of its name ask anew."""
        self._asking.discard(key)

    def replace(self, objects: Iterable[T], version: int, namespace: str | None = None) -> None:
        """The whole truth as of `version`, of one namespace or all: what it lacks is gone."""
        super().replace(objects, version, namespace)
        known, self._known = self._known, asyncio.Event()
        known.set()
        for key in tuple(filter(self.is_known, self._asking)):
            self._asking.discard(key)
            self._on_change(key)
