"""What a person has to look at in the PodDisruptionBudget of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.claims.server_claims import Trouble
from natsctl.render.objects.owned_objects import budget_kind

if TYPE_CHECKING:
    from natsctl.plan.context import Context

UNREADABLE = Trouble(
    "BudgetNotRead",
    f"{budget_kind().plural} cannot be read, so nothing stops drains of nodes from evicting "
    "several servers at once: allow natsctl to get, list, watch, create, patch and delete them "
    "(chart value rbac.podDisruptionBudgets)",
)


def budget_troubles(context: Context) -> tuple[Trouble, ...]:
    """What needs a person's eye; nothing for a cluster that has no budget."""
    kind = budget_kind().kind
    wanted = any(made.kind == kind for made in context.desired.objects)
    return (UNREADABLE,) if wanted and kind not in context.state.owned else ()
