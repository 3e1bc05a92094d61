"""Status and condition of JetStream: what the latest looks show, without what changes by itself.

Nothing is written for a cluster that rests, and nothing flaps: numbers that grow are told in
steps, both looks have to agree, and a restart that is over soon is not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.types.status import (
    BlockedStatus,
    GroupsStatus,
    JetStreamStatus,
    StorageStatus,
)
from natsctl.model.quantity import bytes_text
from natsctl.model.times import moment
from natsctl.plan.claims.growth_words import way_to_room
from natsctl.plan.gates.quorum import State
from natsctl.plan.gates.words import row
from natsctl.plan.jetstream import stores
from natsctl.plan.servers.server import lacks_store
from natsctl.plan.status.conditions import Verdict
from natsctl.plan.status.jetstream_words import Fullness, lent_text, verdict_of
from natsctl.plan.status.lent import normal_limit
from natsctl.plan.status.steps import tells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from natsctl.api.types.status import Condition, LentStatus, VolumeStatus
    from natsctl.plan.context import Context
    from natsctl.plan.gates.seen import Seen
    from natsctl.plan.gates.summary import Summary
    from natsctl.plan.state import ClusterState

TYPE: Final = "JetStream"
"""Of the condition."""
OLD: Final = 300.0
"""Seconds after which the last look says nothing any more."""
SHORT: Final = 30.0
"""Seconds after a change, such as a restart, before what is wrong is told."""
_TENTH: Final = 10

Told = tuple[JetStreamStatus | None, Verdict | None]
NOTHING: Final[Told] = (None, None)


def jetstream_told(
    state: ClusterState,
    context: Context | None,
    volumes: Mapping[str, VolumeStatus],
    lent: LentStatus | None,
) -> Told:
    """Status and condition; neither for a cluster without JetStream, or not yet looked at.

    `volumes` are by the names of pods, `lent` is the reserve that servers have.
    """
    if context is not None and not stores(context):
        return NOTHING
    before = state.status.jetstream, _verdict_before(state)
    seen = state.seen
    if seen is None or state.now - seen.at > OLD:
        return before if state.quiet <= OLD or context is None else _unknown(before[0])
    fresh = _status(seen, before[0], state.timestamp)
    full = _fullness(fresh.storage, volumes)
    if lent is not None and context is not None:
        full = attrs.evolve(full, lent=lent_text(lent.limit, normal_limit(context.desired.target)))
    if context is not None and (way_out := way_to_room(context)):
        full = attrs.evolve(full, way_out=way_out)
    verdict = verdict_of(seen, full)
    settles = state.quiet < SHORT or _is_switched_on(context)
    if settles and verdict.status != "True" and _was_well(before[1]):
        return before
    return fresh, verdict


def _is_switched_on(context: Context | None) -> bool:
    """Whether some servers have JetStream and others do not yet: together they are no quorum."""
    return context is not None and any(lacks_store(server.pod) for server in context.servers)


def _unknown(before: JetStreamStatus | None) -> Told:
    """What was true of groups and storage stays: nobody knows better."""
    told = attrs.evolve(before or JetStreamStatus(), quorum=str(State.UNKNOWN), must_stay=())
    text = "natsctl has not been able to look at JetStream for several minutes"
    return told, Verdict("Unknown", "NotLookedAt", text)


def _verdict_before(state: ClusterState) -> Verdict | None:
    found = next((c for c in state.status.conditions if c.type == TYPE), None)
    return _verdict(found) if found is not None else None


def _verdict(condition: Condition) -> Verdict:
    return Verdict(condition.status, condition.reason, condition.message)


def _was_well(verdict: Verdict | None) -> bool:
    """Servers that only start do not make a new cluster one that is ill."""
    return verdict is None or verdict.status == "True"


def _status(seen: Seen, before: JetStreamStatus | None, now: str) -> JetStreamStatus:
    summary, lost = seen.summary, seen.quorum.meta_lost
    kept = before.meta_leader if before is not None and not lost else ""
    leader = seen.pod_of(summary.meta_leader) if summary.meta_leader else kept
    return JetStreamStatus(
        quorum=str(seen.quorum.state),
        must_stay=tuple(sorted(map(seen.pod_of, seen.quorum.must_stay))),
        meta_leader=leader,
        groups=_groups(summary, before.groups if before is not None else None),
        blocked=tuple(_blocked(seen, before.blocked if before is not None else (), now)),
        storage=tuple(_storage(seen, before.storage if before is not None else ())),
    )


def _blocked(seen: Seen, before: Iterable[BlockedStatus], now: str) -> Iterator[BlockedStatus]:
    """Each since when it was told first, without a break: another process reads that there."""
    known = {_which(told): told.since for told in before if moment(told.since) is not None}
    for block in seen.blocked:
        server = seen.pod_of(block.server) if block.server else ""
        told = BlockedStatus(**row(attrs.evolve(block, server=server)))
        yield attrs.evolve(told, since=known.get(_which(told), now))


def _which(told: BlockedStatus) -> BlockedStatus:
    """What of it stays the same: not what was seen of it."""
    return attrs.evolve(told, message="", since="")


def _groups(summary: Summary, before: GroupsStatus | None) -> GroupsStatus:
    """As before, if only a few that are well have come or gone: consumers do that all the time."""
    now = GroupsStatus(summary.groups, summary.healthy, summary.short, summary.leaderless)
    if before is None or _ill(before) != _ill(now):
        return now
    return before if abs(now.total - before.total) * _TENTH <= before.total else now


def _ill(groups: GroupsStatus) -> tuple[int, int, int]:
    return groups.total - groups.healthy, groups.short, groups.leaderless


def _storage(seen: Seen, before: Iterable[StorageStatus]) -> Iterator[StorageStatus]:
    """Of a server that does not answer, what it said last."""
    known = {it.server: it for it in before}
    for name in sorted(seen.pods):
        pod = seen.pod_of(name)
        last, usage = known.get(pod), seen.summary.file.get(name)
        if usage is not None and usage.limit > 0:
            percent = max(usage.used, 0) * 100 // usage.limit
            limit = bytes_text(usage.limit)
            same = last is not None and last.limit == limit
            yield (
                last
                if last and same and not tells(last.used_percent, percent)
                else StorageStatus(pod, percent, limit)
            )
        elif last is not None:
            yield last


def _fullness(storage: Iterable[StorageStatus], volumes: Mapping[str, VolumeStatus]) -> Fullness:
    """What the status says of stores and volumes, so that both change with it only."""
    return Fullness(
        {it.server: it.used_percent for it in storage},
        {name: it.used_percent for name, it in volumes.items() if it.used},
    )
