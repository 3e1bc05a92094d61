"""Whether a cluster can do with fewer servers at all, before the first of them is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.gates.case import case
from natsctl.plan.gates.groups import VOTERS
from natsctl.plan.gates.looks import look_blocks
from natsctl.plan.gates.verdict import FIRM, Block, Verdict, Why, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from natsctl.model.jetstream import JetStreamReport, Usage
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look

_PREFIXES: Final = 2
"""Unique tags that servers of one cluster have: while they restart for another one, both. All
streams are gone through for each."""


def may_shrink(
    leaving: Collection[str],
    expected: Collection[str],
    looks: tuple[Look, Look],
    now: float,
    overrides: Collection[str] = (),
) -> Verdict:
    """Judge the removal of all these servers, one after the other.

    It says nothing about the moment: each of them needs the gate besides. `overrides` are as in
    `may_go`, though no server moves a replica to where there is none.
    """
    return may_shrink_in(leaving, case("", expected, looks), now, overrides)


def may_shrink_in(
    leaving: Collection[str], it: Case, now: float, overrides: Collection[str] = ()
) -> Verdict:
    """The same by looks that are sorted out already."""
    found = [*look_blocks(it, now), *_blocks(it, frozenset(leaving))]
    let = [block for block in found if block.why in overrides and block.why not in FIRM]
    standing = [block for block in found if block not in let]
    return Verdict(blocks=told(standing), count=len(standing), overridden=told(let))


def _blocks(it: Case, leaving: frozenset[str]) -> Iterator[Block]:
    staying = it.expected - leaving
    said = it.second.answered
    for name in sorted(it.expected - said.keys()):
        yield Block(Why.UNREACHABLE, name, detail="what it holds is not known")
    yield from _replicas(it, len(staying))
    yield from _even(it, len(staying))
    unique = {one.unique_tag.lower(): name for name, one in said.items() if one.unique_tag}
    for prefix in sorted(unique)[:_PREFIXES]:
        yield from _apart(it, leaving, prefix)
    for prefix in sorted(unique)[_PREFIXES:]:
        yield Block(Why.UNREADABLE, unique[prefix], detail="another unique tag than all others")
    for what, usage in _USAGES.items():
        yield from _room(
            what,
            [usage(one) for name, one in said.items() if name in leaving],
            [usage(one) for name, one in said.items() if name in staying],
        )


def _replicas(it: Case, staying: int) -> Iterator[Block]:
    """Nobody has to have more replicas than there are servers."""
    for asset, group in it.second.groups.items():
        if group.replicas > staying:
            detail = f"it has {group.replicas} replicas, and {staying} servers stay"
            yield Block(Why.TOO_FEW, asset=asset, detail=detail)


def _even(it: Case, staying: int) -> Iterator[Block]:
    """An even number of servers survives no more losses than one fewer would."""
    replicated = any(group.replicas >= VOTERS for group in it.second.groups.values())
    if staying % 2 == 0 and replicated:
        yield Block(Why.EVEN, detail=f"{staying} servers stay")


def _apart(it: Case, leaving: frozenset[str], prefix: str) -> Iterator[Block]:
    """No two replicas of a stream are placed on servers that share their tag with this prefix.

    Measured: a server without one gets none. Consumers go with their streams.
    """
    tags = {name: _tag(said, prefix) for name, said in it.second.answered.items()}
    there = {tag for name, tag in tags.items() if name not in leaving} - {""}
    for asset, group in it.second.groups.items():
        gone = group.members & leaving
        free = there - {tags.get(name, "") for name in group.members - leaving}
        if not asset.consumer and len(gone) > len(free):
            detail = f"replicas to move: {len(gone)}, other tags {prefix} there: {len(free)}"
            yield Block(Why.TAGS, asset=asset, detail=detail)


def _tag(said: JetStreamReport, prefix: str) -> str:
    return next((tag for tag in said.tags if tag.startswith(prefix)), "")


def _room(what: str, leaving: list[Usage], staying: list[Usage]) -> Iterator[Block]:
    """What leaves has to find room; of a store without a limit nobody knows what it has."""
    needed = sum(one.used for one in leaving)
    free = sum(max(one.limit - one.used, 0) for one in staying if one.limit)
    if needed > free and all(one.limit for one in staying):
        detail = f"{needed} bytes of {what} have to move, {free} are free"
        yield Block(Why.ROOM, detail=detail)


def _file(said: JetStreamReport) -> Usage:
    return said.file


def _memory(said: JetStreamReport) -> Usage:
    return said.memory


_USAGES: Final[Mapping[str, Callable[[JetStreamReport], Usage]]] = {
    "file store": _file,
    "memory": _memory,
}
