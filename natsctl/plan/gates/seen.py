"""What the two latest looks show, for those who watch a cluster: status, condition and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.model.jetstream import Asset
from natsctl.plan.gates.case import case
from natsctl.plan.gates.damaged import Damage, damaged_in
from natsctl.plan.gates.frozen import frozen
from natsctl.plan.gates.gate import OF_A_LOOK, OF_BOTH, OF_CLUSTERS
from natsctl.plan.gates.looks import is_slow
from natsctl.plan.gates.quorum import Quorum, State, quorum_of
from natsctl.plan.gates.summary import Summary, summary_of
from natsctl.plan.gates.verdict import Block, Why, told
from natsctl.plan.gates.words import lasting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look, View


@attrs.frozen
class Seen:
    """What was so in both looks; the second one began `at`, in seconds of their clock.

    `blocked` are some of `count` reasons for which servers could not go, whichever it is. `off` are
    servers that answer and have no JetStream, of which some `gave_up`; `silent` are those that do
    not answer. `frozen` are servers whose stores no longer change, with the streams as far as these
    are known. `pods` has the names of servers' pods: `pod_of` makes them of names of servers.
    """

    at: float
    quorum: Quorum
    summary: Summary
    blocked: tuple[Block, ...] = ()
    count: int = 0
    damaged: tuple[Damage, ...] = ()
    off: tuple[str, ...] = ()
    gave_up: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    frozen: Mapping[str, tuple[Asset, ...]] = attrs.field(factory=dict)
    pods: Mapping[str, str] = attrs.field(factory=dict)

    def pod_of(self, server: str) -> str:
        """The name of a server's pod; of one without a pod, its own."""
        return self.pods.get(server, server)


def seen(
    expected: Collection[str], looks: tuple[Look, Look], pods: Mapping[str, str] | None = None
) -> Seen:
    """A server that is slow once is in neither list: both looks have to agree."""
    first, second = map(_whole, looks)
    it = case("", expected, (first, second))
    blocks = frozenset(lasting(block) for block in _lasting(it))
    return Seen(
        at=looks[-1].began,
        quorum=_quorum(it),
        summary=summary_of(it),
        blocked=told(blocks),
        count=len(blocks),
        damaged=tuple(damage for damage in damaged_in(it) if damage.sure),
        off=tuple(name for name in it.others if all(_is_off(view, name) for view in it.views)),
        gave_up=tuple(name for name, said in it.second.answered.items() if said.gave_up),
        silent=tuple(n for n in it.others if all(n not in view.answered for view in it.views)),
        frozen=frozen(it),
        pods=pods or {},
    )


def _whole(look: Look) -> Look:
    """Without what servers tell that have too many to tell all: another part each time."""
    reports = {
        name: attrs.evolve(said, groups={}, unknown=()) if said.too_many else said
        for name, said in look.reports.items()
    }
    return attrs.evolve(look, reports=reports)


def _is_off(view: View, name: str) -> bool:
    said = view.answered.get(name)
    return said is not None and said.disabled


def _quorum(it: Case) -> Quorum:
    """Critical is what was so in both looks."""
    now, before = quorum_of(it), quorum_of(attrs.evolve(it, first=it.second, second=it.first))
    must_stay = tuple(name for name in now.must_stay if name in before.must_stay)
    calm = now.state is State.CRITICAL and not must_stay
    return attrs.evolve(now, state=State.OK if calm else now.state, must_stay=must_stay)


def _lasting(it: Case) -> Iterator[Block]:
    """What holds up everybody, in both looks, or by comparing them."""
    for predicate in OF_A_LOOK if it.standalone else OF_A_LOOK + OF_CLUSTERS:
        yield from _in_both(predicate(it, it.first), predicate(it, it.second))
    if is_slow(it.first.look) and is_slow(it.second.look):
        yield Block(Why.SLOW)
    for compare in OF_BOTH:
        yield from compare(it)


def _in_both(first: Iterable[Block], second: Iterable[Block]) -> Iterator[Block]:
    """With what was seen of it only if that is the same, too: it is told in the status."""
    before = {block: block.detail for block in first}
    for block in frozenset(second):
        if (detail := before.get(block)) is not None:
            yield block if block.detail == detail else attrs.evolve(block, detail="")
