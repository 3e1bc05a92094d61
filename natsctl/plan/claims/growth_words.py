"""The growth of volumes in words: what goes on, and what stands in the way and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.api.types.jetstream import SIZE_FIELD
from natsctl.model.foreign import ANSWER, named, quoted
from natsctl.model.quantity import bytes_text
from natsctl.model.words import listed
from natsctl.plan.claims.growth import IN_PLACE, growth_of, resize_policy
from natsctl.plan.claims.volumes import Trouble
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.growth import Growth, Size
    from natsctl.plan.claims.volumes import ServerClaim
    from natsctl.plan.context import Context
    from natsctl.plan.growth_refused import Words

NOT_GROWN: Final = "VolumeNotGrown"
"""Reason: somebody has to do something, or to want less."""
_NO_CLASS: Final = "only dynamically provisioned pvc can be resized"
"""Kubernetes, plugin/pkg/admission/storage/persistentvolume/resize."""
_QUOTA: Final = "exceeded quota"
_KEPT: Final = {
    "Manual": "resizePolicy is Manual, so natsctl does not grow it",
    "Replace": "natsctl does not replace volumes yet",
}


def step(due: Size) -> str:
    """What a claim is asked for now."""
    sizes = f"from {bytes_text(due.there)} to {bytes_text(due.wanted)}"
    return f"growing {_what(due)} {sizes}"


def progress(growth: Growth) -> tuple[str, ...]:
    """What goes on; nothing while it is in trouble, or if the spec wants none of it."""
    now = growth.next or growth.running
    if now is None or not growth.is_wanted or growth.refused is not None or now.error is not None:
        return ()
    aim = now.asked if growth.next is None else now.wanted
    text = f"{now.name} grows from {bytes_text(now.there)} to {bytes_text(aim)}"
    if now.pending:
        text += " (its file system is next; some storage needs a restart of the server for that)"
    later = [size.name for size in growth.short if size.name != now.name]
    return (f"{text}, then {listed(later)}" if later else text,)


def growth_troubles(context: Context) -> Iterator[Trouble]:
    """What keeps a volume from growing; servers go on as they are."""
    growth = growth_of(context)
    if growth.next is not None and growth.refused is not None:
        text = _refused(growth, growth.next, growth.refused.words)
        yield Trouble(NOT_GROWN, text, holds=False)
    elif growth.is_wanted and growth.running is not None and growth.running.error is not None:
        yield Trouble(NOT_GROWN, _stuck(growth.running, *growth.running.error), holds=False)


def kept(context: Context, claim: ServerClaim, there: int) -> str:
    """Why a volume stays smaller than the spec wants it; empty: it grows, or is in trouble."""
    policy = resize_policy(context)
    if policy == IN_PLACE:
        return ""
    return f"{claim.name} keeps {bytes_text(there)}: {_KEPT[policy]}"


def _refused(growth: Growth, due: Size, words: Words) -> str:
    sizes = f"{bytes_text(due.wanted)} instead of {bytes_text(due.there)}"
    said = f"the API server does not let {_what(due)} ask for {sizes}: {words.text}"
    return f"{said}; {_way_out(due, words.text)}set {SIZE_FIELD} back to {bytes_text(growth.least)}"


def _way_out(due: Size, words: str) -> str:
    if _NO_CLASS in words:
        chosen = named(due.live.spec.storage_class_name or "none")
        return f"if storage class {chosen} can grow, set its allowVolumeExpansion: true, or else "
    return "raise the quota, or " if _QUOTA in words else "resolve that, or "


def _stuck(running: Size, reason: str, words: str) -> str:
    said = f": {quoted(words, ANSWER)}" if words else ""
    sizes = f"from {bytes_text(running.there)} to {bytes_text(running.asked)}"
    text = f"{_what(running)} does not grow {sizes}: {named(reason)}{said}"
    see = f"see kubectl describe pvc {running.name}"
    return f"{text}; {see}, or set {SIZE_FIELD} lower, but to more than {bytes_text(running.there)}"


def _what(size: Size) -> str:
    return f"{data_kind().kind} {size.name}"
