"""ServiceAccounts that have the name of a NatsServiceRole: where they are.

Only metadata is watched, and only of the wanted names something is kept.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from natsctl.kube.client import items_of
from natsctl.kube.decode import readable
from natsctl.kube.paths import by_name
from natsctl.kube.resources import ACCOUNTS_METADATA
from natsctl.kube.store import Key
from natsctl.kube.transport import PARTIAL_LIST
from natsctl.model.objects import Object
from natsctl.plan.references import ServiceAccount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.kube.transport import Transport


@attrs.define
class ServiceAccounts:
    """Namespaces and uids of ServiceAccounts by name.

    `namespaces` are the only ones looked at; None: all. Invariant: for each name in `_known` every
    ServiceAccount is held that the watch or the list has told of; the newest news counts. `_gone`
    is of names that are being listed.
    """

    wake: Callable[[Key], None]
    namespaces: tuple[str, ...] | None = None
    needed: asyncio.Event = attrs.field(factory=asyncio.Event)
    _wanted: dict[Key, frozenset[str]] = attrs.field(factory=dict)
    _held: dict[str, dict[str, Object]] = attrs.field(factory=lambda: defaultdict(dict))
    _gone: dict[Key, int] = attrs.field(factory=dict)
    _known: set[str] = attrs.field(factory=set)
    _names: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return sum(map(len, self._held.values()))

    async def find(
        self, transport: Transport, cluster: Key, names: frozenset[str]
    ) -> Mapping[str, tuple[ServiceAccount, ...]]:
        """Where ServiceAccounts of these names are; the cluster is woken when that changes."""
        self._want(cluster, names)
        for name in names - self._known:
            await self._list(transport, name)
        return {
            name: tuple(ServiceAccount(o.metadata.namespace, o.metadata.uid) for _, o in accounts)
            for name in names
            if (accounts := sorted(self._held.get(name, {}).items()))
        }

    def forget(self, cluster: Key) -> None:
        """A cluster needs no ServiceAccounts any more."""
        self._want(cluster, frozenset())

    def replace(
        self, objects: Iterable[Object], version: int, namespace: str | None = None
    ) -> None:
        """The whole truth as of `version`, of one namespace or all, from the watch."""
        fresh = {o.key: o for o in objects if o.metadata.name in self._names}
        stored = {o.key: o for accounts in self._held.values() for o in accounts.values()}
        for key, item in stored.items():
            if namespace in (None, key[0]) and key not in fresh and item.version <= version:
                self.remove(item)
        for item in fresh.values():
            self.put(item)
        if namespace is not None and self.namespaces != (namespace,):
            return  # nothing is known of the others
        for name in self._names - self._known:  # a list under way may be older than this
            self._known.add(name)
            self._end_of_list(name)

    def put(self, item: Object) -> None:
        """A ServiceAccount was created or changed."""
        name, namespace = item.metadata.name, item.metadata.namespace
        if name not in self._names or self._gone.get(item.key, -1) >= item.version:
            return
        stored = self._held[name].get(namespace)
        if stored is not None and stored.version > item.version:
            return  # the list was ahead of the watch
        self._held[name][namespace] = item
        if stored is None or stored.metadata.uid != item.metadata.uid:
            self._wake(name)

    def remove(self, item: Object) -> None:
        """A ServiceAccount was deleted."""
        name, namespace = item.metadata.name, item.metadata.namespace
        stored = self._held.get(name, {}).get(namespace)
        if name not in self._names or (stored is not None and stored.version > item.version):
            return
        if name not in self._known:
            self._gone[item.key] = item.version
        self._held[name].pop(namespace, None)
        self._wake(name)

    def seen(self, version: int, namespace: str | None = None) -> None:
        """Nothing to do: what is not wanted is not kept."""

    def _want(self, cluster: Key, names: frozenset[str]) -> None:
        if self._wanted.get(cluster, frozenset()) == names:
            return
        self._wanted[cluster] = names
        if names:
            self.needed.set()
        else:
            del self._wanted[cluster]
        self._names = frozenset().union(*self._wanted.values())
        for name in (self._known | self._held.keys()) - self._names:
            self._known.discard(name)
            self._held.pop(name, None)
            self._end_of_list(name)

    async def _list(self, transport: Transport, name: str) -> None:
        params = by_name(name)
        for namespace in self.namespaces or (None,):
            path = ACCOUNTS_METADATA.path(namespace)
            reply = await transport.request("GET", path, params=params, accept=PARTIAL_LIST)
            if name in self._known or name not in self._names:
                return  # another list was first, or nobody wants it any more
            for item in readable(ACCOUNTS_METADATA, items_of(reply.body)):
                self.put(item)
        self._known.add(name)
        self._end_of_list(name)

    def _end_of_list(self, name: str) -> None:
        """No list can bring back any more what the watch told the end of."""
        self._gone = {key: at for key, at in self._gone.items() if key[1] != name}

    def _wake(self, name: str) -> None:
        for cluster, names in tuple(self._wanted.items()):
            if name in names:
                self.wake(cluster)
