"""A spec without JetStream counts once servers that may store streams have said that there is none.

Where the last accepted spec is not known it never does: servers had nothing to go back to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.api.problems import Problem
from natsctl.model.server_identity import indexes
from natsctl.plan.servers.identity import servers_among
from natsctl.plan.servers.server import lacks_store
from natsctl.plan.status.accepted_spec import accepted_with_streams, is_switched_off

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Pod
    from natsctl.plan.held import Held

_NEVER: Final = Problem(
    "spec.jetstream",
    "",
    "cannot be removed while servers may store streams; put it back, or delete the NatsCluster",
)


def removal_problems(
    name: str, before: ClusterStatus, pods: Collection[Pod], held: Held
) -> tuple[Problem, ...]:
    """Why the servers of the cluster of this name keep JetStream; none: they may lose it."""
    last = accepted_with_streams(before)
    bare = all(map(lacks_store, pods))
    if (last is None and bare) or held.overridden or is_switched_off(before):
        return ()
    if last is None:
        return (_NEVER,)
    there = {index for index, _ in servers_among(name, pods)}
    whole = there.issuperset(indexes(last.size))  # who is away does not say what it holds
    return () if whole and (bare or held.is_nothing) else (held.problem,)
