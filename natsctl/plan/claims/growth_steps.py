"""When volumes grow by themselves, and to what size: one step at a time, up to a maximum.

What is stored is compared with the size that is wanted, which is the largest that a claim asks for.
So a step lowers the figure as soon as it is taken, whatever servers have made of it by then, and as
volumes do not shrink, nothing goes back and forth. A step takes nothing from anybody: one server
that is full is enough, whatever others say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.types.jetstream import default_share, most_size, volume_growth, volume_size
from natsctl.model.jetstream import Usage, Volume
from natsctl.model.quantity import parse_bytes
from natsctl.model.times import moment
from natsctl.plan.jetstream import name_of
from natsctl.plan.servers.identity import wanted as staying
from natsctl.render.config.jetstream import wanted_file_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.api.types.jetstream import JetStream, VolumeGrowth
    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.context import Context

PAUSE: Final = 300.0
"""Seconds after a claim was last to ask for more, before a step follows."""
EASED: Final = 5
"""Points below the threshold until which what was wanted, and refused, is still wanted."""
AROUND: Final = 10
"""Points by which a file system may be smaller than its volume."""
GI, MI = 2**30, 2**20
ROUND: Final = 10 * GI
"""Volumes of so many bytes grow by whole GiB, as storage often does anyway."""


@attrs.frozen
class Fill:
    """How full the fullest store or volume is, in per cent, and whose that is."""

    percent: int
    what: str
    pod: str

    def __str__(self) -> str:
        return f"the {self.what} of {self.pod} is {self.percent} % full"


@attrs.frozen
class Step:
    """The size that volumes are to have next, in bytes; `why` is empty if nobody knows any more."""

    size: int
    why: str = ""


def most_of(context: Context) -> int:
    """Bytes up to which volumes grow by themselves; 0: they do not."""
    found = _given(context)
    return parse_bytes(most_size(found[0])) if found is not None else 0


def wanted_of(context: Context) -> int:
    """Bytes that volumes are to have now: by the spec, or because one has grown already."""
    target = context.desired.target
    assert target.spec.jetstream is not None  # else there are no volumes
    return target.inputs.volume or parse_bytes(volume_size(target.spec.jetstream))


def has_grown(context: Context) -> bool:
    """Whether volumes are to be larger than the spec says."""
    return context.desired.target.inputs.volume > 0


def next_step(context: Context, claims: Iterable[LiveClaim]) -> Step | None:
    """What these claims are to ask for, all of which have what was wanted so far."""
    found, live = _given(context), tuple(claims)
    if found is None or not live or _is_recent(context, live):
        return None
    growth, wanted = found[1], wanted_of(context)
    size = min(_larger(wanted, growth.step_percent), parse_bytes(growth.max_size))
    refused = (context.state.growths.get(claim.uid) for claim in live)
    again = any(it is not None and it.words.size == size for it in refused)
    if size <= wanted or not fills_up(context, again=again):
        return None
    fill = fullest(context)
    return Step(size, str(fill) if fill is not None else "")


def is_at_most(context: Context) -> bool:
    """Whether volumes have grown as far as they may."""
    most = most_of(context)
    return 0 < most <= wanted_of(context)


def fills_up(context: Context, *, again: bool) -> bool:
    """Whether somebody is full enough for a step, or was, and nobody knows better (`again`)."""
    if context.state.seen is None:
        return again
    fill = fullest(context)
    return fill is not None and fill.percent >= _mark(context, again=again)


def fullest(context: Context) -> Fill | None:
    """The fullest store or volume by what the latest looks say; None: they say nothing."""
    return max(_fills(context), key=lambda fill: fill.percent, default=None)


def _given(context: Context) -> tuple[JetStream, VolumeGrowth] | None:
    jetstream = context.desired.target.spec.jetstream
    growth = volume_growth(jetstream) if jetstream is not None else None
    return (jetstream, growth) if jetstream is not None and growth is not None else None


def _mark(context: Context, *, again: bool) -> int:
    """Per cent from which on somebody is full: a little less if so before, or it would flap."""
    found = _given(context)
    assert found is not None
    return found[1].threshold_percent - (EASED if again else 0)


def _fills(context: Context) -> Iterator[Fill]:
    """Of each server that tells and stays: what others have may fit once it has moved.

    A store counts once its server has the limit of the wanted size: with that of smaller volumes,
    larger ones are of no use. A look may be older than the last growth, so of a volume the bytes
    have to be near the wanted size, too.
    """
    seen, found = context.state.seen, _given(context)
    if seen is None or found is None:
        return
    target, wanted = context.desired.target, wanted_of(context)
    share = target.inputs.share or default_share(target.version)
    limit = wanted_file_limit(found[0], share, wanted)
    least = wanted * (found[1].threshold_percent - AROUND) // 100
    for server in staying(context.servers, target.spec.size):
        usage = seen.summary.file.get(name_of(server), Usage())
        volume = seen.summary.volumes.get(name_of(server), Volume(0, 0))
        if usage.limit >= limit > 0:
            yield Fill(min(usage.used * 100 // limit, 100), "file store", server.name)
        if volume.used >= least:
            yield Fill(min(volume.percent, 100), "volume", server.name)


def _larger(size: int, percent: int) -> int:
    """Rounded up, so that people can read it."""
    unit = GI if size >= ROUND else MI
    return -(-size * (100 + percent) // (100 * unit)) * unit


def _is_recent(context: Context, claims: Iterable[LiveClaim]) -> bool:
    """Whether one of them was to ask for more a moment ago; what nobody can read does not count."""
    now = moment(context.state.timestamp)
    noted = (moment(claim.grown_at) for claim in claims)
    ago = ((now - then).total_seconds() for then in noted if now is not None and then is not None)
    return any(0 <= seconds < PAUSE for seconds in ago)
