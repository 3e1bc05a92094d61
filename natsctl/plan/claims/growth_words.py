"""The growth of volumes in words: what goes on, and what stands in the way and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.api.types.jetstream import FEWEST_TO_REPLACE, MOST_FIELD, REPLACE, SIZE_FIELD
from natsctl.model.foreign import ANSWER, named, quoted
from natsctl.model.quantity import bytes_text
from natsctl.model.words import listed
from natsctl.plan.claims.faults import TYPE
from natsctl.plan.claims.growth import GROWING, growth_of, policy_of
from natsctl.plan.claims.growth_steps import fills_up, has_grown, is_at_most, most_of, wanted_of
from natsctl.plan.claims.renewal import (
    has_earlier_key,
    other_key,
    replaces,
    too_small,
    with_earlier_keys,
)
from natsctl.plan.claims.server_claims import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.growth import Growth, Size
    from natsctl.plan.claims.server_claims import ServerClaim
    from natsctl.plan.context import Context
    from natsctl.plan.growth_refused import Words

NOT_GROWN: Final = "VolumeNotGrown"
"""Reason: somebody has to do something, or to want less."""
AT_MAXIMUM: Final = "VolumesAtMaximum"
"""Reason: volumes that grow by themselves may not grow further, and somebody needs that soon."""
RAISE_MOST: Final = f"raise {MOST_FIELD}, or delete messages"
_QUOTA: Final = "exceeded quota"
_TOO_FEW: Final = (
    f"natsctl replaces volumes only where there are {FEWEST_TO_REPLACE} servers or more, because "
    f"others have to fill the new ones: set spec.size to {FEWEST_TO_REPLACE}, or "
)


def step(due: Size, why: str = "") -> str:
    """What a claim is asked for now, and why, if not because of the spec."""
    sizes = f"from {bytes_text(due.live.there)} to {bytes_text(due.wanted)}"
    because = f", because {why}" if why else ""
    return f"growing {due.live.what} {sizes}{because}"


def progress(growth: Growth) -> tuple[str, ...]:
    """What goes on; nothing while it is in trouble, or if the spec wants none of it."""
    now = growth.next or growth.running
    if now is None or not growth.is_wanted or growth.refused is not None or now.live.growth_error:
        return ()
    aim = now.live.asked if growth.next is None else now.wanted
    text = f"{now.name} grows from {bytes_text(now.live.there)} to {bytes_text(aim)}"
    if now.live.grows_at_start:
        text += " (its file system is next; some storage needs a restart of the server for that)"
    later = [size.name for size in growth.short if size.name != now.name]
    return (f"{text}, then {listed(later)}" if later else text,)


def growth_troubles(context: Context) -> Iterator[Trouble]:
    """What keeps a volume from growing; servers go on as they are."""
    growth = growth_of(context)
    if too_small(context) is not None:
        return
    if growth.next is not None and growth.refused is not None:
        few = policy_of(context) == REPLACE and context.size < FEWEST_TO_REPLACE
        text = _refused(context, growth, growth.next, few=few)
        yield Trouble(NOT_GROWN, text, holds=False)
    elif growth.is_wanted and growth.running is not None and growth.running.live.growth_error:
        text = _stuck(context, growth.running, *growth.running.live.growth_error)
        yield Trouble(NOT_GROWN, text, holds=False)


def by_themselves(context: Context) -> tuple[str, ...]:
    """How far volumes have grown without the spec saying so: nothing that changes by itself."""
    most, wanted = most_of(context), wanted_of(context)
    if not most or not has_grown(context):
        return ()
    more = f", and may grow to {bytes_text(most)}" if wanted < most else ""
    return (f"the volumes have grown by themselves to {bytes_text(wanted)}{more}",)


def filled(context: Context) -> str:
    """That volumes have grown as far as they may, and are still filling up; empty: they are not."""
    before = {it.type: it.reason for it in context.state.status.conditions}.get(TYPE, "")
    if not is_at_most(context) or not fills_up(context, again=before == AT_MAXIMUM):
        return ""
    most = bytes_text(most_of(context))
    return f"the volumes have grown to the maximum of {most}, and are filling up: {RAISE_MOST}"


def way_to_room(context: Context) -> str:
    """What to do about a store or a volume that is nearly full, where volumes grow by themselves;
    empty: they do not."""
    most = most_of(context)
    if not most or is_at_most(context):
        return RAISE_MOST if most else ""
    return f"natsctl grows the volumes, up to {bytes_text(most)}, or {TYPE} says why not"


def kept(context: Context, claim: ServerClaim, there: int) -> str:
    """Why a volume stays smaller than the spec wants it; empty: it grows, or is in trouble."""
    if policy_of(context) in GROWING:
        return ""
    why = "resizePolicy is Manual, so natsctl does not grow it"
    return f"{claim.name} keeps {bytes_text(there)}: {why}"


def renewal(context: Context) -> tuple[str, ...]:
    """Which volume is replaced next, and why; nothing if none is to be."""
    due, growth = too_small(context), growth_of(context)
    if due is None:
        return _rekeyed(context)
    chosen = named(due.live.object.spec.storage_class_name or "none")
    text = (
        f"{due.name} is to be replaced with a volume of {bytes_text(due.wanted)}, because storage "
        f"class {chosen} cannot grow"
    )
    later = [size.name for size in growth.short if size.name != due.name]
    return (f"{text}, then {listed(later)}" if later else text,)


def _rekeyed(context: Context) -> tuple[str, ...]:
    """The same of those that are not encrypted as the spec says."""
    due = other_key(context)
    if due is None:
        return ()
    earlier = context.desired.target.earlier[due.index].encryption
    why = "it is encrypted with an earlier key" if earlier else "it is not encrypted"
    later = [it.name for it in with_earlier_keys(context) if it.name != due.name]
    text = f"{due.name} is to be replaced with an empty volume, because {why}"
    return (f"{text}, then {listed(later)}" if later else text,)


def earlier_key(context: Context, claim: ServerClaim) -> str:
    """Why a volume is not encrypted as the spec says; empty: it is, or it is to be replaced."""
    has_earlier = has_earlier_key(context, claim.index)
    if replaces(context) or not has_earlier:
        return ""
    return (
        f"{claim.name} is not encrypted as the spec says: set "
        "spec.jetstream.fileStore.resizePolicy to Replace, and spec.size to "
        f"{FEWEST_TO_REPLACE} or more, and natsctl replaces it"
    )


def _refused(context: Context, growth: Growth, due: Size, *, few: bool) -> str:
    assert growth.refused is not None
    words = growth.refused.words
    sizes = f"{bytes_text(due.wanted)} instead of {bytes_text(due.live.there)}"
    said = f"the API server does not let {due.live.what} ask for {sizes}: {words.text}"
    way_out = _TOO_FEW if few and words.is_of_class else _way_out(due, words)
    return f"{said}; {way_out}{_give_up(context, bytes_text(growth.least))}"


def _give_up(context: Context, least: str) -> str:
    """How to want no more than there is: claims that grew by themselves lead the others."""
    if most_of(context):
        return f"set {MOST_FIELD}, and pvc.size if that is more, to {least}"
    return f"set {SIZE_FIELD} back to {least}"


def _way_out(due: Size, words: Words) -> str:
    if words.is_of_class:
        chosen = named(due.live.object.spec.storage_class_name or "none")
        return f"if storage class {chosen} can grow, set its allowVolumeExpansion: true, or else "
    return "raise the quota, or " if _QUOTA in words.text else "resolve that, or "


def _stuck(context: Context, running: Size, reason: str, words: str) -> str:
    said = f": {quoted(words, ANSWER)}" if words else ""
    sizes = f"from {bytes_text(running.live.there)} to {bytes_text(running.live.asked)}"
    text = f"{running.live.what} does not grow {sizes}: {named(reason)}{said}"
    see = f"see kubectl describe pvc {running.name}"
    field = MOST_FIELD if most_of(context) else SIZE_FIELD
    return f"{text}; {see}, or set {field} lower, but to more than {bytes_text(running.live.there)}"
