"""attrs classes as structural OpenAPI schemas."""

import types
import typing
from collections.abc import Mapping
from typing import Any

import attrs
from attrs import Attribute

from natsctl.api.fields import Facts, Json, Rule, Text, facts, fields_of

_SCALARS: Mapping[type, Json] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number"},
    str: {"type": "string"},
}


def object_schema(cls: type) -> Json:
    """The schema of an attrs class, described by the first line of its docstring."""
    properties = {name: _field_schema(attribute) for name, attribute in fields_of(cls)}
    required = [name for name, attribute in fields_of(cls) if attribute.default is attrs.NOTHING]
    return {
        "type": "object",
        "description": (cls.__doc__ or "").splitlines()[0],
        "properties": properties,
        **({"required": required} if required else {}),
    }


def without_none(hint: Any) -> Any:
    """`X` of `X | None`, any other type as it is."""
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _field_schema(attribute: "Attribute[Any]") -> Json:
    known = facts(attribute)
    schema = _type_schema(without_none(attribute.type), known)
    schema["description"] = known.description
    if known.rules:
        schema["x-kubernetes-validations"] = _validations(known.rules)
    if known.open:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    return schema


def _type_schema(hint: Any, known: Facts) -> Json:
    if typing.get_origin(hint) is tuple:
        return _array_schema(typing.get_args(hint)[0], known)
    if known.native is not None:
        return dict(known.native)
    if attrs.has(hint):
        return object_schema(hint)
    if typing.get_origin(hint) is not None:
        return _map_schema(known)
    return {**_SCALARS[hint], **_bounds(known)}


def _map_schema(known: Facts) -> Json:
    """A map of texts."""
    text = {**_SCALARS[str], **_bounds(known), **({"nullable": True} if known.nulls else {})}
    most = {"maxProperties": known.max_items} if known.max_items is not None else {}
    return {"type": "object", **most, "additionalProperties": text}


def _array_schema(item: Any, known: Facts) -> Json:
    items = _type_schema(item, known)
    if known.item_rules:
        items["x-kubernetes-validations"] = _validations(known.item_rules)
    return {"type": "array", "maxItems": known.max_items, "items": items}


def _bounds(known: Facts) -> Json:
    text = known.text or Text("")
    bounds = {
        "minimum": known.minimum,
        "maximum": known.maximum,
        "maxLength": known.longest,
        "pattern": f"^({text.pattern})?$" if text.pattern else None,
        "enum": list(known.enum) or None,
    }
    return {keyword: value for keyword, value in bounds.items() if value is not None}


def _validations(rules: tuple[Rule, ...]) -> list[Json]:
    return [{"rule": rule.cel, "message": rule.message} for rule in rules]
