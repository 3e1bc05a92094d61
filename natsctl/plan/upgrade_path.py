"""Whether the running servers can be rolled to the wanted version at all.

A roll that cannot end well does not begin: no server is made for a version that never runs beside
those there are. All else that the spec says is done with the version that runs. A roll that has
begun is finished or taken back, as the spec says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.version import Number, ServerVersion, is_tag
from natsctl.api.version_borders import Border, border, in_between
from natsctl.model.names import SERVER_CONTAINER
from natsctl.plan.servers.releases import reports_of, tag_of
from natsctl.plan.servers.server import kubelet_ready, lacks_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Pod
    from natsctl.model.observation import Observation


FAR: Final = 99
"""Steps to a version from nobody knows where."""


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
    known = [
        _Running(tag_of(pod), _release(pod, before, seen), stores, stores and not lacks_store(pod))
        for pod in running
    ]
    for one in sorted(known, key=lambda each: each.tag):
        crossed, steps = one.border(wanted), one.steps(wanted)
        if crossed and crossed.apart and _is_alone(spec, running):
            continue
        if crossed or steps:
            text = _skipped(one.tag, wanted, steps) if steps else ""
            if crossed and steps in ((), (crossed.first,)):
                text = f"{_why(crossed, one.tag, wanted)}; {_way(crossed, wanted)}"
            return Obstacle(text, _staying(known, wanted, before))
    return None


@attrs.frozen
class _Running:
    """What a server runs. `stores`: it is to store streams; `stored`: it may have some already."""

    tag: str
    release: Number | None
    stores: bool
    stored: bool

    def border(self, wanted: ServerVersion) -> Border | None:
        """What lies between it and a version."""
        return border(self.release, wanted.number, stores=self.stores) if self.release else None

    def steps(self, wanted: ServerVersion) -> tuple[str, ...]:
        """The releases that it may not skip on its way there."""
        return in_between(self.release, wanted.number) if self.release and self.stored else ()


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


def _staying(
    known: Sequence[_Running], wanted: ServerVersion, before: ClusterStatus
) -> ServerVersion:
    """Servers stay with what lies on the way, else with what all of them had."""

    def rank(one: _Running) -> tuple[int, bool, str]:
        away = len(one.steps(wanted)) + (one.border(wanted) is not None)
        return away if one.release else FAR, one.tag != before.current_version, one.tag

    nearest = min(known, key=rank)
    return attrs.evolve(ServerVersion.parse(nearest.tag), number=nearest.release, claim="")


def _skipped(old: str, wanted: ServerVersion, steps: Sequence[str]) -> str:
    then = ", then ".join(steps[1:])
    last = f", then {then}" if then else ""
    return (
        f"servers that store streams go from {old} to {wanted} one minor version at a time; set "
        f"version {steps[0]} first{last}, then {wanted}, each once all servers run the one before"
    )


def _why(crossed: Border, old: str, wanted: ServerVersion) -> str:
    return f"servers of {old} and {wanted} cannot run side by side: {crossed.why}"


def _way(crossed: Border, wanted: ServerVersion) -> str:
    if crossed.first:
        return f"set version {crossed.first} first, then {wanted} once all servers run it"
    return (
        "there is no release in between. Either scale to 0 and back once no server is left, or "
        "create a new cluster and move the clients to it"
    )
