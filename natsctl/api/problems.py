"""What is wrong with an object that a user wrote."""

from attrs import frozen


@frozen
class Problem:
    """One wrong field: its JSON path, what was found there, and what to write instead."""

    path: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidSpec(Exception):
    """A spec that cannot be understood; it carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def shown(value: object) -> str:
    """A value as a message shows it, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
