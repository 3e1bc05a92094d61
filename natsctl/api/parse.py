"""What users wrote, as frozen classes; every error with the JSON path it is at.

Nothing is coerced: "7" is not 7, and neither is 7.0. A null is the same as nothing.
"""

import difflib
import math
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from natsctl.api.bounds import misnamed
from natsctl.api.cluster import NatsClusterSpec
from natsctl.api.fields import fields_of, json_name
from natsctl.api.network import SHAPES, NetworkPolicy
from natsctl.api.problems import InvalidSpec, Problem, shown
from natsctl.api.role import NatsServiceRoleSpec
from natsctl.api.schema import without_none

T = TypeVar("T")
# A mistyped key of these would let somebody in. Anywhere else one is named, and the rest is done.
_CLOSED = (NetworkPolicy, *SHAPES)
_ROOT = "spec"


class _Wrong(Exception):
    """A value of the wrong kind; says which one is needed."""

    def __init__(self, value: object, needed: str) -> None:
        super().__init__(f"is {shown(value)}; write {needed}")
        self.value = value


def parse_spec(raw: object) -> NatsClusterSpec:
    """The spec of a NatsCluster; InvalidSpec names every field that cannot be understood."""
    spec = structure(raw, NatsClusterSpec, _ROOT)
    return attrs.evolve(
        spec, version=spec.version or None, server_image=spec.server_image or "nats"
    )


def parse_role_spec(raw: object) -> NatsServiceRoleSpec:
    """The spec of a NatsServiceRole; InvalidSpec as for `parse_spec`."""
    return structure(raw, NatsServiceRoleSpec, _ROOT)


def unknown_fields(raw: object, shape: type = NatsClusterSpec) -> tuple[str, ...]:
    """JSON paths of fields that no such spec has, except where they are errors."""
    return tuple(_unknown(raw, shape, _ROOT))


def structure(raw: object, shape: type[T], path: str) -> T:
    """What stands at `path` as an object of this class, or list of such; or InvalidSpec."""
    try:
        found = _CONVERTER.structure({} if raw is None else _without_nulls(raw), shape)
    except (BaseValidationError, _Wrong) as error:
        raise InvalidSpec(tuple(_problems(error, path))) from None
    problems = tuple(misnamed(found, path))
    if problems:
        raise InvalidSpec(problems)
    return found


def _without_nulls(raw: Any) -> Any:
    if isinstance(raw, Mapping):
        return {_text(key): _without_nulls(item) for key, item in raw.items() if item is not None}
    if isinstance(raw, list):
        return [_without_nulls(item) for item in raw]
    return raw


def _text(key: Any) -> str:
    """A key that YAML may have read as a number or a truth value, as JSON has it."""
    if not isinstance(key, str):
        raise _Wrong(key, "a text in quotes for a key")
    return key


def _unknown(raw: object, hint: Any, path: str) -> Iterator[str]:
    hint = without_none(hint)
    if typing.get_origin(hint) is tuple and isinstance(raw, list):
        for index, item in enumerate(raw):
            yield from _unknown(item, typing.get_args(hint)[0], f"{path}[{index}]")
    elif attrs.has(hint) and hint not in _CLOSED and isinstance(raw, Mapping):
        known = {name: attribute.type for name, attribute in fields_of(hint)}
        for key, value in raw.items():
            if key in known:
                yield from _unknown(value, known[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"


def _problems(error: BaseException, path: str) -> Iterator[Problem]:
    """Every leaf of a tree of errors; what is left after our own is a missing key."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        placed, unplaced = error.group_exceptions()
        for child, note in placed:
            yield from _problems(child, path + _step(note, error.cl))
        for child in unplaced:
            yield from _problems(child, path)
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield Problem(f"{path}.{key}", "", f"unknown key{_suggestion(key, error.cl)}")
    elif isinstance(error, _Wrong):
        yield Problem(path, shown(error.value), str(error))
    else:
        yield Problem(path, "", "is required")


def _step(note: AttributeValidationNote | IterableValidationNote, cls: type) -> str:
    """What an error's place adds to the path of the object it was found in."""
    if isinstance(note, AttributeValidationNote):
        return f".{json_name(getattr(attrs.fields(cls), note.name))}"
    return f"[{note.index}]" if isinstance(note.index, int) else f".{note.index}"


def _suggestion(key: str, cls: type) -> str:
    plain = {_plain(name): name for name, _ in fields_of(cls)}
    close = difflib.get_close_matches(_plain(key), plain, n=1, cutoff=0.75)
    return f"; did you mean {plain[close[0]]}?" if close else f"; the keys are {_listed(plain)}"


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(names.values())


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(bool, _exactly("true or false", bool))
    converter.register_structure_hook(int, _exactly("a whole number", int))
    converter.register_structure_hook(float, _exactly("a number", int, float))
    converter.register_structure_hook(str, _exactly("a text in quotes", str))
    converter.register_structure_hook_factory(attrs.has, _object_hook)
    converter.register_structure_hook_factory(_is_list, _list_hook)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)
    return converter


def _exactly(needed: str, *kinds: type) -> Any:
    def exactly(value: object, _: Any) -> Any:
        if type(value) not in kinds or (isinstance(value, float) and not math.isfinite(value)):
            raise _Wrong(value, needed)
        return value

    return exactly


def _object_hook(cls: type, converter: cattrs.Converter) -> Any:
    renames: dict[str, Any] = {
        attribute.name: override(rename=name) for name, attribute in fields_of(cls)
    }
    inner: Any = make_dict_structure_fn(
        cls, converter, _cattrs_forbid_extra_keys=cls in _CLOSED, **renames
    )
    return _only(Mapping, "an object with keys", inner)


def _is_list(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple


def _list_hook(hint: Any, converter: cattrs.Converter) -> Any:
    (item, _) = typing.get_args(hint)
    as_list: Any = types.GenericAlias(list, (item,))
    inner = converter.get_structure_hook(as_list)
    return _only(list, "a list", lambda value, _: tuple(inner(value, as_list)))


def _is_mapping(hint: Any) -> bool:
    return typing.get_origin(hint) is Mapping


def _mapping_hook(hint: Any, converter: cattrs.Converter) -> Any:
    as_dict: Any = types.GenericAlias(dict, typing.get_args(hint))
    inner = converter.get_structure_hook(as_dict)
    return _only(Mapping, "an object with keys", lambda value, _: inner(value, as_dict))


def _only(kind: type, needed: str, inner: Any) -> Any:
    def only(value: object, hint: Any) -> Any:
        if not isinstance(value, kind):
            raise _Wrong(value, needed)
        return inner(value, hint)

    return only


_CONVERTER = _converter()
