"""How much of what servers say of JetStream the process keeps, for all clusters together.

Streams and consumers are counted. What takes more memory than the usual ones counts as several, and
so do routes and members of the meta group.

It is shared fairly between namespaces: one may keep more than its share for as long as nobody else
needs that. What the latest looks at each cluster asked for is remembered, whether or not there was
room. With the next look, which is about a minute later, whoever has more than its share gets less.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection

Key = tuple[str, str]

ALL: Final = 160_000
"""Streams and consumers in all looks at all clusters. Measured: 0.6 KiB each, so some 95 MiB."""
OF_ONE: Final = 120_000
"""Of a namespace: two looks at 10,000 streams of three replicas, with a consumer each."""
LOOKS: Final = 2
"""How many looks at a cluster are kept."""
REMEMBERED: Final = 180.0
"""Seconds for which it is remembered what looks at a cluster asked for."""


def _now() -> float:
    return asyncio.get_running_loop().time()


@attrs.frozen
class Asked:
    """What the look before and this one asked for, and when this one began."""

    at: float
    before: int = 0
    count: int = 0

    @property
    def need(self) -> int:
        """What the cluster needs in all."""
        return LOOKS * max(self.before, self.count)


@attrs.define
class Allowance:
    """By namespace and name of a cluster, how many streams and consumers are kept.

    `now` tells the time in seconds. `_asked` are the latest looks, the oldest first. `_of` and
    `_total` are sums of what is kept, by namespace and of all.
    """

    kept: dict[Key, int] = attrs.field(factory=dict)
    now: Callable[[], float] = attrs.field(default=_now, eq=False)
    _asked: dict[Key, Asked] = attrs.field(factory=dict)
    _of: Counter[str] = attrs.field(factory=Counter)
    _total: int = 0

    def begin(self, cluster: Key) -> None:
        """Another look at this cluster begins."""
        before = self._asked.pop(cluster, None)
        self._asked[cluster] = Asked(self.now(), before.count if before else 0)
        self._forget_old()

    def take(self, cluster: Key, count: int) -> bool:
        """Whether so many more may be kept; if so, they are counted."""
        if not count:
            return True
        asked = self._asked.get(cluster) or Asked(self.now())
        self._asked[cluster] = attrs.evolve(asked, count=asked.count + count)
        own = self._of[cluster[0]] + count
        if own > OF_ONE or self._total + count > ALL or not self._is_fair(cluster[0], own):
            return False
        self.note(cluster, self.kept.get(cluster, 0) + count)
        return True

    def note(self, cluster: Key, count: int) -> None:
        """So many are kept of this cluster, and no others any more."""
        more = count - self.kept.pop(cluster, 0)
        if count:
            self.kept[cluster] = count
        self._total += more
        self._of[cluster[0]] += more
        if not self._of[cluster[0]]:
            del self._of[cluster[0]]

    def forget(self, cluster: Key) -> None:
        """Nothing is kept of this cluster any more, nor will it ask again."""
        self.note(cluster, 0)
        self._asked.pop(cluster, None)

    def _forget_old(self) -> None:
        limit = self.now() - REMEMBERED
        while self._asked and self._asked[oldest := next(iter(self._asked))].at < limit:
            del self._asked[oldest]

    def _is_fair(self, namespace: str, own: int) -> bool:
        """Whether a namespace may keep so many beside what all others need."""
        if own * (len(self._of) + len(self._asked)) <= ALL:
            return True  # an equal part is always fair, and this is asked often
        self._forget_old()
        needs = Counter[str]()
        for (owner, _), asked in self._asked.items():
            needs[owner] += asked.need
        needs |= self._of
        needs[namespace] = max(own, needs[namespace])
        return own <= level([min(need, OF_ONE) for need in needs.values()], ALL)


def level(needs: Collection[int], all_: int) -> float:
    """The most that anybody gets if who needs less than the others gets all of that."""
    left = all_
    for served, need in enumerate(sorted(needs)):
        share = left / (len(needs) - served)
        if need > share:
            return share
        left -= need
    return float(all_)
