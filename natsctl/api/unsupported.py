"""Fields that a user set and that the operator does not act on yet."""

from typing import Any, Final

import attrs

from natsctl.api.cluster import NatsClusterSpec
from natsctl.api.fields import json_name

_WHOLE: Final = (
    "tls",
    "auth",
    "gateway_config",
    "leafnode_config",
    "websocket_config",
    "operator_config",
)
_OF_PODS: Final = ("enable_config_reload", "enable_metrics", "advertise_external_ip")
_PROTECTING: Final = ("tls", "auth", "operator_config")


def unsupported_fields(spec: NatsClusterSpec) -> tuple[str, ...]:
    """JSON paths of the set fields that change nothing yet."""
    return _set(spec, _WHOLE, "spec") + _set(spec.pod, _OF_PODS, "spec.pod")


def unsafe_without(spec: NatsClusterSpec) -> tuple[str, ...]:
    """Those among them without which servers would be open to anybody, or unencrypted."""
    return _set(spec, _PROTECTING, "spec")


def _set(holder: Any, names: tuple[str, ...], path: str) -> tuple[str, ...]:
    if holder is None:
        return ()
    fields = attrs.fields_dict(type(holder))
    return tuple(
        f"{path}.{json_name(fields[name])}" for name in names if _asks(getattr(holder, name))
    )


def _asks(value: Any) -> bool:
    """Whether a value differs from leaving the field out."""
    if not attrs.has(type(value)):
        return bool(value)
    fields = attrs.fields(type(value))
    return any(
        _asks(getattr(value, a.name)) and getattr(value, a.name) != a.default for a in fields
    )
