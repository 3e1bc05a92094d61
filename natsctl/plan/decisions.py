"""What the rules decide about one state of a cluster: the plan and the conditions read the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from natsctl.plan.context import Context, context_of
from natsctl.plan.rules.rule import Decision
from natsctl.plan.servers.server import Server, servers_of
from natsctl.plan.state import ClusterState

if TYPE_CHECKING:
    from collections.abc import Sequence

Decide = Callable[[Context], Decision]


@attrs.frozen(eq=False)
class Decisions:
    """Each rule decides once, when somebody first wants to know what."""

    context: Context
    _made: dict[Decide, Decision] = attrs.field(factory=dict, init=False, repr=False)

    def of(self, decide: Decide) -> Decision:
        """What this rule decides."""
        if decide not in self._made:
            self._made[decide] = decide(self.context)
        return self._made[decide]


def decisions_of(state: ClusterState, servers: Sequence[Server]) -> Decisions | None:
    """None if the spec cannot be acted on, and no earlier one either."""
    context = context_of(state, servers)
    return Decisions(context) if context is not None else None


@attrs.frozen(eq=False)
class Judged:
    """One state, and what is found out about it once, when plan, status or metrics want to know."""

    state: ClusterState

    @cached_property
    def servers(self) -> tuple[Server, ...]:
        """The cluster's own servers."""
        return servers_of(self.state)

    @cached_property
    def decisions(self) -> Decisions | None:
        """What the rules decide."""
        return decisions_of(self.state, self.servers)
