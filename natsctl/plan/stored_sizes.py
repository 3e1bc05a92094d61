"""Volumes do not shrink: a spec that asks for less than the smallest one is refused as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.problems import Problem, shown
from natsctl.api.types.jetstream import SIZE_FIELD, stores_files, volume_size
from natsctl.model.quantity import bytes_text
from natsctl.plan.claims.stored import bytes_of
from natsctl.plan.status.accepted_spec import accepted_with_streams

if TYPE_CHECKING:
    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.plan.claims.stored import Stored


def size_problems(
    spec: NatsClusterSpec, before: ClusterStatus, stored: Stored
) -> tuple[Problem, ...]:
    """That volumes would have to shrink: the limit of the store would be below what is in it.

    The smallest volume counts. So a growth that does not get on can be given up, even where one
    volume has grown already: the limit has not followed yet.
    While the claims are not known, the last spec that was acted on says how large they are.
    """
    jetstream = spec.jetstream
    if jetstream is None or not stores_files(jetstream):
        return ()
    wanted, size = bytes_of(volume_size(jetstream)), volume_size(jetstream)
    there = stored.smallest(spec.size) if stored.known else _accepted(before)
    if not wanted or wanted >= there:
        return ()
    least = bytes_text(there)
    text = f"is {size}, but there are volumes of {least}, which cannot shrink; use {least} or more"
    return (Problem(SIZE_FIELD, shown(size), text),)


def _accepted(before: ClusterStatus) -> int:
    """Of a spec without streams there are no volumes."""
    spec = accepted_with_streams(before)
    return bytes_of(volume_size(spec.jetstream)) if spec and spec.jetstream else 0
