"""Whether servers of a cluster ran with volumes before, as its pods and its status tell.

They are no substitute for the notes, but where these say nothing, or that there is no volume yet,
they tell that somebody deleted them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.plan.server_identity import indexes_of
from natsctl.render.revision.revision import stores_streams

if TYPE_CHECKING:
    from natsctl.api.types.status import ClusterStatus
    from natsctl.plan.context import Context

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


def told_with_volumes(cluster: str, before: ClusterStatus) -> frozenset[int]:
    """Indexes of servers that had a volume as of this status, which says so of all together."""
    if not any(c.type == TYPE and c.status == "True" for c in before.conditions):
        return frozenset()
    return indexes_of(cluster, (server.name for server in before.servers))
