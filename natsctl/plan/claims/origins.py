"""Servers that have data under a name which an earlier NatsCluster gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.model.server_identity import origin, origin_of
from natsctl.plan.server_identity import claims_among

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.objects import Cluster, Object
    from natsctl.plan.claims.note import Note


def origins_of(cluster: Cluster, claims: Iterable[Object], note: Note) -> dict[int, str]:
    """Their origins by index; what is noted counts, then what the claims tell.

    Peers of a server are known by hashes of their names: with another name it would be a new one
    (nats-server: `getHash(serverName)`, server/jetstream_cluster.go).
    """
    meta = cluster.metadata
    own = origin(meta.uid)
    named = {
        index: origin_of(
            meta.name, index, claim.metadata.annotation(names.SERVER_NAME_ANNOTATION) or ""
        )
        for index, claim in claims_among(meta.name, claims).items()
    }
    noted = {index: entry.origin or own for index, entry in note.items()}
    known = named | noted
    return {index: each for index, each in known.items() if each and each != own}
