"""Keyed digests of what Secrets hold: they stand on pods and claims, where others may read them.

Each is bound to the NatsCluster and to what it is a digest of. Else whoever has a NatsCluster could
put guesses into Secrets of their own, and compare what natsctl notes there with what it noted for
somebody else. It is bound by namespace and name, and not by uid: claims outlive a NatsCluster, and
the next one of that name has to know whether its key is theirs.

An earlier natsctl did not bind them. What it noted still counts, for a few contents only: to
compare with it is to tell whether a guess is right. That is for NatsClusters of before this process
began to lead. All others have no such digests, unless somebody copied them.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from natsctl.render.inputs import Former

if TYPE_CHECKING:
    from natsctl.model.objects import Cluster

CONTENTS: Final = 4
"""Contents of one kind that are compared for one NatsCluster: what its Secret has now, and what it
has once a user has put it right."""
_PURPOSE: Final = "natsctl digest 2"
_WHICH: Final = "which pepper"
_DIGITS: Final = 10


@attrs.frozen
class Compared:
    """Which contents were compared with digests of an earlier natsctl: their digests, by path."""

    most: int = 0
    contents: Mapping[str, frozenset[str]] = attrs.field(factory=dict)

    def allows(self, path: str, digest: str) -> bool:
        """Whether the content with this digest may be compared."""
        before = self.contents.get(path, frozenset())
        return digest in before or len(before) < self.most

    def with_contents(self, sealed: Mapping[str, str]) -> Compared:
        """The same once these were compared as well."""
        fresh = {
            path: self.contents.get(path, frozenset()) | {digest}
            for path, digest in sealed.items()
            if self.allows(path, digest)
        }
        return attrs.evolve(self, contents={**self.contents, **fresh})


def compared_for(cluster: Cluster, began: str) -> Compared:
    """Of a NatsCluster of which nothing was compared yet; `began` is RFC 3339 (empty: nothing is).

    Nobody but the API server writes when an object was created.
    """
    created = cluster.metadata.creation_timestamp or began
    return Compared(CONTENTS if created < began else 0)


@attrs.frozen
class Digests:
    """Those of one NatsCluster."""

    pepper: bytes = attrs.field(repr=False)
    namespace: str
    cluster: str

    def of(self, path: str, value: Any) -> str:
        """A short digest that tells nothing to whoever has not the pepper."""
        bound = [_PURPOSE, self.namespace, self.cluster, path]
        return unbound(hmac.digest(self.pepper, _encoded(bound), "sha256"), value)

    @property
    def seal(self) -> str:
        """Tells digests with this pepper, of this NatsCluster, from all others."""
        return self.of("", _WHICH) if self.pepper else ""

    def former(
        self, parts: Mapping[str, Any], sealed: Mapping[str, str], compared: Compared
    ) -> Former:
        """The same in the form of an earlier natsctl, of those parts that may be compared."""
        return Former(
            unbound(self.pepper, _WHICH) if self.pepper else "",
            {
                path: unbound(self.pepper, part)
                for path, part in parts.items()
                if path in sealed and compared.allows(path, sealed[path])
            },
        )


def unbound(key: bytes, value: Any) -> str:
    """As an earlier natsctl made it: the same for all NatsClusters, and for all purposes."""
    return hmac.new(key, _encoded(value), "sha256").hexdigest()[:_DIGITS]


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
