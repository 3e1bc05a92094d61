"""May this server, whose volume was lost, start with an empty one?

It counts to majorities before it has any data. So a message that others and the lost volume had is
safe only if all others are full members already, whoever was behind before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.gates.case import case
from natsctl.plan.gates.gate import judge
from natsctl.plan.gates.groups import VOTERS
from natsctl.plan.gates.verdict import Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from natsctl.model.jetstream import Asset
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Look
    from natsctl.plan.gates.verdict import Verdict


def may_be_empty(
    target: str,
    expected: Collection[str],
    looks: tuple[Look, Look],
    now: float,
    overrides: Collection[str] = (),
    purpose: Purpose = Purpose.RESTART,
) -> Verdict:
    """Judge one server that is down, as `may_go` does; one that still runs is to be replaced."""
    return may_be_empty_in(case(target, expected, looks, purpose), now, overrides)


def may_be_empty_in(it: Case, now: float, overrides: Collection[str] = ()) -> Verdict:
    """The same of looks that are sorted out already, and of their target."""
    return judge(it, now, overrides=overrides, helpless=frozenset(_helpless(it)))


def _helpless(it: Case) -> Iterator[Asset]:
    """What has two replicas and no leader without the target: it comes back with that one only."""
    away = all(it.target not in view.answered for view in it.views)
    for asset, told in it.second.groups.items():
        if away and told.replicas < VOTERS and not told.leaders and it.target in told.members:
            yield asset
