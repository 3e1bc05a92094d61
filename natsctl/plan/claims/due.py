"""Which volume is to be replaced next: one that is too small, and whose class cannot grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.claims.growth import growth_of
from natsctl.plan.claims.renewal import replaces

if TYPE_CHECKING:
    from natsctl.plan.claims.growth import Size
    from natsctl.plan.context import Context


def due_of(context: Context) -> Size | None:
    """None while there is none, or as long as nobody knows that it cannot grow in its place.

    The API server said that just now: a new process asks once more, and so does natsctl when the
    class may have changed.
    """
    growth = growth_of(context)
    if growth.next is None or growth.refused is None or not growth.refused.words.is_of_class:
        return None
    return growth.next if replaces(context) else None
