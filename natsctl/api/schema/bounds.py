"""The bounds of the schema, checked again: an object may have been stored without them."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import attrs

from natsctl.api.fields import Facts, facts, fields_of
from natsctl.api.problems import Problem, shown
from natsctl.api.schema.structural import without_none


def out_of_bounds(item: Any, path: str) -> Iterator[Problem]:
    """Problems of every field of an attrs object, and of those inside it."""
    for value, known, here in _fields(item, path):
        if isinstance(value, tuple | Mapping):
            if known.max_items is not None and len(value) > known.max_items:
                message = f"has more than {known.max_items} items"
                yield Problem(here, f"{len(value)} items", message)
        else:
            yield from (
                Problem(here, shown(value), message) for message in _complaints(value, known)
            )


def misnamed(item: Any, path: str) -> Iterator[Problem]:
    """Texts in an attrs object, or a list of such, that cannot be the names they are meant to be.

    Names become parts of requests and paths of files: nothing is made of them before this.
    """
    for value, known, here in _fields(item, path):
        if isinstance(value, str) and known.text is not None and known.text.pattern:
            message = known.text.problem(value)
            if message is not None:
                yield Problem(here, shown(value), message)


def _fields(item: Any, path: str) -> Iterator[tuple[Any, Facts, str]]:
    """Every value inside it that is not None, with the facts of its field and its path."""
    if isinstance(item, tuple):
        for index, each in enumerate(item):
            yield from _fields(each, f"{path}[{index}]")
        return
    kind: type = type(item)
    for attribute, known, name in _parts(kind):
        if (value := getattr(item, attribute)) is not None:
            yield from _field(value, known, f"{path}.{name}")


@cache
def _parts(kind: type) -> tuple[tuple[str, Facts, str], ...]:
    """Attribute, facts and JSON name of each field that may have bounds; none of other classes."""
    if not attrs.has(kind):
        return ()
    known = ((each, facts(each), name) for name, each in fields_of(kind))
    return tuple((each.name, of, name) for each, of, name in known if not _is_free(each.type, of))


def _is_free(hint: Any, known: Facts) -> bool:
    """Whether any value of its type will do, as of most plain fields."""
    bounds = known.minimum, known.maximum, known.text, known.enum or None
    return without_none(hint) in (bool, int, float, str) and bounds == (None,) * len(bounds)


def _field(value: Any, known: Facts, path: str) -> Iterator[tuple[Any, Facts, str]]:
    yield value, known, path
    yield from _fields(value, path)
    if isinstance(value, tuple):
        there = ((i, each) for i, each in enumerate(value) if each is not None)
        plain = ((i, each) for i, each in there if not attrs.has(type(each)))
        yield from ((each, known, f"{path}[{index}]") for index, each in plain)


def _complaints(value: Any, known: Facts) -> Iterator[str]:
    if known.minimum is not None and value < known.minimum:
        yield f"is {shown(value)}; use {known.minimum} or more"
    if known.maximum is not None and value > known.maximum:
        yield f"is {shown(value)}; use {known.maximum} or less"
    if known.text is not None and isinstance(value, str) and (message := known.text.problem(value)):
        yield message
    if known.enum and value not in known.enum:
        yield f"is {shown(value)}; use one of {', '.join(known.enum)}"
