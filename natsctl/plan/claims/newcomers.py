"""Servers that have stored nothing yet, beside others that may have data: those come first.

Empty servers can elect one of themselves, and what the rest has is then gone for everybody. A new
server is a member only once the leader of the meta group takes it in, so it loses nothing by
waiting until there is one. Until then its claim is not noted, and without that no server starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.claims import volumes
from natsctl.plan.gates.meta import votes
from natsctl.plan.jetstream import case_of, stores
from natsctl.plan.queries import JetStreamLook, unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from natsctl.plan.context import Context

UNLED: Final = (
    "it has stored nothing yet, so it starts once the servers that may have data have a meta "
    "leader: without one, empty servers could outvote them"
)
TOO_FEW: Final = "it starts once more than half of the volumes are there"


def newcomers(context: Context) -> Mapping[int, str]:
    """Servers that have to wait although they have a claim, and why: by index.

    Where claims were there before any note, nobody knows who is new.
    """
    return context.once(_newcomers)


def _newcomers(context: Context) -> Mapping[int, str]:
    found = volumes.volumes_of(context)
    if found is None or not found.known or found.note is None or found.is_unsure:
        return {}
    new = [claim.index for claim in found.claims if claim.noted is None and claim.live is not None]
    if found.note:
        waits = "" if not new or _is_led(context) else UNLED
    else:
        waits = "" if 2 * len(new) > len(found.claims) else TOO_FEW
    return dict.fromkeys(new, waits) if waits else {}


def obstacles_of(context: Context) -> Callable[[int], str]:
    """What keeps a server, by its index, from starting: its volume, or that it has to wait."""
    waits, obstacle = newcomers(context), volumes.obstacles_of(context)
    return lambda index: waits.get(index) or obstacle(index)


def _is_led(context: Context) -> bool:
    """Whether the meta group has a leader with a quorum of good members, as both looks show."""
    if not stores(context) or unanswered((JetStreamLook(),), context.state):
        return False
    it = case_of(context)
    each = [votes(it.expected, view) for view in it.views] if it is not None else []
    return bool(each) and all(len(told.good) >= told.needed > 0 for told in each)
