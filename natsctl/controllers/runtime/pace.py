"""Wakes actors for what others than their cluster's owner do: at once, then not all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from natsctl.kube.store import Key

PERIOD = 1.0
"""Seconds between two such wakes of one cluster, however often somebody changes something."""


@attrs.define
class Pacer:
    """Passes wakes on: the first at once, what comes within a second of it together."""

    wake: Callable[[Key], None]
    _again: dict[Key, bool] = attrs.field(factory=dict)

    def __call__(self, cluster: Key) -> None:
        """Wake a cluster, now or soon."""
        if cluster in self._again:
            self._again[cluster] = True
        else:
            self._pass_on(cluster)

    def _pass_on(self, cluster: Key) -> None:
        self._again[cluster] = False
        asyncio.get_running_loop().call_later(PERIOD, self._end, cluster)
        self.wake(cluster)

    def _end(self, cluster: Key) -> None:
        if self._again.pop(cluster):
            self._pass_on(cluster)
