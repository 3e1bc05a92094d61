"""Volumes that a NatsCluster takes back have data, and a spec that this does not fit is refused.

Nothing is made for it, so nothing starts with an empty store next to data that it does not see.
What servers that have pods depend on, these tell (`stored_identity`, `upgrade_path`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.problems import Problem
from natsctl.model.server_identity import claim_name
from natsctl.plan.claims.data import unfit
from natsctl.plan.server_identity import has_server, servers_among
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.version import ServerVersion
    from natsctl.model.objects import Pod
    from natsctl.plan.claims.stored import Stored


def volume_problems(
    cluster: str,
    spec: NatsClusterSpec,
    version: ServerVersion,
    pods: Collection[Pod],
    stored: Stored,
) -> tuple[Problem, ...]:
    """At most one of each field, as the first claim tells it that differs."""
    if spec.jetstream is None:
        return ()
    running = {index for index, _ in servers_among(cluster, pods)}
    found: dict[str, Problem] = {}
    for index in sorted(stored.data.keys() - running):
        data, name = stored.data[index], f"{data_kind().kind} {claim_name(cluster, index)}"
        stood = has_server(data.size, index)
        if not stood:
            continue  # its server was removed
        for problem in unfit(name, data, spec, version):
            found.setdefault(problem.path, problem)
        if stored.earlier.get(index) and spec.size < data.size:
            found.setdefault("spec.size", _fewer(name, spec.size, data.size))
    return tuple(found[path] for path in sorted(found))


def _fewer(name: str, size: int, stored: int) -> Problem:
    message = (
        f"is {size}, but {name} is one of {stored} volumes whose servers stored streams together; "
        f"set it to {stored} or more, and remove servers afterwards"
    )
    return Problem("spec.size", str(size), message)
