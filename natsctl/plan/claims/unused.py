"""Whether anything can be stored for a server, as its claim and all notes tell.

They tell it whatever the spec says: what a server stored stays on its volume while it runs without
JetStream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.objects import PersistentVolumeClaim
from natsctl.plan.claims.memory import memory_of, noted_on
from natsctl.plan.claims.seals import seals_of
from natsctl.plan.server_identity import claims_among
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from natsctl.plan.context import Context

_UNBOUND: Final = "Pending"
"""The phase of a claim of which no volume was made yet."""


def stored_nothing(context: Context, index: int) -> bool:
    """Whether a server surely never stored anything that counts. Unknown is not nothing."""
    state = context.state
    meta, live = state.cluster.metadata, state.owned.get(data_kind().kind)
    if live is None:
        return False
    claims = (claim for claim in live.values() if isinstance(claim, PersistentVolumeClaim))
    found = claims_among(meta.name, claims)
    seals = seals_of(context.desired.pepper, meta.namespace, meta.name)
    memory = memory_of(meta.uid, noted_on(state.secrets.get(meta.name)), found, seals)
    claim = found.get(index)
    if memory.note is None:
        return False
    noted = memory.note.get(index)
    if claim is None:
        return noted is None
    is_same = noted is None or noted.is_of(claim.metadata.uid)
    return (is_same and claim.status.phase == _UNBOUND) or memory.is_left(index, claim)
