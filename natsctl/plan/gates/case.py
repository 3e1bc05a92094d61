"""What is judged: who is to go, why, among whom, and two looks at all of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from natsctl.plan.gates.look import Look, View, settled, view
from natsctl.plan.gates.verdict import Purpose

if TYPE_CHECKING:
    from collections.abc import Collection


@attrs.frozen
class Case:
    """`target` may be empty: nobody is to go, and everything is judged as it is."""

    target: str
    expected: frozenset[str]
    first: View
    second: View
    purpose: Purpose = Purpose.RESTART

    @property
    def views(self) -> tuple[View, View]:
        """Both looks, the older one first."""
        return self.first, self.second

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The servers that stay, in order."""
        return tuple(sorted(self.expected - {self.target}))

    @property
    def standalone(self) -> bool:
        """Whether there is one server only, without a cluster: it leads nothing and nobody."""
        if len(self.expected) != 1:
            return False  # which is asked of each group
        said = [said for it in self.views for said in it.answered.values()]
        return bool(said) and all(each.meta is None for each in said)


def case(
    target: str,
    expected: Collection[str],
    looks: tuple[Look, Look],
    purpose: Purpose = Purpose.RESTART,
) -> Case:
    """Sort out both looks, for one target or, with `attrs.evolve`, for several."""
    servers = frozenset(expected)
    first, second = (view(look, servers) for look in looks)
    return Case(target, servers, settled(first, second), settled(second, first), purpose)
