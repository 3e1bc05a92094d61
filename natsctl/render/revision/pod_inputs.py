"""The fields of a spec that reach a server process, or the pod it runs in."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from natsctl.api.fields import fields_of
from natsctl.api.schema.spec_fields import SpecField, spec_fields
from natsctl.api.types.cluster import NatsClusterSpec


def reaching_fields(spec: NatsClusterSpec) -> Iterator[tuple[str, Any]]:
    """JSON path and value of every such field that differs from leaving it out.

    The fields say it of themselves, and beside which others they count (`natsctl/api/effects.py`).
    """
    fields = spec_fields()

    def is_set(path: str) -> bool:
        return bool(fields[path].value(spec))

    for field in _told_fields():
        value = field.value(spec)
        if _differs(value, field.default) and field.effect.counts(is_set):
            yield field.path, value


@cache
def _told_fields() -> tuple[SpecField, ...]:
    """Those told by an entry of their own; listed once, since each revision asks all of them."""
    return tuple(f for f in spec_fields().values() if f.effect.reaches and not f.effect.entry)


def set_fields(item: Any) -> Iterator[tuple[str, Any]]:
    """JSON name and value of every field of an item that differs from its default."""
    kind: type = type(item)
    for name, attribute in fields_of(kind):
        value = getattr(item, attribute.name)
        if _differs(value, attribute.default):
            yield name, value


def _differs(value: Any, default: Any) -> bool:
    return bool(value) and value != default
