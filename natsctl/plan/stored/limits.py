"""No limit of a store falls below what is in it: whether spec, version or volumes ask for that.

A spec that does is refused, with what is stored and the way out. Whatever else lowers a limit, such
as a volume that is smaller than the others, lowers it only once a look shows that it is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.problems import Problem
from natsctl.api.types.jetstream import FileStore, JetStream, default_share, stores_files
from natsctl.api.version import ServerVersion, is_tag
from natsctl.model.quantity import bytes_text
from natsctl.plan.status.accepted_spec import accepted_with_streams
from natsctl.render.config.jetstream import wanted_file_limit, wanted_memory_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.plan.claims.stored import Stored
    from natsctl.plan.servers.releases import Report
    from natsctl.plan.stores.limits import Level, Levels

FILE: Final = "spec.jetstream.fileStore"
MEMORY: Final = "spec.jetstream.memoryStore"
_MI: Final = 2**20

ADVICE: Final = (
    "servers keep their limit of {} for streams {}: a lower one is possible only once every server "
    "answers and stores less"
)


@attrs.frozen
class Share:
    """Per cent of a volume that streams take at most, unless the spec says it.

    `running` is that of the servers that there are, `wanted` the lowest of theirs and the one of
    the version that they are to run: all of them have one configuration.
    """

    running: int
    wanted: int


def share_of(version: ServerVersion, reports: Iterable[Report]) -> Share:
    """By the releases that servers report, or that their tags tell."""
    known = [found for report in reports if (found := _version(report)) is not None]
    shares = [default_share(each) for each in known if each.number is not None]
    of_version = default_share(version)
    return Share(min(shares, default=of_version), min([*shares, of_version]))


def _version(report: Report) -> ServerVersion | None:
    """None if nothing tells it: anybody may have edited the tag."""
    text = next(filter(is_tag, (report.tag, report.version)), None)
    if text is None:
        return None
    parsed = ServerVersion.parse(text)
    return attrs.evolve(parsed, number=report.number or parsed.number)


def kept_limits(jetstream: JetStream, share: int, capacity: int, levels: Levels) -> tuple[int, int]:
    """Limits on disk and in memory that stay although lower ones are wanted; 0: none does."""
    return (
        levels.kept(levels.file, wanted_file_limit(jetstream, share, capacity)),
        levels.kept(levels.memory, wanted_memory_limit(jetstream)),
    )


def advice(kept_file: int, kept_memory: int) -> Iterator[str]:
    """What somebody may want to know of limits that stay."""
    for count, where in ((kept_file, "on disk"), (kept_memory, "in memory")):
        if count:
            yield ADVICE.format(bytes_text(count), where)


def limit_problems(
    spec: NatsClusterSpec,
    version: ServerVersion,
    share: Share,
    before: ClusterStatus,
    stored: Stored,
) -> tuple[Problem, ...]:
    """What the spec lowers, against the last one that was acted on, and must not lower."""
    last = accepted_with_streams(before)
    if last is None or last.jetstream is None or spec.jetstream is None:
        return ()
    if stores_files(last.jetstream) and not stores_files(spec.jetstream):
        text = "cannot be removed while servers may store streams on disk; put it back"
        return (Problem(FILE, "", text),)
    capacity, levels = stored.capacity(spec.size), stored.levels_at(spec.size)
    return (
        *_file(spec.jetstream, last.jetstream, version, share, capacity, levels),
        *_memory(spec.jetstream, last.jetstream, levels),
    )


def _file(
    new: JetStream,
    old: JetStream,
    version: ServerVersion,
    share: Share,
    capacity: int,
    levels: Levels,
) -> Iterator[Problem]:
    before = wanted_file_limit(old, share.running, capacity)
    wanted = wanted_file_limit(new, share.wanted, capacity)
    if wanted >= before or not levels.kept(levels.file, wanted):
        return
    if wanted_file_limit(new, share.running, capacity) >= before:
        yield _of_version(version, wanted, levels)
        return
    given = (new.file_store or FileStore()).max_size
    yield _problem(f"{FILE}.maxSize", given, wanted, levels.file, whole=levels.whole)


def _memory(new: JetStream, old: JetStream, levels: Levels) -> Iterator[Problem]:
    wanted = wanted_memory_limit(new)
    if wanted < wanted_memory_limit(old) and levels.kept(levels.memory, wanted):
        given = new.memory_store.max_size if new.memory_store else None
        path = f"{MEMORY}.maxSize" if given else MEMORY
        yield _problem(path, given, wanted, levels.memory, whole=levels.whole)


def _problem(path: str, given: str | None, wanted: int, level: Level, *, whole: bool) -> Problem:
    means = given or (f"not set, which means {_text(wanted)}" if wanted else "not set")
    there, full = _text(level.limit), level.fullest
    if full.fits(wanted, 100) and not whole:
        why = f"lower than the limit of {there} that servers have, and {_UNKNOWN}"
        return Problem(path, given or "", f"is {means}, {why} or set it to {there}")
    least = _text(min(-(-full.least // _MI) * _MI, level.limit))
    way = f"set it to {least} or more" if given or path != MEMORY else "put it back"
    if full.used * 100 > full.reserved * 90:
        why = f"{full.server} stores {_text(full.used)}, and streams have no leader at the limit"
        return Problem(path, given or "", f"is {means}, but {why}; {way}, or delete messages first")
    why = f"the streams on {full.server} reserve {_text(full.reserved)}"
    return Problem(path, given or "", f"is {means}, but {why}; {way}, or lower their max_bytes")


_UNKNOWN: Final = "not every server reports how much it stores; wait until all servers answer,"


def _of_version(version: ServerVersion, wanted: int, levels: Levels) -> Problem:
    full = levels.file.fullest
    why = f"with which servers may store {_text(wanted)} on these volumes"
    if full.fits(wanted, 100) and not levels.whole:
        text = f"is {version}, {why}, but {_UNKNOWN} or keep the version"
        return Problem("spec.version", version.text, text)
    most = max(full.used, full.reserved)
    said = f"{full.server} stores or reserves {_text(most)}"
    text = f"is {version}, {why}, but {said}; keep the version, or delete messages first"
    return Problem("spec.version", version.text, text)


def _text(count: int) -> str:
    """So many bytes, or a few less, as people write them."""
    return bytes_text(count // _MI * _MI) if count >= _MI else bytes_text(count)
