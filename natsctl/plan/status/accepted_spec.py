"""The last spec of a cluster that could be acted on: kept in its status, for when another is wrong.

Servers that end while a spec is wrong come back as that one says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from natsctl.api.parse import read_spec
from natsctl.model import limits

if TYPE_CHECKING:
    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.plan.state import ClusterState

LONGEST: Final = 64 * 1024
"""Bytes; the status is written together with it, and read by whoever lists clusters."""


def to_keep(state: ClusterState) -> str:
    """What the status is to hold: the spec that counts, or what it held if that is no good."""
    if state.problems or state.desired is None:
        return state.status.accepted_spec
    text = json.dumps(state.cluster.spec, sort_keys=True, separators=(",", ":"))
    return text if len(text) <= LONGEST else ""


def accepted_spec(before: ClusterStatus) -> object:
    """What the status holds; None if that is nothing which can be read. Anybody may edit it."""
    try:
        return limits.load(before.accepted_spec.encode(), LONGEST)
    except ValueError:
        return None


def is_switched_off(before: ClusterStatus) -> bool:
    """Whether the last spec that could be acted on is known, and servers store nothing by it."""
    return isinstance(accepted_spec(before), dict) and accepted_with_streams(before) is None


def accepted_with_streams(before: ClusterStatus) -> NatsClusterSpec | None:
    """The same as a spec, if its servers store streams: nobody reads a long text for nothing."""
    if '"jetstream"' not in before.accepted_spec:
        return None
    spec, _ = read_spec(accepted_spec(before))
    return spec if spec.jetstream is not None else None
