"""What of an object may be shown: a field that no shape names is hidden, whatever it holds.

A shape says which fields an object has and how each may look. What looks otherwise is hidden too:
a word where a number belongs, a sentence where a name belongs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from attrs import field, frozen

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)


class Eyes(Protocol):
    """Who looks: to show, or to learn what is hidden."""

    def text(self, text: str) -> str:
        """A name or a value that may be shown."""

    def log(self, text: str) -> str:
        """What a program said."""

    def mark(self, value: str) -> str:
        """What stands for a value that others may be equal to."""

    def hide(self, value: Any) -> str:
        """What stands for anything that is in a place for secrets."""

    def stow(self, value: Any) -> str:
        """The same of what no shape knows."""


Show = Callable[[Eyes, Any], Any]


@frozen
class Leaf:
    """A single value: a text of this form, shown as such an eye shows it, or maybe a number."""

    form: re.Pattern[str]
    show: Callable[[Eyes, str], str] = field(default=lambda eyes, text: eyes.text(text))
    or_number: bool = False


@frozen
class Number:
    """A number, true or false."""


@frozen
class Fields:
    """An object with these fields."""

    known: Mapping[str, Shape]

    def __or__(self, other: Fields) -> Fields:
        return Fields({**self.known, **other.known})


@frozen
class Many:
    """A list."""

    item: Shape


@frozen
class Each:
    """An object whose keys are names that people chose."""

    value: Shape


@frozen
class Special:
    """What takes more than its form to judge."""

    show: Show


Shape = Leaf | Number | Fields | Many | Each | Special


def visible(shape: Shape, value: Any, eyes: Eyes) -> Any:
    """What may be seen of a value."""
    if value is None or value in ("", [], {}):
        return value
    match shape:
        case Leaf() if isinstance(value, str) and shape.form.fullmatch(value):
            return shape.show(eyes, value)
        case Number() | Leaf(or_number=True) if isinstance(value, int | float):
            return value
        case Fields() if isinstance(value, Mapping):
            return dict(_fields(shape, value, eyes))
        case Many() if isinstance(value, list):
            return [visible(shape.item, item, eyes) for item in value]
        case Each() if isinstance(value, Mapping):
            return {named(str(k), eyes): visible(shape.value, v, eyes) for k, v in value.items()}
        case Special():
            return shape.show(eyes, value)
    return eyes.stow(value)


def named(key: str, eyes: Eyes) -> str:
    """A key that people chose, if it is a name."""
    return eyes.text(key) if NAME.form.fullmatch(key) else eyes.stow(key)


def _fields(shape: Fields, mapping: Mapping[str, Any], eyes: Eyes) -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        if key in shape.known:
            yield key, visible(shape.known[key], value, eyes)
        elif _IDENTIFIER.fullmatch(key):
            yield eyes.text(key), eyes.stow(value)
        else:
            yield eyes.stow(key), eyes.stow(value)


def paths(shape: Shape, path: str = "") -> Iterator[str]:
    """Every field that is shown."""
    match shape:
        case Fields():
            for key, inner in shape.known.items():
                yield from paths(inner, f"{path}.{key}" if path else key)
        case Many():
            yield from paths(shape.item, f"{path}[]")
        case Each():
            yield from paths(shape.value, f"{path}.*")
        case _:
            yield path


def fields(value: Shape, keys: str) -> Fields:
    """Fields of one form, by their names."""
    return Fields(dict.fromkeys(keys.split(), value))


def form(pattern: str, or_number: bool = False) -> Leaf:
    """A text of this form."""
    return Leaf(re.compile(pattern, re.ASCII), or_number=or_number)


NUMBER = Number()
NAME = form(r"[A-Za-z0-9/][\w./:@+-]{0,511}")
WORD = form(r"[A-Za-z][A-Za-z0-9]{0,63}")
TIME = form(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
QUANTITY = form(r"\d[\d.]*(?:[eE][+-]?\d+)?[A-Za-z]{0,2}|<?\d[\w.]*[a-zµ]+", or_number=True)
PORT = form(r"[\w-]+%?", or_number=True)
"""Of what may have a name or a number."""
ANY = Leaf(re.compile(r"[^\n]*"))
"""Subjects and users, and the like: no name of Kubernetes."""
MESSAGE = Leaf(re.compile(r".*", re.DOTALL), lambda eyes, text: eyes.log(text))
