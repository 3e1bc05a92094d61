"""Whether a spec lets natsctl replace volumes with empty ones, which other servers fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.api.types.jetstream import REPLACE, FileStore

if TYPE_CHECKING:
    from natsctl.api.types.cluster import NatsClusterSpec

LEAST: Final = 3
"""Servers of a cluster in which others can fill an empty volume, and streams go on meanwhile."""


def policy_in(spec: NatsClusterSpec) -> str:
    """What a spec says about volumes that are not as it wants them."""
    jetstream = spec.jetstream
    assert jetstream is not None  # else there are no volumes
    return (jetstream.file_store or FileStore()).resize_policy


def are_replaceable(spec: NatsClusterSpec) -> bool:
    """Whether volumes may be replaced: what they are encrypted with can change then."""
    return spec.jetstream is not None and policy_in(spec) == REPLACE and spec.size >= LEAST
