"""Which servers held nothing when they left: noted on the config Secret, where it outlives them.

A server that is gone says no more of what it holds, and what it alone holds nobody else tells of.
So it is noted right after its pod was asked to go, and only a server that is noted is taken out of
the meta group. Not before: streams may come to a pod that is noted and stays, and it may then go by
itself. A pod that goes away by itself leaves no note: its server has to come back first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.model.departed import Departed, departed_in
from natsctl.model.server_identity import origin_of
from natsctl.plan.actions import NoteDepartures
from natsctl.plan.servers.identity import only

if TYPE_CHECKING:
    from natsctl.plan.context import Context


def departed_of(context: Context) -> dict[int, str]:
    """What is noted, as far as natsctl may have written it: others can write there, too."""
    cluster = context.desired.target.name
    secret = context.state.secrets.get(cluster)
    text = secret.metadata.annotation(names.DEPARTED_ANNOTATION) if secret is not None else None
    entries = departed_in(text or "")
    return {i: name for i, name in entries.items() if origin_of(cluster, i, name) is not None}


def departed_claims_of(context: Context) -> dict[int, str]:
    """Uids of the claims that these left with, if they are to be deleted."""
    secret = context.state.secrets.get(context.desired.target.name)
    annotation = names.DEPARTED_VOLUMES_ANNOTATION
    text = secret.metadata.annotation(annotation) if secret is not None else None
    return only(departed_in(text or ""), departed_of(context))


def noting(
    context: Context, note: Departed, claims: Departed | None = None
) -> tuple[NoteDepartures, ...]:
    """How this is noted from now on; nothing while there is no Secret to write on.

    `claims` are to be deleted, as far as these servers left; if not given, those that are noted.
    """
    name = context.state.cluster.metadata.name
    secret = context.state.secrets.get(name)
    if secret is None:
        return ()
    uids = departed_claims_of(context) if claims is None else claims
    left = tuple(sorted(only(uids, note).items()))
    return (NoteDepartures(name, secret.metadata.uid, tuple(sorted(note.items())), left),)
