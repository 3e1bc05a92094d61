"""Which volume is to be replaced next.

One that is too small, and whose class cannot grow; then one that is not encrypted as the spec says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.claims.growth import growth_of, sizes_of
from natsctl.plan.claims.renewal import has_earlier_key, replaces

if TYPE_CHECKING:
    from natsctl.plan.claims.growth import Size
    from natsctl.plan.context import Context


def due_of(context: Context) -> Size | None:
    """None if there is none."""
    return too_small(context) or other_key(context)


def too_small(context: Context) -> Size | None:
    """None while there is none, or as long as nobody knows that it cannot grow in its place.

    The API server said that just now: a new process asks once more, and so does natsctl when the
    class may have changed.
    """
    growth = growth_of(context)
    if growth.next is None or growth.refused is None or not growth.refused.words.is_of_class:
        return None
    return growth.next if replaces(context) else None


def other_key(context: Context) -> Size | None:
    """The next whose server has an earlier key."""
    return next(iter(with_earlier_keys(context)), None) if replaces(context) else None


def with_earlier_keys(context: Context) -> tuple[Size, ...]:
    """All of them that are there and all right."""
    if not context.desired.target.earlier:
        return ()
    return tuple(it for it in sizes_of(context) if has_earlier_key(context, it.index))
