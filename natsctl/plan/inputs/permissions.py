"""Permissions of users as Secrets write them: what is understood, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from natsctl.api.checks.service_role import is_subject
from natsctl.api.duration import parse_duration
from natsctl.api.problems import Problem, member
from natsctl.api.types.server_config import EXACT_MAX

if TYPE_CHECKING:
    from natsctl.api.version import ServerVersion

_KINDS: Final = ("publish", "subscribe")
_PERMISSIONS: Final = (*_KINDS, "allow_responses")
_RESPONSES: Final = ("max", "expires")


def permission_problems(
    holder: Mapping[str, Any], key: str, path: str, version: ServerVersion | None
) -> Iterator[Problem]:
    """What is wrong with the permissions of a user, or of all; none are none."""
    given, path = holder.get(key, {}), f"{path}.{key}"
    if not isinstance(given, Mapping):
        yield Problem(path, "", "use an object with publish and subscribe")
        return
    yield from unknown_keys(given, _PERMISSIONS, path)
    for kind in _KINDS:
        yield from _subjects_or_map(given.get(kind, []), f"{path}.{kind}", kind == "subscribe")
    if "allow_responses" in given:
        yield from _responses(given["allow_responses"], f"{path}.allow_responses", version)


def unknown_keys(
    document: Mapping[str, Any], known: tuple[str, ...], path: str
) -> Iterator[Problem]:
    """One problem for each key that means nothing."""
    for key in sorted(set(document) - set(known)):
        message = f"unknown key; the keys are {', '.join(known)}"
        yield Problem(member(path, key), "", message)


def _subjects_or_map(given: Any, path: str, queues: bool) -> Iterator[Problem]:
    if not isinstance(given, Mapping):
        yield from _subjects(given, path, queues)
        return
    yield from unknown_keys(given, ("allow", "deny"), path)
    for key in ("allow", "deny"):
        yield from _subjects(given.get(key, []), f"{path}.{key}", queues)


def _subjects(given: Any, path: str, queues: bool) -> Iterator[Problem]:
    subjects = [given] if isinstance(given, str) else given
    if not isinstance(subjects, list):
        yield Problem(path, "", "use a list of subjects")
        return
    for index, subject in enumerate(subjects):
        if not isinstance(subject, str) or not _is_subject(subject, queues):
            yield Problem(
                f"{path}[{index}]", "", "is not a valid subject; use one such as orders.*"
            )


def _is_subject(text: str, queues: bool) -> bool:
    """Whether permissions may name it; with `queues` also as "subject queue"."""
    words = text.split(" ")
    return len(words) <= (2 if queues else 1) and all(map(is_subject, words))


def _responses(given: Any, path: str, version: ServerVersion | None) -> Iterator[Problem]:
    if version is not None and not version.at_least(2, 0, 4):
        # Read: 2.0.0 does not know it, 2.0.4 does.
        message = (
            f"nats-server {version} does not support this permission; use version 2.0.4 or later"
        )
        yield Problem(path, "", message)
    if isinstance(given, bool):
        return
    if not isinstance(given, Mapping):
        yield Problem(path, "", "use true, or an object with max and expires")
        return
    yield from unknown_keys(given, _RESPONSES, path)
    most = given.get("max", 1)
    if type(most) is not int or not -1 <= most <= EXACT_MAX:
        yield Problem(f"{path}.max", "", "use a whole number; -1 means unlimited")
    if not _is_duration(given.get("expires", "0")):
        message = 'use a number and a unit in quotes, such as "1m"; "-1s" means forever'
        yield Problem(f"{path}.expires", "", message)


def _is_duration(given: Any) -> bool:
    try:
        return isinstance(given, str) and parse_duration(given.removeprefix("-")) >= 0
    except ValueError:
        return False
