"""Checks of the sizes of stores and volumes."""

from collections.abc import Iterator

from natsctl.api.problems import Problem, shown
from natsctl.model.quantity import parse_bytes


def quantity_problems(text: str, path: str) -> Iterator[Problem]:
    """What is wrong with a number of bytes."""
    try:
        if parse_bytes(text) <= 0:
            yield Problem(path, shown(text), f"is {shown(text)}; use more than 0")
    except ValueError as error:
        yield Problem(path, shown(text), str(error))
