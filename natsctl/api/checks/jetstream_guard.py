"""Keeps JetStream off until every part of it is there; only `validate` uses it."""

from collections.abc import Iterator
from typing import Final

from natsctl.api.problems import Problem
from natsctl.api.types.cluster import NatsClusterSpec

NOT_AVAILABLE: Final = "is not available yet in this version of natsctl; remove it"


def not_available(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Refuses every spec with `jetstream`."""
    if spec.jetstream is not None:
        yield Problem("spec.jetstream", "", NOT_AVAILABLE)
