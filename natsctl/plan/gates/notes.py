"""What has to be known, or done, before a server goes, and blocks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.gates.groups import alone, blocks_as_short
from natsctl.plan.gates.verdict import Note, Remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.gates.case import Case

_TWO: Final = 2
_KEEPS_WHAT_IT_HAS: Final = (2, 10)
"""The first version whose store has no holes after its disk was full."""


def notes(case: Case) -> Iterator[Note]:
    """Of the last look, in order."""
    if case.target in case.second.meta_leaders:
        yield Note(Remark.STEP_DOWN)
    if may_have_holes(case, case.target):
        yield Note(Remark.HOLES)
    for asset, told in sorted(case.second.groups.items()):
        if alone(told, case.target):
            yield Note(Remark.ONE_COPY, asset)
        elif case.target in told.members and told.replicas == _TWO:
            yield Note(Remark.TWO_COPIES, asset)
        elif told.short and not blocks_as_short(case, told):
            yield Note(Remark.SHORT, asset)


def may_have_holes(case: Case, name: str) -> bool:
    """Below 2.10, what a server whose disk got full starts with again is not all that it had."""
    said = case.second.answered.get(name)
    return said is not None and said.gave_up and _release(said.version) < _KEEPS_WHAT_IT_HAS


def _release(version: str) -> tuple[int, ...]:
    numbers = version.lstrip("v").split(".")[:2]
    return tuple(int(it) for it in numbers if it.isdecimal() and len(it) < 6)
