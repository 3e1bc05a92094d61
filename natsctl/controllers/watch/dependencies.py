"""Clusters whose configuration depends on another cluster's."""

from __future__ import annotations

from collections import defaultdict

import attrs

from natsctl.kube.store import Key


@attrs.define
class Dependencies:
    """Which clusters look at which others."""

    _named: dict[Key, frozenset[Key]] = attrs.field(factory=dict)
    _dependents: dict[Key, set[Key]] = attrs.field(factory=lambda: defaultdict(set))

    def name(self, cluster: Key, others: frozenset[Key]) -> None:
        """Say at which others a cluster looks from now on."""
        before = self._named.pop(cluster, frozenset())
        if others:
            self._named[cluster] = others
        for other in before - others:
            self._dependents[other].discard(cluster)
            if not self._dependents[other]:
                del self._dependents[other]
        for other in others - before:
            self._dependents[other].add(cluster)

    def dependents(self, cluster: Key) -> tuple[Key, ...]:
        """The clusters that look at this one."""
        return tuple(self._dependents.get(cluster, ()))
