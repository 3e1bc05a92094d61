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
