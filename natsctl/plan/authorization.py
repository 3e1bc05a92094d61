"""What Secrets of users say of who may connect.

The format is upstream's JSON: `users`, `default_permissions`, `token`, `timeout`, or one user at
the top. No message here shows a value: it may be a password.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from natsctl.api import limits
from natsctl.api.problems import InvalidSpec, Problem
from natsctl.api.role_checks import is_subject
from natsctl.render.inputs import Login

if TYPE_CHECKING:
    from natsctl.api.fields import Json
    from natsctl.plan.objects import Secret

_NAMES = {"user": "username", "pass": "password"}
_TOP = ("username", "password", "token", "timeout", "users", "default_permissions")
_USER = ("username", "password", "nkey", "permissions")
_PERMISSIONS = ("publish", "subscribe", "allow_responses")
_RESPONSES = ("max", "expires")
_NKEY = re.compile(r"U[A-Z2-7]{55}", re.ASCII)
_PREFERRED = ".json"


def authorization_of(secret: Secret, *, mapped: bool = False) -> Json:
    """The authorization block of a Secret of users; InvalidSpec names what cannot be used.

    `mapped`: certificates tell who a client is, so its user has no password (nats-server would
    ask for one beside the certificate).
    """
    path = f"Secret {secret.metadata.name}"
    key, raw = _document(secret, path)
    found = _object(raw, f"{path}, key {key}")
    problems = tuple(_problems(found, f"{path}, key {key}", mapped))
    if problems:
        raise InvalidSpec(problems)
    return found


def login_of(secret: Secret) -> Login:
    """User and password of a Secret for routes or gateways; InvalidSpec if it has not both."""
    found = authorization_of(secret)
    user, password = found.get("username"), found.get("password")
    if not user or not password or set(found) - {"username", "password", "timeout"}:
        message = "needs one username and one password, and nothing else"
        raise InvalidSpec((Problem(f"Secret {secret.metadata.name}", "", message),))
    return Login(user, password)


def nobody_allowed(authorization: Mapping[str, Any]) -> bool:
    """Whether a block names no user and no token at all."""
    return not any(authorization.get(key) for key in ("users", "token", "username"))


def _document(secret: Secret, path: str) -> tuple[str, Any]:
    """The one key that holds the users, and its content."""
    data = secret.data or {}
    keys = [key for key in data if key.endswith(_PREFERRED)] or list(data)
    if len(keys) != 1:
        told = f"has the keys {', '.join(sorted(data))}" if data else "is empty"
        message = f"{told}; give it one key with the users as JSON, such as clients-auth.json"
        raise InvalidSpec((Problem(path, "", message),))
    try:
        return keys[0], limits.load(base64.b64decode(data[keys[0]]))
    except limits.Refused as error:
        raise InvalidSpec((Problem(f"{path}, key {keys[0]}", "", str(error)),)) from None
    except (ValueError, binascii.Error) as error:
        # The decoder's message tells the place; the document itself stays where it is.
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        problem = Problem(f"{path}, key {keys[0]}", "", f"is no JSON{where}")
        raise InvalidSpec((problem,)) from None


def _object(raw: Any, path: str) -> Json:
    """The document with aliases replaced by the names it is written with."""
    if not isinstance(raw, Mapping):
        raise InvalidSpec((Problem(path, "", 'write an object such as {"users": []}'),))
    found = _renamed(raw)
    if isinstance(found.get("users"), list):
        users = [_renamed(user) if isinstance(user, Mapping) else user for user in found["users"]]
        found["users"] = users
    return {key: value for key, value in found.items() if value is not None}


def _renamed(raw: Mapping[str, Any]) -> Json:
    return {_NAMES.get(key, key): value for key, value in raw.items()}


def _problems(found: Json, path: str, mapped: bool) -> Iterator[Problem]:
    yield from _unknown(found, _TOP, path)
    for key in ("username", "password", "token"):
        yield from _text(found, key, path)
    timeout = found.get("timeout", 1)
    if type(timeout) not in (int, float) or timeout < 0:
        yield Problem(f"{path}.timeout", "", "write a number of seconds")
    if bool(found.get("username")) != bool(found.get("password")):
        yield Problem(path, "", "a username needs a password, and a password a username")
    ways = [key for key in ("username", "token", "users") if found.get(key)]
    if len(ways) > 1:
        yield Problem(path, "", f"has {' and '.join(ways)}; nats-server takes one of them")
    yield from _permissions(found, "default_permissions", path)
    yield from _users(found.get("users", []), f"{path}.users", mapped)


def _users(users: Any, path: str, mapped: bool) -> Iterator[Problem]:
    if not isinstance(users, list):
        yield Problem(path, "", "write a list of users")
        return
    for index, user in enumerate(users):
        yield from _user(user, f"{path}[{index}]", mapped)
    given = [str(u.get("nkey") or u.get("username")) for u in users if isinstance(u, Mapping)]
    for name, times in Counter(given).items():
        if times > 1:
            yield Problem(path, "", f"user {name} is there {times} times; name each once")


def _user(user: Any, path: str, mapped: bool) -> Iterator[Problem]:
    if not isinstance(user, Mapping):
        yield Problem(path, "", "write an object with username and password, or nkey")
        return
    yield from _unknown(user, _USER, path)
    for key in ("username", "password", "nkey"):
        yield from _text(user, key, path)
    nkey = user.get("nkey")
    named = bool(user.get("username")) and (mapped or bool(user.get("password")))
    if bool(nkey) == named or (nkey and (user.get("username") or user.get("password"))):
        yield Problem(path, "", "needs a username and a password, or an nkey and neither of them")
    if isinstance(nkey, str) and nkey and not _NKEY.fullmatch(nkey):
        yield Problem(f"{path}.nkey", "", "is no public key of a user; it starts with U")
    yield from _permissions(user, "permissions", path)


def _permissions(holder: Mapping[str, Any], key: str, path: str) -> Iterator[Problem]:
    given, path = holder.get(key, {}), f"{path}.{key}"
    if not isinstance(given, Mapping):
        yield Problem(path, "", "write an object with publish and subscribe")
        return
    yield from _unknown(given, _PERMISSIONS, path)
    for kind in ("publish", "subscribe"):
        yield from _subjects_or_map(given.get(kind, []), f"{path}.{kind}", kind == "subscribe")
    yield from _responses(given.get("allow_responses", True), f"{path}.allow_responses")


def _subjects_or_map(given: Any, path: str, queues: bool) -> Iterator[Problem]:
    if not isinstance(given, Mapping):
        yield from _subjects(given, path, queues)
        return
    yield from _unknown(given, ("allow", "deny"), path)
    for key in ("allow", "deny"):
        yield from _subjects(given.get(key, []), f"{path}.{key}", queues)


def _subjects(given: Any, path: str, queues: bool) -> Iterator[Problem]:
    subjects = [given] if isinstance(given, str) else given
    if not isinstance(subjects, list):
        yield Problem(path, "", "write a list of subjects")
        return
    for index, subject in enumerate(subjects):
        if not isinstance(subject, str) or not _is_subject(subject, queues):
            yield Problem(f"{path}[{index}]", "", "is no subject; write one such as orders.*")


def _is_subject(text: str, queues: bool) -> bool:
    """Whether permissions may name it; with `queues` also as "subject queue"."""
    words = text.split(" ")
    return len(words) <= (2 if queues else 1) and all(map(is_subject, words))


def _responses(given: Any, path: str) -> Iterator[Problem]:
    if isinstance(given, bool):
        return
    if not isinstance(given, Mapping):
        yield Problem(path, "", "write true, or an object with max and expires")
        return
    yield from _unknown(given, _RESPONSES, path)


def _text(holder: Mapping[str, Any], key: str, path: str) -> Iterator[Problem]:
    value = holder.get(key, "")
    if not isinstance(value, str) or any(ord(character) < 32 for character in value):
        yield Problem(f"{path}.{key}", "", "write a text without control characters")


def _unknown(found: Mapping[str, Any], known: tuple[str, ...], path: str) -> Iterator[Problem]:
    for key in sorted(set(found) - set(known)):
        message = f"unknown key; the keys are {', '.join(known)}"
        yield Problem(f"{path}.{key}", "", message)
