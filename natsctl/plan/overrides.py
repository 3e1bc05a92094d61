"""What somebody decided not to wait for: for one step of one server, as they were told of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from natsctl.plan.gates.verdict import Why
from natsctl.plan.gates.words import OVERRIDE

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.gates.verdict import Purpose
    from natsctl.plan.servers.server import Server

_DIGEST: Final = 8


def override_value(context: Context, server: Server, purpose: Purpose) -> str:
    """What annotations say: the pod, and a digest of what is to be done with it, and for what.

    The step uses it up, because the next pod has another uid. A spec that was reverted meanwhile
    has another generation, whatever it says, and certificates or users that changed have another
    revision: what was decided before counts for none of them.
    """
    generation = context.state.cluster.metadata.generation
    told = (generation, purpose, sorted(context.desired.revision.items()))
    digest = hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:_DIGEST]
    return f"{server.pod.metadata.uid}.{digest}"


def overrides_of(context: Context, server: Server, purpose: Purpose) -> frozenset[Why]:
    """What annotations of the cluster allow for this step of this server."""
    return overrides_with(context, override_value(context, server, purpose))


def overrides_with(context: Context, value: str) -> frozenset[Why]:
    """What annotations of the cluster allow that say this."""
    meta = context.state.cluster.metadata
    return frozenset(why for why in Why if meta.annotation(f"{OVERRIDE}{why}") == value)
