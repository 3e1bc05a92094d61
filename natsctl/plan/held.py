"""Whether servers hold any stream: JetStream is switched off only where there is none.

What volumes hold stays there, but nobody can read it until JetStream is back, and what is in memory
is lost. So all servers have to say, twice and just now, that they hold nothing. A user who wants it
nevertheless says so in an annotation that means this NatsCluster, and this generation of its spec.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from heapq import nsmallest
from typing import TYPE_CHECKING, Final

import attrs
import msgspec

from natsctl.api.problems import Problem
from natsctl.model.foreign import named
from natsctl.model.jetstream import Asset
from natsctl.model.server_identity import server_name_of
from natsctl.plan.gates.looks import APART, FRESH
from natsctl.plan.gates.words import OVERRIDE, SOME
from natsctl.plan.servers.server import lacks_store, runs_of
from natsctl.plan.written_block import has_block

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from natsctl.model.jetstream import JetStreamReport
    from natsctl.model.jetstream_look import Look, Times
    from natsctl.model.objects import Cluster, Pod, Secret

STREAMS: Final = "streams"
SWITCH_OFF: Final = f"{OVERRIDE}{STREAMS}"
"""The annotation."""
OLD: Final = 300.0
"""Seconds after which a look says nothing any more of what there is."""
_DIGEST: Final = 8


@attrs.frozen
class Held:
    """What servers said last: `names` are some of `count` streams.

    `is_nothing`: surely none of them holds anything. `override` is the annotation with which a user
    says that it does not matter, and `overridden` that somebody did. `is_begun`: what servers start
    with has no JetStream by now.
    """

    names: tuple[str, ...] = ()
    count: int = 0
    is_nothing: bool = False
    override: str = ""
    overridden: bool = False
    is_begun: bool = False

    @property
    def may_go(self) -> bool:
        """Whether JetStream may be switched off."""
        return self.is_nothing or self.overridden

    @property
    def problem(self) -> Problem:
        """Why it may not, or not before some server that is away can say more; and the way out."""
        remedy = f"; {way_out(self.override)}" if self.override else ""
        return Problem("spec.jetstream", "", f"{self._why}{remedy}")

    @property
    def _why(self) -> str:
        if not self.count:
            return (
                "is not removed before all servers have said that they hold no stream; natsctl "
                "asks them, and continues by itself"
            )
        return (
            f"cannot be removed while there are streams: {shown(self.names, self.count)}; delete "
            "them, or put it back"
        )


@attrs.frozen
class Streams:
    """Some of them by name, and how many there are."""

    names: tuple[str, ...] = ()
    count: int = 0


NOT_ASKED: Final = Held(is_begun=True)
"""Of a cluster that has JetStream by its spec, or whose servers have none."""


def shown(names: Sequence[str], count: int) -> str:
    """Some streams by name, the rest as a number."""
    some = ", ".join(map(named, names[:SOME]))
    return some if count <= SOME else f"{some} and {count - SOME} more"


def way_out(override: str) -> str:
    """How to go on nevertheless."""
    return (
        "to continue anyway, annotate the cluster: what is in memory is lost, and what is on "
        f"volumes stays there, for when jetstream is back: {override}"
    )


def override_of(cluster: Cluster) -> str:
    """The annotation as kubectl takes it."""
    return f"{SWITCH_OFF}={_value(cluster)}"


def is_overridden(cluster: Cluster) -> bool:
    """Whether a user said that it does not matter what servers hold."""
    return cluster.metadata.annotation(SWITCH_OFF) == _value(cluster)


def _value(cluster: Cluster) -> str:
    meta = cluster.metadata
    told = msgspec.json.encode((meta.uid, meta.generation))
    return f"{meta.uid}.{hashlib.sha256(told).hexdigest()[:_DIGEST]}"


def is_asked(cluster: Cluster, pods: Collection[Pod]) -> bool:
    """Whether servers that may store streams are to lose JetStream."""
    return asks_for_none(cluster.spec) and not all(map(lacks_store, pods))


def telling(pods: Collection[Pod], looks: Sequence[Look], now: float) -> tuple[Look, ...]:
    """The latest two looks, those that say something of these pods now."""
    runs = runs_of(pods)
    return tuple(look for look in looks[-2:] if now - look.began <= OLD and look.runs == runs)


def streams_told(looks: Iterable[Times]) -> Streams:
    """The streams that servers hold anything of, be it only a consumer.

    It goes through all that they hold, which takes long where there is much of it.
    """
    groups = (asset for look in looks for said in look.reports.values() for asset in said.groups)
    streams = {(asset.account, asset.stream) for asset in groups}
    names = (str(Asset(*stream)) for stream in nsmallest(SOME, streams))
    return Streams(tuple(names), len(streams))


def held_of(
    cluster: Cluster,
    secret: Secret | None,
    pods: Collection[Pod],
    told: Sequence[Look],
    streams: Streams,
    now: float,
) -> Held:
    """What the looks that are `telling`, and the streams in them, say of a cluster that `is_asked`.

    While it is paused nobody decides anything: what servers hold may be another thing later.
    """
    whole = _are_two(told, now) and all(_is_whole(look, pods) for look in told)
    acts = not is_paused(cluster.spec)
    return Held(
        names=streams.names,
        count=streams.count,
        is_nothing=acts and whole and not streams.count,
        override=override_of(cluster),
        overridden=acts and is_overridden(cluster),
        is_begun=secret is not None and not has_block(secret),
    )


def asks_for_none(raw: object) -> bool:
    """Whether a spec as it is stored asks for servers without JetStream."""
    return isinstance(raw, Mapping) and not isinstance(raw.get("jetstream"), Mapping)


def is_paused(raw: object) -> bool:
    """Whether a spec as it is stored says to change nothing."""
    return isinstance(raw, Mapping) and bool(raw.get("paused"))


def _are_two(looks: Sequence[Look], now: float) -> bool:
    began = [look.began for look in looks]
    return len(began) > 1 and began[1] - began[0] >= APART and now - began[0] <= 2 * FRESH


def _is_whole(look: Look, pods: Iterable[Pod]) -> bool:
    """Whether every server that may store something says all of it."""
    storing = (pod for pod in pods if not lacks_store(pod))
    return all(_tells_all(look.reports.get(pod.metadata.uid), pod) for pod in storing)


def _tells_all(report: JetStreamReport | None, pod: Pod) -> bool:
    if report is None or report.problem or report.disabled or report.name != server_name_of(pod):
        return False
    return not (report.unknown or report.too_many or report.groups or report.health.starting)
