"""How much of what servers say of JetStream the process keeps, for all clusters together."""

from __future__ import annotations

from typing import Final

import attrs

Key = tuple[str, str]

ALL: Final = 160_000
"""Streams and consumers in all looks at all clusters. Measured: 0.6 KiB each, so some 95 MiB."""
OF_ONE: Final = 120_000
"""Of a namespace: two looks at 10,000 streams of three replicas, with a consumer each."""


@attrs.frozen
class Allowance:
    """By namespace and name of a cluster, how many streams and consumers are kept."""

    kept: dict[Key, int] = attrs.field(factory=dict)

    def take(self, cluster: Key, count: int) -> bool:
        """Whether so many more may be kept; if so, they are counted."""
        own = sum(n for (namespace, _), n in self.kept.items() if namespace == cluster[0])
        if own + count > OF_ONE or sum(self.kept.values()) + count > ALL:
            return False
        self.note(cluster, self.kept.get(cluster, 0) + count)
        return True

    def note(self, cluster: Key, count: int) -> None:
        """So many are kept of this cluster, and no others any more."""
        if count:
            self.kept[cluster] = count
        else:
            self.kept.pop(cluster, None)
