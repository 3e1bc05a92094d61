"""Labels of Namespaces, for the roles that select by them.

They are watched only if the installation says so. Of each Namespace its labels are kept and nothing
else; a change of them wakes the clusters that look at this one, and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.kube.store import Key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.objects import Namespace
    from natsctl.plan.namespaces import Labels

ALL: Key = ("", "")
"""Stands for whether anything is known at all."""


def _nobody(cluster: Key) -> None:
    """Where nothing is watched, nobody is woken."""


@attrs.define
class NamespaceLabels:
    """Labels by the name of the Namespace; one that has more of them than are read has none here.

    Until the first list is complete nothing is known, and never if it may not be read. What is
    known stays if the right to read it is taken away later.
    """

    wake: Callable[[Key], None] = _nobody
    _known: bool = False
    _held: dict[str, Mapping[str, str]] = attrs.field(factory=dict)
    _links: Dependencies = attrs.field(factory=Dependencies)

    def __len__(self) -> int:
        return len(self._held)

    def find(self, cluster: Key, names: frozenset[str]) -> Labels | None:
        """What is known of these Namespaces; the cluster is woken when that changes."""
        self._links.name(cluster, frozenset({ALL, *(("", name) for name in names)}))
        if not self._known:
            return None
        return {name: self._held[name] for name in names & self._held.keys()}

    def forget(self, cluster: Key) -> None:
        """A cluster has no role with a selector, or is gone."""
        self._links.name(cluster, frozenset())

    def replace(
        self, objects: Iterable[Namespace], version: int, namespace: str | None = None
    ) -> None:
        """The whole truth, from the watch, which alone tells of them, and in order."""
        before, self._held = self._held, {}
        for item in objects:
            if item.metadata.labels is not None:
                self._held[item.metadata.name] = item.metadata.labels
        changed = {n for n in before.keys() | self._held if before.get(n) != self._held.get(n)}
        if not self._known:
            self._known = True
            changed.add("")
        self._wake_dependents(changed)

    def put(self, item: Namespace) -> None:
        """A Namespace was created or changed."""
        name, labels = item.metadata.name, item.metadata.labels
        if labels is None:
            self.remove(item)
        elif self._held.get(name) != labels:
            self._held[name] = labels
            self._wake_dependents({name})

    def remove(self, item: Namespace) -> None:
        """A Namespace was deleted, or can no longer be read."""
        if self._held.pop(item.metadata.name, None) is not None:
            self._wake_dependents({item.metadata.name})

    def seen(self, version: int, namespace: str | None = None) -> None:
        """Nothing to do: nobody else tells of Namespaces."""

    def _wake_dependents(self, names: Iterable[str]) -> None:
        for cluster in {key for name in names for key in self._links.dependents(("", name))}:
            self.wake(cluster)
