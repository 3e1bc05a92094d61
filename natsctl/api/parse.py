"""What users wrote, as frozen classes; every error with the JSON path it is at.

Nothing is coerced: "7" is not 7, and neither is 7.0. A null is the same as nothing.
"""

import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar

import attrs
import cattrs
from attrs import Attribute, frozen
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from natsctl.api.fields import facts, fields_of, json_name
from natsctl.api.hints import hint
from natsctl.api.problems import InvalidSpec, Problem, shown
from natsctl.api.schema.bounds import misnamed
from natsctl.api.schema.structural import without_none
from natsctl.api.selectors import NamespaceRequirement, NamespaceSelector
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.network import SHAPES, NetworkPolicy
from natsctl.api.types.service_role import NatsServiceRoleSpec
from natsctl.model.foreign import printable

T = TypeVar("T")
Steps = tuple[str | int, ...]
"""Keys and indices that lead to a value."""
# A mistyped key of these would let somebody in. Anywhere else one is named, and the rest is done.
CLOSED: Final = (NetworkPolicy, *SHAPES, NamespaceSelector, NamespaceRequirement)
_NO_VALUE: Final = 'has no value; use a quoted string, "" for an empty one'
_SELECTING: Final = (("serviceAccountNamespaces",), ("networkPolicy",))
ROOT: Final = "spec"
MANY: Final = 256
"""Problems that are told one by one; nobody reads as many."""
_SHOWN: Final = 80
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")


@frozen
class _Flaw:
    """Something wrong at some place, and whether nothing but the place is wrong."""

    steps: Steps
    value: str
    message: str
    extra: bool = False


class _Wrong(Exception):
    """A value of the wrong kind; says which one is needed."""

    def __init__(self, value: object, needed: str) -> None:
        super().__init__(f"is {shown(value)}; use {needed}")
        self.value = value


def parse_spec(raw: object) -> NatsClusterSpec:
    """The spec of a NatsCluster; InvalidSpec names every field that cannot be understood."""
    return _as_one(*read_spec(raw))


def read_spec(raw: object) -> tuple[NatsClusterSpec, tuple[Problem, ...]]:
    """The spec of a NatsCluster as far as it can be understood, and what of it cannot."""
    spec, problems = parse_leniently(raw, NatsClusterSpec, ROOT)
    image = spec.server_image or "nats"
    return attrs.evolve(spec, version=spec.version or None, server_image=image), problems


def parse_role_spec(raw: object) -> NatsServiceRoleSpec:
    """The spec of a NatsServiceRole; InvalidSpec as for `parse_spec`."""
    return structure(raw, NatsServiceRoleSpec, ROOT)


def structure(raw: object, shape: type[T], path: str) -> T:
    """What stands at `path` as an object of this class, or list of such; or InvalidSpec."""
    return _as_one(*parse_leniently(raw, shape, path))


def parse_leniently(raw: object, shape: type[T], path: str) -> tuple[T, tuple[Problem, ...]]:
    """The same as far as it can be understood, and everything that is wrong with it.

    Where something is wrong, there is something else of the right kind: to go on looking, and not
    to be acted on.
    """
    flaws: list[_Flaw] = []
    rest = _without_nulls(raw, (), flaws)
    repaired: set[Steps] = set()
    while True:
        parsed, fresh = _tried(rest, shape, path)
        if not fresh:
            return parsed, _problems_of(flaws, path)
        flaws += [f for f in fresh if not any(f.steps[:n] in repaired for n in range(len(f.steps)))]
        for flaw in fresh if len(fresh) <= MANY else _coarse(fresh):
            rest = _repaired(rest, shape, flaw)
            repaired.add(flaw.steps)


def _problems_of(flaws: list[_Flaw], path: str) -> tuple[Problem, ...]:
    problems = tuple(Problem(path + _text_of(f.steps), f.value, f.message) for f in flaws[:MANY])
    more = len(flaws) - MANY
    return problems if more <= 0 else (*problems, Problem(path, "", f"has {more} more problems"))


def _coarse(flaws: tuple[_Flaw, ...]) -> list[_Flaw]:
    """In place of very many, the fields of the document that they are in, or all of a list."""
    fields = dict.fromkeys(f.steps[:1] for f in flaws)
    in_list = any(isinstance(step, int) for steps in fields for step in steps)
    return [_Flaw(steps, "", "") for steps in ([()] if in_list else fields)]


def _as_one(parsed: T, problems: tuple[Problem, ...]) -> T:
    if problems:
        raise InvalidSpec(problems)
    return parsed


def _tried(rest: Any, shape: type[T], path: str) -> tuple[Any, tuple[_Flaw, ...]]:
    try:
        parsed = _CONVERTER.structure(rest, shape)
    except (BaseValidationError, _Wrong) as error:
        return None, tuple(_flaws(error, ()))
    return parsed, tuple(
        _Flaw(_steps_of(p.path.removeprefix(path)), p.value, p.message)
        for p in misnamed(parsed, path)
    )


def _without_nulls(raw: Any, steps: Steps, flaws: list[_Flaw]) -> Any:
    """A copy without nulls, and without keys that YAML read as a number or a truth value."""
    if raw is None and not steps:
        return {}
    if isinstance(raw, Mapping):
        odd = [key for key in raw if not isinstance(key, str)]
        wrong = (_Wrong(key, "a quoted string for each key") for key in odd)
        flaws += [_Flaw(steps, shown(error.value), str(error)) for error in wrong]
        flaws += _unsaid(raw, steps)
        return {
            key: _without_nulls(item, (*steps, key), flaws)
            for key, item in raw.items()
            if item is not None and isinstance(key, str)
        }
    if isinstance(raw, list):
        return [_without_nulls(item, (*steps, i), flaws) for i, item in enumerate(raw)]
    return raw


def _unsaid(raw: Mapping[Any, Any], steps: Steps) -> Iterator[_Flaw]:
    """Labels without a value in a selector that lets somebody in: without them it selects more."""
    if steps[:1] in _SELECTING and steps[-1] == "matchLabels":
        for key in (key for key, value in raw.items() if value is None and isinstance(key, str)):
            yield _Flaw((*steps, key), "null", _NO_VALUE)


def _flaws(error: BaseException, steps: Steps) -> Iterator[_Flaw]:
    """Every leaf of a tree of errors; what is left after our own is a missing key."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        placed, unplaced = error.group_exceptions()
        for child, note in placed:
            yield from _flaws(child, (*steps, _step(note, error.cl)))
        for child in unplaced:
            yield from _flaws(child, steps)
    elif isinstance(error, ForbiddenExtraKeysError):
        for number, key in enumerate(sorted(error.extra_fields)):
            advice = hint(key, _fields(error.cl)) if number < MANY else ""
            yield _Flaw((*steps, key), "", f"unknown key{advice}", extra=True)
    elif isinstance(error, _Wrong):
        yield _Flaw(steps, shown(error.value), str(error))
    else:
        yield _Flaw(steps, "", "is required")


def _step(note: AttributeValidationNote | IterableValidationNote, cls: type) -> str | int:
    """What an error's place adds to that of the object it was found in."""
    if isinstance(note, AttributeValidationNote):
        return json_name(getattr(attrs.fields(cls), note.name))
    index: str | int = note.index
    return index


def _steps_of(path: str) -> Steps:
    """Of a path through fields and lists; maps have keys with dots in them."""
    return tuple(m[1] if m[1] is not None else int(m[2]) for m in _STEP.finditer(path))


def _text_of(steps: Steps) -> str:
    return "".join(f"[{s}]" if isinstance(s, int) else f".{printable(s, _SHOWN)}" for s in steps)


def _repaired(rest: Any, shape: Any, flaw: _Flaw) -> Any:
    """The document with something of the right kind where the flaw is."""
    if not flaw.steps:
        return [] if typing.get_origin(shape) is tuple else {}
    holder, kind = rest, without_none(shape)
    for step in flaw.steps[:-1]:
        holder, kind = holder[step], _inside(kind, step)
    last = flaw.steps[-1]
    instead = None if flaw.extra else _instead(kind, last)
    if instead is None:
        del holder[last]
    else:
        holder[last] = instead
    return rest


def _inside(kind: Any, step: str | int) -> Any:
    """The type of what is in a field, a list or a map."""
    if attrs.has(kind):
        return without_none(_fields(kind)[str(step)].type)
    return without_none(typing.get_args(kind)[0 if isinstance(step, int) else 1])


def _instead(kind: Any, step: str | int) -> Any:
    """Something that can stand there; None: nothing can as well."""
    inner = _inside(kind, step)
    if inner is str:
        return _text_for(kind, step)
    if attrs.has(kind) and _fields(kind)[str(step)].default is not attrs.NOTHING:
        return None
    return 1 if inner is int else {}


def _text_for(kind: Any, step: str | int) -> str:
    """A text of the right form, so that it is not wrong again: a name, or else a number."""
    text = facts(_fields(kind)[str(step)]).text if attrs.has(kind) else None
    return "x" if text is None or text.problem("x") is None else "1"


@cache
def _fields(cls: type) -> dict[str, "Attribute[Any]"]:
    return dict(fields_of(cls))


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(bool, _exactly("true or false", bool))
    converter.register_structure_hook(int, _exactly("a whole number", int))
    converter.register_structure_hook(float, _exactly("a number", int, float))
    converter.register_structure_hook(str, _exactly("a quoted string", str))
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
        cls, converter, _cattrs_forbid_extra_keys=cls in CLOSED, **renames
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
