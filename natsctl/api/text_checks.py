"""Checks of texts that name something outside the spec."""

import re
from collections.abc import Iterator

from natsctl.api.problems import Problem, shown

_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_OBJECT_MAX = 253


def object_name(text: str | None, kind: str, path: str) -> Iterator[Problem]:
    """A problem if it cannot be the name of such an object; none if there is no text."""
    if text and not (_OBJECT.fullmatch(text) and len(text) <= _OBJECT_MAX):
        message = (
            f"{shown(text)} is no name of a {kind}; "
            "write lower-case letters, digits, hyphens and dots"
        )
        yield Problem(path, shown(text), message)


def file_path(text: str | None, path: str) -> Iterator[Problem]:
    """A problem if a configuration cannot name this file."""
    if text and (not text.isprintable() or set(text) & set('"\\')):
        message = f"{shown(text)} is no path of a file; leave out quotes, backslashes and the like"
        yield Problem(path, shown(text), message)
