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
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from natsctl.api.jwts import is_user
from natsctl.api.problems import InvalidSpec, Problem
from natsctl.api.types.security import SECONDS_MAX
from natsctl.api.version import ServerVersion
from natsctl.model import limits
from natsctl.model.foreign import named
from natsctl.plan.inputs.permissions import permission_problems, unknown_keys
from natsctl.render.inputs import Login

if TYPE_CHECKING:
    from natsctl.api.fields import Json
    from natsctl.model.objects import Secret

_NAMES = {"user": "username", "pass": "password"}
_TOP = ("username", "password", "token", "timeout", "users", "default_permissions")
_USER = ("username", "password", "nkey", "permissions")
_PREFERRED = ".json"
_TOLD = 7
LONGEST = 4000
"""Measured: a server reads 4096 bytes of a client's CONNECT, unless `maxControlLine` says more."""
# What servers from 2.2 on take for the hash of a password, and what is one.
_HASH = re.compile(r"\$2[abxy]\$[0-9]{2}\$.*", re.ASCII | re.DOTALL)
_GOOD_HASH = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
_OLD_HASH = "$2a$"


@frozen
class Terms:
    """What users may be like.

    `mapped`: certificates tell who a client is, so its user has no password (nats-server would
    ask for one beside the certificate). `version` is None where it is not known. `longest` are
    the bytes of a name and a password that servers read.
    """

    mapped: bool = False
    version: ServerVersion | None = None
    longest: int = LONGEST


def authorization_of(secret: Secret, terms: Terms = Terms()) -> Json:
    """The authorization block of a Secret of users; InvalidSpec names what cannot be used."""
    path = f"Secret {secret.metadata.name}"
    key, raw = _document(secret, path)
    path = f"{path}, key {key}"
    authorization = _object(raw, path)
    problems = tuple(_problems(authorization, path, terms))
    if problems:
        raise InvalidSpec(problems)
    return authorization


def login_of(secret: Secret) -> Login:
    """User and password of a Secret for routes or gateways; InvalidSpec if it has not both."""
    authorization = authorization_of(secret)
    user, password = authorization.get("username"), authorization.get("password")
    if not user or not password or set(authorization) - {"username", "password", "timeout"}:
        message = "needs exactly one username and one password"
        raise InvalidSpec((Problem(f"Secret {secret.metadata.name}", "", message),))
    if _HASH.fullmatch(password):
        message = (
            "has a hashed password; to connect to each other, servers need the password itself"
        )
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
        text = f"has the keys {_some(sorted(data))}" if data else "is empty"
        message = (
            f"{text}; give it a single key that holds the users as JSON, such as clients-auth.json"
        )
        raise InvalidSpec((Problem(path, "", message),))
    key = named(keys[0])
    try:
        return key, limits.load(base64.b64decode(data[keys[0]]))
    except limits.Refused as error:
        raise InvalidSpec((Problem(f"{path}, key {key}", "", str(error)),)) from None
    except (ValueError, binascii.Error) as error:
        # The decoder's message tells the place; the document itself stays where it is.
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        problem = Problem(f"{path}, key {key}", "", f"is not valid JSON{where}")
        raise InvalidSpec((problem,)) from None


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _TOLD} more" if len(keys) > _TOLD else ""
    return f"{', '.join(map(named, keys[:_TOLD]))}{more}"


def _object(raw: Any, path: str) -> Json:
    """The document with aliases replaced by the names it is written with."""
    if not isinstance(raw, Mapping):
        raise InvalidSpec((Problem(path, "", 'use an object such as {"users": []}'),))
    authorization = _renamed(raw, path)
    if isinstance(authorization.get("users"), list):
        authorization["users"] = [
            _renamed(user, f"{path}.users[{index}]") if isinstance(user, Mapping) else user
            for index, user in enumerate(authorization["users"])
        ]
    return {key: value for key, value in authorization.items() if value is not None}


def _renamed(raw: Mapping[str, Any], path: str) -> Json:
    for alias, name in _NAMES.items():
        if alias in raw and name in raw:
            message = f"duplicates {name}, which is also set; remove one"
            raise InvalidSpec((Problem(f"{path}.{alias}", "", message),))
    return {_NAMES.get(key, key): value for key, value in raw.items()}


def _problems(authorization: Json, path: str, terms: Terms) -> Iterator[Problem]:
    yield from unknown_keys(authorization, _TOP, path)
    for key in ("username", "password", "token"):
        yield from _text(authorization, key, path)
    yield from _secret_text(authorization, "password", path, terms)
    yield from _secret_text(authorization, "token", path, terms)
    timeout = authorization.get("timeout", 1)
    if type(timeout) not in (int, float) or not (timeout == 0 or 0.001 <= timeout <= SECONDS_MAX):
        message = f"use a number of seconds from 0.001 to {SECONDS_MAX}"
        yield Problem(f"{path}.timeout", "", message)
    if bool(authorization.get("username")) != bool(authorization.get("password")):
        yield Problem(
            path, "", "a username requires a password, and a password requires a username"
        )
    ways = [key for key in ("username", "token", "users") if authorization.get(key)]
    if len(ways) > 1:
        yield Problem(path, "", f"has {' and '.join(ways)}; nats-server accepts only one of them")
    if authorization.get("token") and authorization.get("default_permissions"):
        message = "has no effect with a token; use users instead of the token, or omit this"
        yield Problem(f"{path}.default_permissions", "", message)
    yield from permission_problems(authorization, "default_permissions", path, terms.version)
    yield from _users(authorization.get("users", []), f"{path}.users", terms)


def _users(users: Any, path: str, terms: Terms) -> Iterator[Problem]:
    if not isinstance(users, list):
        yield Problem(path, "", "use a list of users")
        return
    for index, user in enumerate(users):
        yield from _user(user, f"{path}[{index}]", terms)
    given = [str(u.get("nkey") or u.get("username")) for u in users if isinstance(u, Mapping)]
    for name, times in Counter(given).items():
        if times > 1:
            yield Problem(
                path, "", f"user {named(name)} appears {times} times; list each user once"
            )


def _user(user: Any, path: str, terms: Terms) -> Iterator[Problem]:
    if not isinstance(user, Mapping):
        yield Problem(path, "", "use an object with username and password, or nkey")
        return
    yield from unknown_keys(user, _USER, path)
    for key in ("username", "password", "nkey"):
        yield from _text(user, key, path)
    nkey = user.get("nkey")
    named = bool(user.get("username")) and (terms.mapped or bool(user.get("password")))
    if bool(nkey) == named or (nkey and (user.get("username") or user.get("password"))):
        yield Problem(path, "", "needs either a username and a password, or only an nkey")
    if isinstance(nkey, str) and nkey and not is_user(nkey):
        yield Problem(f"{path}.nkey", "", "is not a user's public key, which starts with U")
    yield from _secret_text(user, "password", path, terms)
    yield from permission_problems(user, "permissions", path, terms.version)


def _text(holder: Mapping[str, Any], key: str, path: str) -> Iterator[Problem]:
    value = holder.get(key, "")
    if not isinstance(value, str) or any(ord(character) < 32 for character in value):
        yield Problem(f"{path}.{key}", "", "use a string without control characters")


def _secret_text(holder: Mapping[str, Any], key: str, path: str, terms: Terms) -> Iterator[Problem]:
    """What keeps everybody from showing this password or token."""
    value, user = holder.get(key), holder.get("username")
    if not isinstance(value, str):
        return
    size = sum(len(text.encode()) for text in (value, user) if isinstance(text, str))
    if size > terms.longest:
        message = (
            f"is too long: servers read at most {terms.longest} bytes of it and the name together"
        )
        yield Problem(f"{path}.{named(key)}", "", message)
    yield from _hash(value, f"{path}.{key}", terms.version)


def _hash(value: str, path: str, version: ServerVersion | None) -> Iterator[Problem]:
    """Measured: below 2.2 only "$2a$" is a hash, and any other kind the password itself."""
    old = version is not None and not version.at_least(2, 2)
    taken = _HASH.fullmatch(value) or (old and value.startswith(_OLD_HASH))
    if taken and not _GOOD_HASH.fullmatch(value):
        message = "starts like a bcrypt hash but is not one, so no password can match; replace it"
        yield Problem(path, "", message)
    elif old and _HASH.fullmatch(value) and not value.startswith(_OLD_HASH):
        message = (
            f"nats-server {version} treats this kind of hash as the password itself; "
            "use one that starts with $2a$"
        )
        yield Problem(path, "", message)
