"""A spec in which every field has another value than its default, made from the classes."""

import copy
import typing
from typing import Any

import attrs

from natsctl.api.fields import facts, fields_of
from natsctl.api.schema.structural import without_none
from natsctl.api.types.cluster import NatsClusterSpec

Raw = dict[str, Any]
# What a type alone does not say.
KNOWN: Raw = {
    "size": 2,
    "version": "2.14.10",
    "serverVersion": "2.14.9",
    "natsConfig.write_deadline": "5s",
    "websocketConfig.handshakeTimeout": "5s",
    "extraRoutes": [{"route": "nats://h:6222"}],
    "template": {"spec": {"containers": [{"name": "nats", "stdin": True}]}},
    "pod.tolerations": [{"key": "a"}],
    "pod.natsEnv": [{"name": "A", "value": "b"}],
    "pod.volumeMounts": [{"name": "v", "mountPath": "/v"}],
    "pod.resources": {"limits": {"cpu": 1}},
    "pod.reloaderResources": {"limits": {"cpu": 1}},
    "jetstream.fileStore.pvc.size": "20Gi",
    "jetstream.fileStore.maxSize": "7Gi",
    "jetstream.fileStore.growth.maxSize": "100Gi",
    "jetstream.memoryStore.maxSize": "1Gi",
    "jetstream.limits.duplicateWindow": "5s",
    "jetstream.syncInterval": "5s",
}
OF_TYPE: dict[Any, Any] = {bool: True, int: 45, float: 45.5, str: "x1"}


def every_field(cls: type = NatsClusterSpec, above: str = "") -> Raw:
    """All fields of a class, as a manifest has them."""
    return {name: _value(attribute, f"{above}{name}") for name, attribute in fields_of(cls)}


def without(raw: Raw, *paths: str) -> Raw:
    """The same but for these fields."""
    rest = copy.deepcopy(raw)
    for path in paths:
        *blocks, last = path.split(".")
        holder = rest
        for name in blocks:
            holder = holder[name]
        del holder[last]
    return rest


def _value(attribute: Any, path: str) -> Any:
    kind, known = without_none(attribute.type), facts(attribute)
    if path in KNOWN or known.enum:
        return KNOWN.get(path) or next(v for v in known.enum if v != attribute.default)
    if attribute.default is True:
        return False
    if attrs.has(kind):
        return every_field(kind, f"{path}.")
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return [every_field(item) if attrs.has(item) else OF_TYPE.get(item, {})]
    return OF_TYPE.get(kind, {"a": "b"})
