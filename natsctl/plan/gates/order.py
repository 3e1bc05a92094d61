"""In which order servers go: those first that serve nobody, the leader of the meta group last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.plan.gates.case import case
from natsctl.plan.gates.frozen import frozen_copies
from natsctl.plan.gates.in_memory import apart
from natsctl.plan.gates.notes import may_have_holes
from natsctl.plan.gates.verdict import Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look


@attrs.frozen
class Candidate:
    """A server that is to go.

    `running`: its container runs, as the kubelet tells: a server that only does not answer may be
    paused, or out of natsctl's reach. `room`: its volume is as large as it should be.
    """

    name: str
    ready: bool = True
    running: bool = True
    room: bool = True


@attrs.frozen
class Step:
    """Servers that go together, which is one, except those that hold nothing up.

    `gated`: the gate is asked before. `step_down`: the server hands over the meta group before.
    """

    servers: tuple[str, ...]
    gated: bool = True
    step_down: bool = False
    purpose: Purpose = Purpose.RESTART


@attrs.frozen
class Order:
    """`steps` one after the other; `without_room` can only fail again before they have some.

    `without_copies` have lost what they had in memory, and wait for others that get theirs back.
    """

    steps: tuple[Step, ...]
    without_room: tuple[str, ...] = ()
    without_copies: tuple[str, ...] = ()


def order(
    candidates: Sequence[Candidate], expected: Collection[str], looks: tuple[Look, Look]
) -> Order:
    """The given order where nothing speaks against it.

    A server that does not run, or whose JetStream is off, holds nothing up and comes back by a
    restart only: it waits for nobody, so a reverted spec always reaches it. Those with JetStream
    off that had a part of a stream in memory wait for each other, as that is lost by now. Below
    2.10 a store that JetStream gave up would come back with holes, so it gets an empty volume, and
    that is gated.
    """
    return order_in(candidates, case("", expected, looks))


def order_in(candidates: Sequence[Candidate], it: Case) -> Order:
    """The same by looks that are sorted out already."""
    off = [candidate for candidate in candidates if _is_off(it, candidate)]
    rest = [candidate for candidate in candidates if not _is_off(it, candidate)]
    holes = {candidate.name for candidate in off if may_have_holes(it, candidate.name)}
    whole = [one for one in off if one.room and one.name not in holes]
    waiting = apart(
        it,
        [one.name for one in whole if one.running],
        [one.name for one in off],
        [one.name for one in off if not one.running],
    )
    going = tuple(one.name for one in whole if one.name not in waiting)
    steps = (*_together(going, off, holes), *_one_by_one(it, rest))
    return Order(steps, tuple(one.name for one in off if not one.room), waiting)


def _together(
    going: tuple[str, ...], off: Sequence[Candidate], holes: Collection[str]
) -> Iterator[Step]:
    if going:
        yield Step(going, gated=False)
    for candidate in off:
        if candidate.room and candidate.name in holes:
            yield Step((candidate.name,), purpose=Purpose.REPLACE)


def _one_by_one(it: Case, candidates: Sequence[Candidate]) -> Iterator[Step]:
    frozen = frozen_copies(it)
    leaders = frozenset(it.second.meta_leaders)

    def rank(candidate: Candidate) -> tuple[bool, bool, bool]:
        """Unready first, then those with a frozen store, then the others, then the leader."""
        return (
            candidate.ready,
            candidate.ready and candidate.name in leaders,
            candidate.name not in frozen,
        )

    for candidate in sorted(candidates, key=rank):
        yield Step((candidate.name,), step_down=candidate.name in leaders)


def _is_off(it: Case, candidate: Candidate) -> bool:
    said = [view.answered.get(candidate.name) for view in it.views]
    return not candidate.running or all(one is not None and one.gave_up for one in said)
