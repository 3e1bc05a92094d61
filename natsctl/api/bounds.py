"""The bounds of the schema, checked again: an object may have been stored without them."""

from collections.abc import Iterator
from typing import Any

import attrs

from natsctl.api.fields import Facts, facts, fields_of
from natsctl.api.problems import Problem, shown


def out_of_bounds(item: Any, path: str) -> Iterator[Problem]:
    """Problems of every field of an attrs object, and of those inside it."""
    for name, attribute in fields_of(type(item)):
        value = getattr(item, attribute.name)
        yield from _check(value, facts(attribute), f"{path}.{name}")


def _check(value: Any, known: Facts, path: str) -> Iterator[Problem]:
    if attrs.has(type(value)):
        yield from out_of_bounds(value, path)
    elif isinstance(value, tuple):
        if known.max_items is not None and len(value) > known.max_items:
            yield Problem(path, f"{len(value)} items", f"has more than {known.max_items} items")
        for index, item in enumerate(value):
            yield from _check(item, known, f"{path}[{index}]")
    elif value is not None:
        yield from (Problem(path, shown(value), message) for message in _complaints(value, known))


def _complaints(value: Any, known: Facts) -> Iterator[str]:
    if known.minimum is not None and value < known.minimum:
        yield f"is {shown(value)}; write {known.minimum} or more"
    if known.maximum is not None and value > known.maximum:
        yield f"is {shown(value)}; write {known.maximum} or less"
    if known.max_length is not None and len(value) > known.max_length:
        yield f"is longer than {known.max_length} characters"
    if known.enum and value not in known.enum:
        yield f"is {shown(value)}; write one of {', '.join(known.enum)}"
