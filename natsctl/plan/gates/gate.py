"""May this server go? And if not, who holds it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from natsctl.plan.gates import groups, meta, servers
from natsctl.plan.gates.baseline import is_known, lasting, taken
from natsctl.plan.gates.case import Case, case
from natsctl.plan.gates.looks import look_blocks
from natsctl.plan.gates.notes import notes
from natsctl.plan.gates.stores import store_behind, store_differs
from natsctl.plan.gates.verdict import (
    FIRM,
    MAX_NOTES,
    Baseline,
    Block,
    Purpose,
    Verdict,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.model.jetstream import Asset
    from natsctl.plan.gates.look import Look, View

Predicate = Callable[[Case, "View"], Iterator[Block]]

OF_SERVERS: Final[tuple[Predicate, ...]] = (
    servers.unreachable,
    servers.wrong_name,
    servers.unknown,
    servers.too_many,
    servers.unreadable,
    servers.jetstream_off,
    servers.unhealthy,
    servers.no_route,
    servers.store_limit,
)
OF_GROUPS: Final[tuple[Predicate, ...]] = (
    groups.no_leader,
    groups.two_leaders,
    groups.moving,
    groups.replica,
    groups.quorum,
    groups.short,
    groups.hosted,
    groups.memory,
)
OF_A_LOOK: Final = OF_SERVERS + OF_GROUPS
"""Each has to pass in both looks."""
OF_CLUSTERS: Final[tuple[Predicate, ...]] = (
    meta.meta_leader,
    meta.meta_size,
    meta.meta_members,
    meta.meta_replica,
    meta.meta_quorum,
)
"""The same, where there is a meta group."""
OF_BOTH: Final[tuple[Callable[[Case], Iterator[Block]], ...]] = (store_behind, store_differs)
"""Those that compare the looks."""


def may_go(
    target: str,
    expected: Collection[str],
    looks: tuple[Look, Look],
    now: float,
    baseline: Baseline | None = None,
    overrides: Collection[str] = (),
    purpose: Purpose = Purpose.RESTART,
) -> Verdict:
    """Judge one server.

    `expected` are the names of all servers that there should be, the target among them. `looks`
    are at least a second apart, and `now` is seconds of their clock. `overrides` are values of
    `Why`: what somebody decided, for this one step, not to wait for.
    """
    return judge(case(target, expected, looks, purpose), now, baseline, overrides)


def judge(
    it: Case,
    now: float,
    baseline: Baseline | None = None,
    overrides: Collection[str] = (),
    helpless: Collection[Asset] = (),
) -> Verdict:
    """The same of looks that are sorted out already; what is `helpless` needs the target itself."""
    standing: list[Block] = []
    known: list[Block] = []
    overridden: list[Block] = []
    found = blocks(it, now)
    broken = frozenset(block.asset for block in found)
    for block in found:
        if block.asset in helpless or (baseline and is_known(it, block, baseline, broken)):
            known.append(block)
        elif block.why in overrides and block.why not in FIRM:
            overridden.append(block)
        else:
            standing.append(block)
    remarks = [*notes(it)]
    return Verdict(
        blocks=told(standing),
        count=len(standing),
        notes=tuple(remarks[:MAX_NOTES]),
        note_count=len(remarks),
        known=told(known),
        overridden=told(overridden),
    )


def blocks(it: Case, now: float) -> Collection[Block]:
    """All that blocks, each once, as it was seen last."""
    seen = {block: block for block in look_blocks(it, now)}
    predicates = OF_A_LOOK if it.standalone else OF_A_LOOK + OF_CLUSTERS
    for predicate in predicates:
        for view in it.views:
            for block in predicate(it, view):
                if not is_gone(it, block):
                    seen.pop(block, None)
                    seen[block] = block
    for compare in OF_BOTH:
        seen |= {block: block for block in compare(it)}
    return seen.values()


def baseline(
    expected: Collection[str],
    looks: tuple[Look, Look],
    now: float,
    before: Baseline | None = None,
) -> Baseline:
    """What is broken while nobody is to go; of what was so `before`, what still is."""
    return baseline_in(case("", expected, looks), now, before)


def baseline_in(it: Case, now: float, before: Baseline | None = None) -> Baseline:
    """The same of looks that are sorted out already."""
    found = blocks(it, now)
    return taken(found) if before is None else lasting(before, it, found)


def is_gone(it: Case, block: Block) -> bool:
    """Whether it is about an asset that nobody tells of any more: it was deleted meanwhile.

    While it is, some servers tell of it and some do not. A server that has too many to tell all of
    them may only have told others this time.
    """
    asset = block.asset
    told_once = asset in it.first.groups and asset not in it.second.groups
    return asset is not None and told_once and not it.second.partial
