"""What keeps servers from starting: their volumes, or that others come first.

Empty servers can elect one of themselves, and what the rest has is then gone for everybody. A new
server is a member only once the leader of the meta group takes it in, so it loses nothing by
waiting until there is one. Until then its claim is not noted, and without that no server starts.

Where nothing was ever stored, all are new. Such servers elect their first leader by the votes of
all (seen with 2.14.10), so none may be left to wait for it: they are noted together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.plan.claims.data_to_note import data_of_others
from natsctl.plan.claims.keys import awaited_keys, key_problem_of
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.gates.meta import votes
from natsctl.plan.jetstream import case_of, stores
from natsctl.plan.queries import JetStreamLook, unanswered
from natsctl.plan.servers.identity import without

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.context import Context

UNLED: Final = (
    "it has stored nothing yet, so it starts once the servers that may have data have a meta "
    "leader: without one, empty servers could outvote them"
)
NOT_ALL: Final = (
    "it starts once the volumes of all servers are there: servers that have stored nothing elect "
    "their first meta leader together"
)


def newcomers(context: Context) -> Mapping[int, str]:
    """Servers that have to wait although they have a claim, and why: by index.

    Where claims were there before any note, nobody knows who is new.
    """
    return context.once(_newcomers)


def _newcomers(context: Context) -> Mapping[int, str]:
    found = volumes_of(context)
    if found is None or not found.known or found.note is None or found.is_unsure:
        return {}
    new = [claim.index for claim in found.claims if claim.noted is None and claim.live is not None]
    if found.note:
        waits = "" if not new or _is_led(context) else UNLED
    else:
        waits = "" if len(new) == len(found.claims) else NOT_ALL
    return dict.fromkeys(new, waits) if waits else {}


def obstacles_of(context: Context) -> Callable[[int], str]:
    """What keeps a server, by its index, from starting: nothing, for one without a volume."""
    waits, volumes = newcomers(context), volumes_of(context)
    if volumes is None:
        return lambda _: ""
    found = {claim.index: volumes.obstacle(claim) for claim in volumes.claims}
    return lambda index: waits.get(index) or found.get(index, "")


def obstacles_to_others(context: Context, returning: Collection[int]) -> dict[int, str]:
    """Servers beyond size that are to come back and may not start yet, and why: by index."""
    volumes = volumes_of(context) if returning else None
    if volumes is None:
        return {}
    told = data_of_others(context, volumes.others, volumes.note or {}, returning)
    claims = without(volumes.others, without(volumes.others, returning)).items()
    awaited = awaited_keys(context)
    found = {
        index: awaited(index, claim) or _obstacle(context, index, claim, told(index))
        for index, claim in claims
    }
    return {index: text for index, text in found.items() if text}


def _obstacle(context: Context, index: int, claim: LiveClaim, to_note: str) -> str:
    if why := key_problem_of(context, index, claim):
        return why
    if claim.is_garbled:
        return claim.garbled
    if claim.noted_data == to_note:
        return ""
    return f"what its data depends on is being noted on {claim.what}"


def _is_led(context: Context) -> bool:
    """Whether the meta group has a leader with a quorum of good members, as both looks show."""
    if not stores(context) or unanswered((JetStreamLook(),), context.state):
        return False
    it = case_of(context)
    each = [votes(it.expected, view) for view in it.views] if it is not None else []
    return bool(each) and all(len(told.good) >= told.needed > 0 for told in each)
