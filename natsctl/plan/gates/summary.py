"""JetStream in numbers, for the status and for metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.model.jetstream import Usage, Volume
from natsctl.plan.gates.case import case
from natsctl.plan.gates.stores import store_behind, store_differs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from natsctl.model.jetstream import Asset
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look, Told


@attrs.frozen
class Summary:
    """`groups` are streams and consumers: those that are `healthy`, `short` of members, and
    `leaderless`. A healthy one has a leader, all of its members, and copies that are the same; of
    one that is `behind`, some replica is not good, or copies differ.

    `meta_leader` is empty if there is not exactly one, else `missing` are the servers that it does
    not list. `file` and `memory` are by server, of those
    that answer; `volumes` of those where somebody tells.
    """

    meta_leader: str = ""
    groups: int = 0
    healthy: int = 0
    short: int = 0
    leaderless: int = 0
    behind: int = 0
    missing: int = 0
    file: Mapping[str, Usage] = attrs.field(factory=dict)
    memory: Mapping[str, Usage] = attrs.field(factory=dict)
    volumes: Mapping[str, Volume] = attrs.field(factory=dict)


def summary(expected: Collection[str], looks: tuple[Look, Look]) -> Summary:
    """Of the second look; the first tells which copies stand still."""
    return summary_of(case("", expected, looks))


def summary_of(it: Case) -> Summary:
    """The same of looks that are sorted out already."""
    view = it.second
    told = view.groups.values()
    differing = {block.asset for find in (store_behind, store_differs) for block in find(it)}
    leaders = view.meta_leaders
    return Summary(
        meta_leader=leaders[0] if len(leaders) == 1 else "",
        groups=len(told),
        healthy=sum(_is_healthy(it, group, differing) for group in told),
        short=sum(group.short for group in told),
        leaderless=sum(not group.leaders and not it.standalone for group in told),
        behind=sum(bool(group.bad) or group.asset in differing for group in told),
        missing=len(it.expected - view.members) if view.meta is not None else 0,
        file={name: said.file for name, said in view.answered.items()},
        memory={name: said.memory for name, said in view.answered.items()},
        volumes=dict(_volumes(it)),
    )


def _volumes(it: Case) -> Iterator[tuple[str, Volume]]:
    """Once a reloader may be late: then what it said a look before."""
    for name, said in it.second.answered.items():
        before = it.first.answered.get(name)
        if (volume := said.volume or (before.volume if before else None)) is not None:
            yield name, volume


def _is_healthy(it: Case, group: Told, differing: Collection[Asset | None]) -> bool:
    if it.standalone:
        return True
    settled = bool(group.leader) and not group.moving and len(group.members) == group.replicas
    return settled and not group.bad and group.asset not in differing
