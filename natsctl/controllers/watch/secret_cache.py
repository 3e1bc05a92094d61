"""Secrets that clusters name but that are not theirs: read when needed, kept until they change.

Only the metadata of foreign Secrets is watched, and nothing is kept of those that no cluster
names: memory is flat in what is not ours.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from natsctl.kube.errors import NotFound
from natsctl.kube.resources import SECRETS
from natsctl.kube.store import Key
from natsctl.model.objects import Object, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.kube.client import Client


@attrs.define
class SecretCache:
    """Named Secrets, by namespace and name.

    Invariant: what is held of a Secret is as new as anything the watch has told of it.
    """

    wake: Callable[[Key], None]
    needed: asyncio.Event = attrs.field(factory=asyncio.Event)
    _clusters: dict[Key, set[Key]] = attrs.field(factory=lambda: defaultdict(set))
    _named: dict[Key, frozenset[Key]] = attrs.field(factory=dict)
    _held: dict[Key, Secret | None] = attrs.field(factory=dict)
    _versions: dict[Key, int] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return len(self._clusters)

    def name(self, cluster: Key, secrets: frozenset[Key]) -> None:
        """Say which Secrets a cluster needs from now on; none: forget the cluster."""
        before = self._named.pop(cluster, frozenset())
        if secrets:
            self._named[cluster] = secrets
            self.needed.set()
        for key in secrets - before:
            self._clusters[key].add(cluster)
        for key in before - secrets:
            self._clusters[key].discard(cluster)
            if not self._clusters[key]:
                for kept in (self._clusters, self._held, self._versions):
                    kept.pop(key, None)

    async def read(self, client: Client, key: Key) -> Secret | None:
        """A named Secret, None if there is none; asks the API server only if it changed."""
        while key not in self._held:
            seen_version = self._versions.get(key)
            secret = await _read(client, key)
            if key not in self._clusters:
                return secret  # nobody names it any more
            version = secret.version if secret else 0
            if self._versions.get(key) == seen_version or version >= self._versions.get(key, 0):
                self._held[key] = secret
        return self._held[key]

    def replace(
        self, objects: Iterable[Object], version: int, namespace: str | None = None
    ) -> None:
        """The whole truth as of `version`, of one namespace or all, from the watch."""
        fresh = {item.key: item.version for item in objects if item.key in self._clusters}
        for key in tuple(k for k in self._clusters if namespace in (None, k[0])):
            cached = self._held.get(key)
            if (cached.version if cached else 0) != fresh.get(key, 0):
                self._changed(key, fresh.get(key, version))

    def put(self, item: Object) -> None:
        """A Secret was created or changed."""
        cached = self._held.get(item.key)
        if item.key in self._clusters and (cached is None or cached.version < item.version):
            self._changed(item.key, item.version)

    def remove(self, item: Object) -> None:
        """A Secret was deleted."""
        if item.key in self._clusters:
            self._changed(item.key, item.version)

    def seen(self, version: int, namespace: str | None = None) -> None:
        """Nothing to do: what is not named is not kept."""

    def _changed(self, key: Key, version: int) -> None:
        self._held.pop(key, None)
        self._versions[key] = version
        for cluster in tuple(self._clusters[key]):
            self.wake(cluster)


async def _read(client: Client, key: Key) -> Secret | None:
    try:
        secret = await client.get(SECRETS, *key)
    except NotFound:
        return None
    assert isinstance(secret, Secret)
    return secret
