"""What the claims of a cluster's volumes tell, read once for as long as they stay the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.controllers.runtime.computing import is_heavy, of_notes
from natsctl.plan.claims.seals import seals_of
from natsctl.plan.claims.stored import Stored, stored_of

if TYPE_CHECKING:
    from natsctl.model.objects import Cluster, Object
    from natsctl.plan.claims.memory import Place

Claims = Collection["Object"]


@attrs.define
class ReadClaims:
    """Anybody may make claims and write on them: what is long is read beside the event loop.

    `computed` does that (`ClusterCache`). `heavy`: what is computed of them may take long.
    """

    computed: Callable[..., Awaitable[Any]]
    heavy: bool = False
    _read: tuple[object, Stored] | None = None

    async def stored(
        self, cluster: Cluster, claims: Claims | None, noted: Place | None, pepper: bytes
    ) -> Stored:
        """What they tell, and the note on the Secret; None: they could not be read.

        `pepper` keys the seals of notes; empty where the operator has no secret.
        """
        meta = cluster.metadata
        key = meta.uid, noted, pepper, None if claims is None else tuple(map(_stamp, claims))
        if self._read is None or self._read[0] != key:
            self.heavy = is_heavy(of_notes(claims or ()))
            seals = seals_of(pepper, meta.namespace, meta.name)
            told = await self.computed(self.heavy, stored_of, cluster, claims, noted, seals)
            self._read = key, told
        return self._read[1]


def _stamp(claim: Object) -> tuple[str, str]:
    return claim.metadata.uid, claim.metadata.resource_version
