"""Which volumes are lost: those that are not there although they were, or may have been.

The notes tell that. Where they say nothing, or that there is no volume yet, pods and the status may
tell that somebody deleted them: they are no substitute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.plan.server_identity import indexes_of
from natsctl.render.revision.revision import stores_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from natsctl.api.types.status import ClusterStatus
    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context
    from natsctl.plan.servers import Server

TYPE: Final = "VolumesReady"
"""Of the condition."""
_REASONS: Final = ("VolumeMissing", "VolumeLost")
"""Its reasons that tell of volumes which there were."""


def has_lived(context: Context) -> bool:
    """Whether any server had a volume: a new cluster tells none of this."""
    stamps = (s.pod.metadata.annotation(names.REVISION_ANNOTATION) for s in context.servers)
    before = context.state.status
    told = next((c for c in before.conditions if c.type == TYPE), None)
    had = told is not None and (told.status == "True" or told.reason in _REASONS)
    return had or before.jetstream is not None or any(map(stores_streams, stamps))


def is_unsure(context: Context, volumes: Volumes) -> bool:
    """Whether a server of which no note tells anything may have had a volume.

    A note tells all there was. But that of the Secret went with an earlier NatsCluster, or somebody
    deleted it; and where all claims are gone, nothing says how old it is. Where no note tells of
    any volume, nothing else may tell of one either.
    """
    own = [c for c in volumes.claims if c.live is not None and c.live.is_free]
    memory = volumes.memory
    lacking = memory.written is None or not all(c.is_adopted for c in own)
    is_unnoted = bool(own) and lacking and not memory.is_copied
    if not memory.note:
        return has_lived(context) or is_unnoted
    return not memory.is_copied and (not own or is_unnoted)


def had_one(
    context: Context, volumes: Volumes, servers: Mapping[int, Server]
) -> Callable[[ServerClaim], bool]:
    """Whether a server that has no claim had one, as a note, its pod or the status tells."""
    missing = any(claim.live is None for claim in volumes.claims)
    name, before = context.state.cluster.metadata.name, context.state.status
    told = dict.fromkeys(_told_with_volumes(name, before) if missing else (), True)

    def had_one(claim: ServerClaim) -> bool:
        server, was_told = servers.get(claim.index), told.get(claim.index, False)
        made_for = server.pod.metadata.annotation(names.REVISION_ANNOTATION) if server else None
        return claim.noted is not None or was_told or stores_streams(made_for)

    return had_one


def _told_with_volumes(cluster: str, before: ClusterStatus) -> frozenset[int]:
    """Indexes of servers that had a volume as of this status, which says so of all together."""
    if not any(c.type == TYPE and c.status == "True" for c in before.conditions):
        return frozenset()
    return indexes_of(cluster, (server.name for server in before.servers))
