"""How many servers others may evict: one, only while every group could lose any one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.gates.among import Among
from natsctl.plan.gates.case import case

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look
    from natsctl.plan.gates.verdict import Baseline


def budget(
    expected: Collection[str],
    looks: tuple[Look, Look],
    now: float,
    baseline: Baseline | None = None,
    overrides: Collection[str] = (),
    candidates: Collection[str] | None = None,
) -> int:
    """The allowed disruptions of a PodDisruptionBudget: 1 or 0.

    `candidates` are those that anybody may want to evict now, such as the servers on a node that
    is drained; by default all. The budget cannot tell which one is evicted, so each has to be able
    to go.
    """
    it = case("", expected, looks)
    return budget_in(it, now, baseline, overrides, candidates)


def budget_in(
    it: Case,
    now: float,
    baseline: Baseline | None = None,
    overrides: Collection[str] = (),
    candidates: Collection[str] | None = None,
) -> int:
    """The same of looks that are sorted out already."""
    among, names = Among(it, now, baseline), it.expected if candidates is None else candidates
    return int(all(among.may_go(name, overrides) for name in sorted(names)))
