"""Whether the running servers can be rolled to the wanted version at all.

A roll that cannot end well does not begin: no server is made for a version that never runs beside
those there are. All else that the spec says is done with the version that runs. A roll that has
begun is finished or taken back, as the spec says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.api.version import ServerVersion, is_tag
from natsctl.api.version_borders import Border, border
from natsctl.model.names import SERVER_CONTAINER
from natsctl.plan.releases import reports_of, tag_of
from natsctl.plan.servers import kubelet_ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.api.version import Number
    from natsctl.model.objects import Pod
    from natsctl.model.observation import Observation


@attrs.frozen
class Obstacle:
    """Why a version is out of reach, and the one that the servers stay with."""

    message: str
    staying: ServerVersion


def obstacle(
    spec: NatsClusterSpec,
    wanted: ServerVersion,
    before: ClusterStatus,
    pods: Sequence[Pod],
    seen: Mapping[str, Observation],
) -> Obstacle | None:
    """What keeps the running servers from the wanted version; None if nothing does."""
    there = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    if spec.size == 0 or any(tag_of(pod) == wanted.text for pod in there):
        return None
    running = [pod for pod in there if is_running(pod) and is_tag(tag_of(pod))]
    stores = spec.jetstream is not None
    known = [(tag_of(pod), _release(pod, before, seen)) for pod in running]
    for tag, release in sorted(known, key=lambda each: each[0]):
        crossed = border(release, wanted.number, stores=stores) if release else None
        if crossed and not (crossed.apart and _is_alone(spec, running)):
            return _obstacle(crossed, tag, wanted, before, known, stores=stores)
    return None


def is_running(pod: Pod) -> bool:
    """Whether there is a process; one that is not ready may have routes all the same."""
    states = (c.state for c in pod.status.container_statuses or () if c.name == SERVER_CONTAINER)
    return kubelet_ready(pod) or any(state and state.running is not None for state in states)


def _release(pod: Pod, before: ClusterStatus, seen: Mapping[str, Observation]) -> Number | None:
    (report,) = reports_of([pod], before, seen)
    return report.number or ServerVersion.parse(report.tag).number


def _is_alone(spec: NatsClusterSpec, running: Sequence[Pod]) -> bool:
    """Whether no server ever runs beside another one."""
    return spec.size == 1 and len(running) == 1 and not spec.extra_routes


def _obstacle(
    crossed: Border,
    old: str,
    wanted: ServerVersion,
    before: ClusterStatus,
    known: Sequence[tuple[str, Number | None]],
    *,
    stores: bool,
) -> Obstacle:
    tag, number = min(known, key=lambda each: _rank(each, wanted, before, stores=stores))
    staying = attrs.evolve(ServerVersion.parse(tag), number=number, claim="")
    return Obstacle(f"{_why(crossed, old, wanted)}; {_way(crossed, wanted)}", staying)


def _rank(
    each: tuple[str, Number | None],
    wanted: ServerVersion,
    before: ClusterStatus,
    *,
    stores: bool,
) -> tuple[bool, bool, str]:
    """Servers stay with what lies on the way, else with what all of them had."""
    tag, number = each
    behind = number is None or border(number, wanted.number, stores=stores) is not None
    return behind, tag != before.current_version, tag


def _why(crossed: Border, old: str, wanted: ServerVersion) -> str:
    return f"servers of {old} and {wanted} cannot run side by side: {crossed.why}"


def _way(crossed: Border, wanted: ServerVersion) -> str:
    if crossed.first:
        return f"set version {crossed.first} first, then {wanted} once all servers run it"
    return (
        "there is no release in between. Either scale to 0 and back once no server is left, or "
        "create a new cluster and move the clients to it"
    )
