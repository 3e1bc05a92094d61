"""Limits of the stores that servers have, and what is in these stores.

A limit below what is stored leaves streams without leaders (measured), and one below what streams
reserve keeps these from being created when their server starts (read: `checkBytesLimits`). So a
limit falls only after a look at every server has shown that it is enough. Until then it stays: what
servers start with is in the config Secret, and no restart of the operator makes it forget that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.quantity import bytes_of
from natsctl.model.server_identity import server_name_of
from natsctl.plan.servers.identity import servers_among
from natsctl.plan.servers.server import runs_of
from natsctl.plan.stores.strain import Loan, Strain, loan_of, strain_of
from natsctl.plan.written_block import any_block_of
from natsctl.render.config.jetstream import FILE_LIMIT, MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.jetstream import JetStreamReport, Usage
    from natsctl.model.jetstream_look import Look
    from natsctl.model.objects import Pod, Secret

OLD: Final = 300.0
"""Seconds after which a look says nothing any more of what servers store."""
AT_FIRST, LATER = 90, 95
"""Per cent of a lower limit that may be used: before servers get it, and while they do."""
_FINEST, _DIGITS = 64 * 1024, 5


@attrs.frozen
class Amount:
    """What a server stores, and what its streams reserve: bytes, rounded up."""

    server: str = ""
    used: int = 0
    reserved: int = 0

    @property
    def least(self) -> int:
        """The lowest limit that servers may get."""
        return max(-(-self.used * 100 // AT_FIRST), self.reserved)

    def fits(self, limit: int, percent: int) -> bool:
        """Whether so many per cent of a limit are enough."""
        return self.used <= limit * percent // 100 and self.reserved <= limit


@attrs.frozen
class Level:
    """One store of all servers.

    `starting`: the limit with which a server starts; `running`: the highest that any server says it
    has. `fullest` is the server that needs the highest limit, of those that tell.
    """

    starting: int = 0
    running: int = 0
    fullest: Amount = Amount()

    @property
    def limit(self) -> int:
        """The highest limit that any server has, or gets when it starts."""
        return max(self.starting, self.running)


@attrs.frozen
class Levels:
    """The stores on disk and in memory. `whole`: every server with a volume says what it stores;
    `silent` are the indexes of those that do not, `there` of those that have a pod. `strain` is how
    near the store on disk is to its limit, `loan` a higher limit that was lent for that."""

    file: Level = Level()
    memory: Level = Level()
    whole: bool = True
    silent: frozenset[int] = frozenset()
    there: frozenset[int] = frozenset()
    strain: Strain = attrs.field(factory=Strain)
    loan: Loan = attrs.field(factory=Loan)

    def without(self, left: Collection[int]) -> Levels:
        """The same if these servers have nothing to say."""
        known = bool(self.silent) and self.silent.issubset(left)
        return attrs.evolve(self, whole=self.whole or known)

    def kept(self, level: Level, wanted: int) -> int:
        """The limit that stays in place of a wanted one that may be too low; 0: it is not.

        A lower limit that servers start with already stays, unless they have filled up meanwhile.
        """
        if wanted >= level.limit:
            return 0
        decided = level.starting <= wanted
        if not decided and not self.whole:
            return level.limit
        enough = level.fullest.fits(wanted, LATER if decided else AT_FIRST)
        return 0 if enough else level.limit


def levels_of(
    name: str,
    secret: Secret | None,
    before: ClusterStatus,
    pods: Collection[Pod],
    looks: Sequence[Look],
    needed: Iterable[int],
    now: float,
    timestamp: str = "",
) -> Levels:
    """What the config Secret and the latest look tell of a cluster of this name.

    `needed` are the indexes of servers that have a volume. Without a Secret, the status tells the
    limit of the file store. `timestamp` is the moment in RFC 3339.
    """
    starting = starting_limits(secret) if secret is not None else {FILE_LIMIT: _in_status(before)}
    said = dict(_said(name, pods, looks, now))
    there = frozenset(index for index, _ in servers_among(name, pods))
    heard = {index for index, _ in said}
    silent = there.union(needed).difference(heard)
    reports = {pod: report for (_, pod), report in said.items()}
    return Levels(
        _level(starting.get(FILE_LIMIT, 0), {pod: it.file for pod, it in reports.items()}),
        _level(starting.get(MEMORY_LIMIT, 0), {pod: it.memory for pod, it in reports.items()}),
        not silent,
        silent,
        there,
        strain_of(reports.values(), whole=not silent),
        loan_of(before, starting.get(FILE_LIMIT, 0), timestamp),
    )


def starting_limits(secret: Secret) -> dict[str, int]:
    """With which limits a server starts; empty if the configuration has no store, or is not one
    that natsctl wrote."""
    return {key: count for key, count in any_block_of(secret).items() if type(count) is int}


def _in_status(before: ClusterStatus) -> int:
    told = before.jetstream.storage if before.jetstream is not None else ()
    return max((bytes_of(storage.limit) for storage in told), default=0)


def _said(
    name: str, pods: Collection[Pod], looks: Sequence[Look], now: float
) -> Iterator[tuple[tuple[int, str], JetStreamReport]]:
    """Index and pod of each server, and what it says now; one without JetStream stores unseen."""
    last = looks[-1] if looks else None
    if last is None or now - last.began > OLD or last.runs != runs_of(pods):
        return
    for index, pod in servers_among(name, pods):
        report = last.reports.get(pod.metadata.uid)
        if report is None or report.problem or report.disabled:
            continue
        if report.name == server_name_of(pod):
            yield (index, pod.metadata.name), report


def _level(starting: int, usages: Mapping[str, Usage]) -> Level:
    found = (
        Amount(pod, _rounded(usage.used), _rounded(usage.reserved)) for pod, usage in usages.items()
    )
    return Level(
        starting,
        max((usage.limit for usage in usages.values()), default=0),
        max(found, key=lambda amount: amount.least, default=Amount()),
    )


def _rounded(count: int) -> int:
    """Up, by 6 % at most: what grows all the time is not to be judged again all the time."""
    step = max(_FINEST, 1 << max(count.bit_length() - _DIGITS, 0))
    return -(-count // step) * step
