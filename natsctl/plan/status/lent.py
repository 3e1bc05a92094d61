"""What the status remembers of a reserve: how much is lent, since when, and since when it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.api.types.jetstream import default_share
from natsctl.api.types.status import JetStreamStatus, LentStatus
from natsctl.model.quantity import bytes_text
from natsctl.plan.jetstream import expected
from natsctl.plan.stores.lending import BELOW
from natsctl.plan.stores.limits import starting_limits
from natsctl.render.config.jetstream import FILE_LIMIT, wanted_file_limit

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.state import ClusterState
    from natsctl.render.target import Target


def lent_now(state: ClusterState, context: Context | None) -> LentStatus | None:
    """The reserve that servers have, or start with; without a spec to act on, as before.

    Decided is not lent: while the cluster is paused, or its configuration waits, servers keep what
    the config Secret has.
    """
    before = state.status.jetstream.lent if state.status.jetstream is not None else None
    if context is None:
        return before
    limit = context.desired.target.inputs.lent_file
    live = state.secrets.get(state.cluster.metadata.name)
    if not limit or live is None or starting_limits(live).get(FILE_LIMIT) != limit:
        return None
    text = bytes_text(limit)
    known = before is not None and before.limit == text
    lent = before if before is not None and known else LentStatus(text, state.timestamp)
    return _rested(lent, context)


def with_lent(told: JetStreamStatus | None, lent: LentStatus | None) -> JetStreamStatus | None:
    """The same with the reserve that is lent."""
    if told is None and lent is None:
        return None
    return attrs.evolve(told or JetStreamStatus(), lent=lent)


def normal_limit(target: Target) -> int:
    """Bytes of the limit without any reserve."""
    jetstream, inputs = target.spec.jetstream, target.inputs
    share = inputs.share or default_share(target.version)
    return wanted_file_limit(jetstream, share, inputs.capacity) if jetstream else 0


def _rested(lent: LentStatus, context: Context) -> LentStatus:
    """With the moment since which all stores are below the margin; unknown is not below."""
    seen = context.state.seen
    if seen is None:
        return lent  # there are no looks at the moment; when they come back, they tell
    files, names = seen.summary.file, expected(context)
    most = normal_limit(context.desired.target) * BELOW // 100
    if not names <= files.keys() or any(files[name].used > most for name in names):
        return attrs.evolve(lent, below="")
    return attrs.evolve(lent, below=lent.below or context.state.timestamp)
