"""Clusters whose configuration depends on another cluster's."""

from __future__ import annotations

from collections import defaultdict

import attrs

from natsctl.kube.store import Key


@attrs.define
class Links:
    """Which clusters look at which others."""

    _named: dict[Key, frozenset[Key]] = attrs.field(factory=dict)
    _lookers: dict[Key, set[Key]] = attrs.field(factory=lambda: defaultdict(set))

    def name(self, cluster: Key, others: frozenset[Key]) -> None:
        """Say at which others a cluster looks from now on."""
        before = self._named.pop(cluster, frozenset())
        if others:
            self._named[cluster] = others
        for other in before - others:
            self._lookers[other].discard(cluster)
            if not self._lookers[other]:
                del self._lookers[other]
        for other in others - before:
            self._lookers[other].add(cluster)

    def lookers(self, cluster: Key) -> tuple[Key, ...]:
        """The clusters that look at this one."""
        return tuple(self._lookers.get(cluster, ()))
