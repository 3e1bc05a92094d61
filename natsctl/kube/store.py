"""What is known of one kind: fed by its reflector and by the replies of our own writes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Generic, TypeVar

from natsctl.model.objects import Cluster, Object, cluster_key
from natsctl.model.slim import slim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T", bound=Object)
Key = tuple[str, str]


class Store(Generic[T]):
    """Objects by key, and by the cluster they belong to. The newest resourceVersion wins.

    Invariant: a horizon is the newest resourceVersion the watch has told of, of any object in a
    namespace (`""`: in all). A reply with an older one about an object that is not here is of an
    object deleted since.
    """

    def __init__(
        self,
        on_change: Callable[[Key], None] = lambda key: None,
        owner: Callable[[T], Key | None] | None = None,
    ) -> None:
        self._objects: dict[Key, T] = {}
        self._of_cluster: dict[Key, dict[Key, T]] = defaultdict(dict)
        self._on_change = on_change
        self._owner: Callable[[T], Key | None] = owner or _index_key
        self._horizons: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def horizon(self, namespace: str = "") -> int:
        """The newest resourceVersion the watch has told of."""
        return max(self._horizons.get(namespace, 0), self._horizons.get("", 0))

    def get(self, key: Key) -> T | None:
        """One object."""
        return self._objects.get(key)

    def keys(self) -> tuple[Key, ...]:
        """All keys."""
        return tuple(self._objects)

    def of_cluster(self, key: Key) -> tuple[T, ...]:
        """All objects that belong to a NatsCluster."""
        return tuple(self._of_cluster.get(key, {}).values())

    def replace(self, objects: Iterable[T], version: int, namespace: str | None = None) -> None:
        """The whole truth as of `version`, of one namespace or all: what it lacks is gone."""
        self.seen(version, namespace)
        fresh = {o.key: o for o in objects}
        stored = [o for k, o in self._objects.items() if namespace in (None, k[0])]
        for item in stored:
            if item.key not in fresh and item.version <= version:
                self._drop(item.key)
        for item in fresh.values():
            self._put(item)

    def seen(self, version: int, namespace: str | None = None) -> None:
        """The watch has told everything up to `version`, of one namespace or all."""
        place = namespace or ""
        self._horizons[place] = max(self._horizons.get(place, 0), version)

    def put(self, item: T) -> None:
        """An event of the watch."""
        self.seen(item.version, item.metadata.namespace)
        self._put(item)

    def remove(self, item: T) -> None:
        """The watch says it is deleted."""
        self.seen(item.version, item.metadata.namespace)
        stored = self._objects.get(item.key)
        if stored is not None and stored.version <= item.version:
            self._drop(item.key)

    def learn(self, reply: T) -> None:
        """The reply of an own write, which may arrive before or after the watch tells of it."""
        if reply.key in self._objects or reply.version > self.horizon(reply.metadata.namespace):
            self._put(slim(reply))

    def forget(self, key: Key, uid: str) -> None:
        """The API server said the object with this uid is gone."""
        stored = self._objects.get(key)
        if stored is not None and stored.metadata.uid == uid:
            self._drop(key)

    def _put(self, item: T) -> None:
        stored = self._objects.get(item.key)
        if stored is not None:
            if item.version <= stored.version:
                return
            self._unindex(stored)
        self._objects[item.key] = item
        owner = self._owner(item)
        if owner:
            self._of_cluster[owner][item.key] = item
            self._on_change(owner)

    def _drop(self, key: Key) -> None:
        self._unindex(self._objects.pop(key))

    def _unindex(self, item: T) -> None:
        owner = self._owner(item)
        if owner and self._of_cluster.get(owner, {}).pop(item.key, None) is not None:
            if not self._of_cluster[owner]:
                del self._of_cluster[owner]
            self._on_change(owner)


def _index_key(item: Object) -> Key | None:
    return item.key if isinstance(item, Cluster) else cluster_key(item)
