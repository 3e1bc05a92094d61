"""What is wrong with an object that a user wrote."""

from collections.abc import Iterable, Iterator

from attrs import field, frozen

from natsctl.model.foreign import masked_urls, named, plain

_SHOWN = 60
_READ = 200
"""Characters of a text that are looked at to show it."""


@frozen
class Problem:
    """One wrong field: its JSON path, what was found there, and what to write instead."""

    path: str = field(converter=plain)
    value: str
    message: str = field(converter=plain)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidSpec(Exception):
    """A spec that cannot be understood; it carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def member(path: str, key: str) -> str:
    """The path of a member whose name somebody chose: quoted unless it looks like a name."""
    return f"{path}.{named(key)}"


def shown(value: object) -> str:
    """A value as a message shows it, cut short; a text ends as it begins, with a quote."""
    text = repr(masked_urls(value)[:_READ]) if isinstance(value, str) else masked_urls(repr(value))
    if len(text) <= _SHOWN:
        return text
    end = f"...{text[0]}" if isinstance(value, str) else "..."
    return f"{text[: _SHOWN - len(end)]}{end}"


def apart(problems: Iterable[Problem], wrong: Iterable[Problem]) -> Iterator[Problem]:
    """Those with other places than what is wrong already: no value there can be judged."""
    places = {problem.path for problem in wrong}
    around = {outer for place in places for outer in _outward(place)}
    for problem in problems:
        if problem.path not in around and not places & set(_outward(problem.path)):
            yield problem


def _outward(path: str) -> Iterator[str]:
    """The path, and those of everything around it."""
    yield path
    for end in range(len(path) - 1, 0, -1):
        if path[end] in ".[":
            yield path[:end]
