"""Whether servers can take what a well-formed NatsServiceRole says."""

from collections.abc import Iterable, Iterator

from natsctl.api.duration import parse_duration
from natsctl.api.problems import Problem, shown
from natsctl.api.schema.bounds import out_of_bounds
from natsctl.api.selectors import selector_problems
from natsctl.api.types.service_role import (
    NamespaceSelection,
    NatsServiceRoleSpec,
    Permissions,
    Subjects,
)
from natsctl.api.version import ServerVersion

_SELECTOR = "spec.serviceAccountNamespaces.selector"
_HELP = "use one such as orders.* or orders.>, without spaces, quotes or empty tokens"
_QUEUE_HELP = f'{_HELP}, or two such as "orders.* workers" for a queue group'


def validate_role(
    spec: NatsServiceRoleSpec, version: ServerVersion | None = None
) -> tuple[Problem, ...]:
    """Every problem of a role; one wrong subject would keep its whole cluster from starting."""
    return (
        *out_of_bounds(spec, "spec"),
        *_permissions(spec.permissions, version),
        *_selected(spec.service_account_namespaces),
    )


def selection_problems(given: NamespaceSelection) -> Iterator[Problem]:
    """Every problem of a role's selector."""
    yield from out_of_bounds(given.selector, _SELECTOR)
    yield from _selected(given)


def _selected(given: NamespaceSelection | None) -> Iterator[Problem]:
    chosen = given.selector if given is not None else None
    if chosen is not None:
        yield from selector_problems(chosen.match_labels, chosen.match_expressions, _SELECTOR)


def is_subject(text: str) -> bool:
    """Whether permissions of a server may name it."""
    *rest, last = text.split(".")
    known = text.isprintable() and not set(text) & set(' "\\')
    return known and all([*rest, last]) and ">" not in rest


def _permissions(given: Permissions, version: ServerVersion | None) -> Iterator[Problem]:
    path = "spec.permissions"
    yield from _subjects(Subjects(given.publish, given.subscribe), path)
    yield from _subjects(given.allow or Subjects(), f"{path}.allow")
    yield from _subjects(given.deny or Subjects(), f"{path}.deny")
    if given.allow_responses is None:
        return
    path = f"{path}.allowResponses"
    if version is not None and not version.at_least(2, 0, 4):
        # Read: 2.0.0 does not know it, 2.0.4 does.
        message = (
            f"nats-server {version} does not support this permission; use version 2.0.4 or later"
        )
        yield Problem(path, "", message)
    try:
        parse_duration(given.allow_responses.expires or "0")
    except ValueError as error:
        yield Problem(f"{path}.expires", shown(given.allow_responses.expires), str(error))


def _subjects(given: Subjects, path: str) -> Iterator[Problem]:
    yield from _each(given.publish, f"{path}.publish", 1, _HELP)
    yield from _each(given.subscribe, f"{path}.subscribe", 2, _QUEUE_HELP)


def _each(subjects: Iterable[str], path: str, words: int, help: str) -> Iterator[Problem]:
    for index, subject in enumerate(subjects):
        parts = subject.split(" ")
        if len(parts) > words or not all(map(is_subject, parts)):
            message = f"{shown(subject)} is not a valid subject; {help}"
            yield Problem(f"{path}[{index}]", shown(subject), message)
