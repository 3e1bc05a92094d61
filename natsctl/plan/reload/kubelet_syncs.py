"""When a pod's kubelet was made to look after the pod's files, because a Secret changed."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from natsctl.model.times import moment, precise

LATE = timedelta(seconds=8)
"""How late a kubelet may hear of a changed Secret, and again how late show it after a sync.

Measured from write to file: 1 s; 4.4 s with 90 pods changed at once on two busy processors.
"""
FIRST, LAST = timedelta(seconds=3), timedelta(minutes=1)
"""Between syncs: at first, and at most; the kubelet looks every minute by itself."""
STALE = 2 * LAST
"""After which nobody was reloading: the Secret may have changed to and fro meanwhile."""
KEPT = 5


@attrs.frozen
class KubeletSyncs:
    """The moments of them, for one configuration, by the operator's clock.

    A kubelet looks when the pod's annotations change. If it hears of that before it hears of the
    changed Secret, it finds what was there before; so one sync alone proves nothing.
    """

    moments: tuple[datetime, ...] = ()

    @classmethod
    def parse(cls, text: str | None, now: datetime) -> KubeletSyncs:
        """From a pod's annotation; none if they are stale, or the clock was set back since."""
        moments = [moment(part) for part in (text or "").split()]
        known = tuple(at for at in moments if at is not None)
        current = known and known[-1] <= now < known[-1] + STALE
        return cls(known if current else ())

    def __str__(self) -> str:
        return " ".join(map(precise, self.moments))

    def due(self, now: datetime) -> bool:
        """Whether the next one is: after 3, 9, 27 seconds and so on, as long as it takes."""
        if not self.moments:
            return True
        first, last = self.moments[0], self.moments[-1]
        return now - last >= min(max(2 * (last - first), FIRST), LAST)

    def then(self, now: datetime) -> KubeletSyncs:
        """With one more; of many, the first and the last ones are kept."""
        return KubeletSyncs((*self.moments[:1], *self.moments[1:][-KEPT:], now))

    def shown(self, changed: datetime | None, now: datetime) -> bool:
        """Whether the pod has surely seen a Secret of that age: by one that came late enough."""
        return any(
            now - at >= LATE and at - since >= LATE
            for at in self.moments
            for since in (self.moments[0], changed)
            if since is not None
        )
