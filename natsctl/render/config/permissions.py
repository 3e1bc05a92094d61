"""Permissions as servers have to be told them, so that they mean to them what they say.

Measured on every line from 2.0 on (tests/server/test_documents.py): servers take an empty list of
subjects for no limit at all, users with empty permissions have nothing of the defaults, and of a
single user these do not count. Whoever writes a list with nothing in it means nothing.

It is done here and not where Secrets are read, because the digests by which servers are known to
be up to date are of what users wrote: an upgrade of natsctl restarts nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.fields import Json

NOTHING: Final = {"deny": [">"]}
"""What lets a user do nothing of a kind."""
_KINDS: Final = ("publish", "subscribe")
_LOGIN: Final = ("username", "password")


def block_as_meant(block: Json) -> Json:
    """An authorization block."""
    defaults = block.get("default_permissions")
    meant = dict(block)
    if defaults and meant.get("username"):
        user = {key: meant.pop(key) for key in _LOGIN if key in meant}
        meant["users"] = [user]
    if defaults:
        meant["default_permissions"] = as_meant(defaults)
    if meant.get("users"):
        meant["users"] = [_user_as_meant(user, bool(defaults)) for user in meant["users"]]
    return meant


def as_meant(given: Json) -> Json:
    """Permissions with an explicit nothing where a list of what is allowed is empty.

    Who may respond may publish nothing else by itself.
    """
    kept = {kind: given[kind] for kind in given if kind != "publish" or _some(given)}
    return {
        kind: NOTHING if kind in _KINDS and _is_empty(value) else value
        for kind, value in kept.items()
    }


def _user_as_meant(user: Json, defaults: bool) -> Json:
    if "permissions" not in user:
        return user
    permissions = as_meant(user["permissions"])
    if defaults and not permissions:
        return {key: value for key, value in user.items() if key != "permissions"}
    return {**user, "permissions": permissions}


def _some(given: Json) -> bool:
    """Whether what is said of publishing says more than that responses are allowed."""
    responds = given.get("allow_responses", False) is not False
    return not (responds and _is_empty(given["publish"]))


def _is_empty(subjects: Any) -> bool:
    return subjects == [] or (isinstance(subjects, Mapping) and subjects.get("allow") == [])
