"""Keeps parts of JetStream off until all is there that they need; only `validate` uses it."""

from collections.abc import Iterator
from typing import Final

from natsctl.api.problems import Problem
from natsctl.api.types.cluster import NatsClusterSpec

NOT_AVAILABLE: Final = "is not available yet in this version of natsctl; remove it"


def not_available(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Refuses encryption: nothing yet outlives the pods that tells which key the data has."""
    if spec.jetstream is not None and spec.jetstream.encryption is not None:
        yield Problem("spec.jetstream.encryption", "", NOT_AVAILABLE)
