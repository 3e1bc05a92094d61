"""Volumes do not shrink: a spec that asks for less than the smallest one is refused as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.problems import Problem, shown
from natsctl.api.types.jetstream import (
    MOST_FIELD,
    SIZE_FIELD,
    most_size,
    stores_files,
    volume_growth,
)
from natsctl.model.quantity import bytes_of, bytes_text
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
    While the claims are not known, the last spec that was acted on says how large they are, or may
    be by now. Volumes that grow by themselves may be as large as the spec allows.
    """
    jetstream = spec.jetstream
    if jetstream is None or not stores_files(jetstream):
        return ()
    size = most_size(jetstream)
    wanted = bytes_of(size)
    there = stored.smallest(spec.size) if stored.known else _accepted(before)
    if not wanted or wanted >= there:
        return ()
    least = bytes_text(there)
    are = "are" if stored.known else "may be"
    text = (
        f"is {size}, but there {are} volumes of {least}, which cannot shrink; use {least} or more"
    )
    path = SIZE_FIELD if volume_growth(jetstream) is None else MOST_FIELD
    return (Problem(path, shown(size), text),)


def _accepted(before: ClusterStatus) -> int:
    """Of a spec without streams there are no volumes."""
    spec = accepted_with_streams(before)
    return bytes_of(most_size(spec.jetstream)) if spec and spec.jetstream else 0
