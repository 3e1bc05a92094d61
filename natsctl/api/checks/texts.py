"""Checks of texts that name something outside the spec."""

from collections.abc import Iterator

from natsctl.api.problems import Problem, shown


def file_path(text: str | None, path: str) -> Iterator[Problem]:
    """A problem if a configuration cannot name this file."""
    if text and (not text.isprintable() or set(text) & set('"\\')):
        message = (
            f"{shown(text)} is not a valid file path; remove quotes, backslashes and similar "
            "characters"
        )
        yield Problem(path, shown(text), message)
