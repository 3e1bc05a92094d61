"""Fields that a user set and that the operator does not act on: there are none any more."""

from natsctl.api.cluster import NatsClusterSpec


def unsupported_fields(spec: NatsClusterSpec) -> tuple[str, ...]:
    """JSON paths of the set fields that change nothing."""
    return ()


def unsafe_without(spec: NatsClusterSpec) -> tuple[str, ...]:
    """Those among them without which servers would be open to anybody, or unencrypted."""
    return ()
