"""Changes that nothing safe leads to yet while servers store streams.

Such a spec is refused before anything begins, with the way out, and the last accepted one stays in
effect. What stored data depends on in any case is the business of `stored_identity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.effects import Cost
from natsctl.api.problems import Problem, shown
from natsctl.api.schema.spec_fields import spec_fields
from natsctl.plan.servers.server import has_store
from natsctl.plan.status.accepted_spec import accepted_with_streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Pod


def unsupported_changes(
    spec: NatsClusterSpec, before: ClusterStatus, pods: Sequence[Pod]
) -> Iterator[Problem]:
    """What keeps the servers that there are from becoming what the spec says."""
    if any(map(has_store, pods)):
        yield from _removed(spec)
        yield from _volumes(spec, accepted_with_streams(before))


def _removed(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Fewer servers are emptied first; the last ones have nowhere to move streams to."""
    if spec.size == 0:
        message = (
            "is 0, but servers that may store streams cannot all be removed; set it to 2 or more, "
            "or delete the NatsCluster, which keeps the volumes"
        )
        yield Problem("spec.size", str(spec.size), message)


def _volumes(spec: NatsClusterSpec, last: NatsClusterSpec | None) -> Iterator[Problem]:
    if last is None:
        return
    for path, field in spec_fields().items():
        wanted, there = field.value(spec), field.value(last)
        if field.effect.cost is Cost.VOLUMES and wanted != there:
            message = (
                f"is {shown(wanted)}, but this version of natsctl does not change volumes that "
                f"there are; set it back to {shown(there)}"
            )
            yield Problem(f"spec.{path}", shown(wanted), message)
