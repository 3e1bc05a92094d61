"""Every field of a NatsCluster's spec, by its JSON path, with what a change of it costs."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import attrs
from attrs import frozen

from natsctl.api.effects import PARTS, Effect
from natsctl.api.fields import facts, fields_of
from natsctl.api.schema.structural import without_none
from natsctl.api.types.cluster import NatsClusterSpec


@frozen
class SpecField:
    """A field, as `attributes` lead to it from the spec. Items of a list belong to the list."""

    path: str
    attributes: tuple[str, ...]
    default: Any
    effect: Effect

    def value(self, spec: Any) -> Any:
        """What a spec has there; None if it lacks the block."""
        value = spec
        for name in self.attributes:
            if value is None:
                break
            value = getattr(value, name)
        return value


@cache
def spec_fields() -> Mapping[str, SpecField]:
    """Those of a NatsCluster, blocks included."""
    return {field.path: field for field in fields_with_effects(NatsClusterSpec)}


def fields_with_effects(cls: type, above: SpecField | None = None) -> Iterator[SpecField]:
    """Fields of a class and of its blocks; raises TypeError where one lacks its effect."""
    for name, attribute in fields_of(cls):
        path = f"{above.path}.{name}" if above else name
        steps = (*(above.attributes if above else ()), attribute.name)
        effect, kind = facts(attribute).effect, without_none(attribute.type)
        if effect is None or (effect == PARTS) is not attrs.has(kind):
            raise TypeError(f"{path} does not say what a change of it costs (api/effects.py)")
        field = SpecField(path, steps, attribute.default, effect)
        yield field
        if attrs.has(kind):
            yield from fields_with_effects(kind, field)
