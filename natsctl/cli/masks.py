"""Hides passwords and tokens in what is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from natsctl.render.inputs import Inputs, Login

MASK = "***"
_SECRET_KEYS = ("password", "token")
# The user's name, if there is one, stays: `nats://user:***@host`, but `nats://***@host`. As Go
# reads it, a login ends at the last @ before the path.
_LOGIN_IN_URL = re.compile(r'(://(?:[^/@\s":]*:)?)[^/\s"]*@')


def masked_inputs(inputs: Inputs) -> Inputs:
    """The same users and logins without their passwords, digests of them included."""
    neighbours = {
        name: attrs.evolve(neighbour, login=_masked_login(neighbour.login))
        for name, neighbour in inputs.neighbours.items()
    }
    return attrs.evolve(
        inputs,
        authorization=_masked(inputs.authorization),
        routes=_masked_login(inputs.routes),
        gateways=_masked_login(inputs.gateways),
        neighbours=neighbours,
        sealed=dict.fromkeys(inputs.sealed, MASK),
    )


def masked_urls(found: Any) -> Any:
    """The same JSON without passwords in its URLs."""
    if isinstance(found, str):
        return _LOGIN_IN_URL.sub(rf"\1{MASK}@", found)
    if isinstance(found, Mapping):
        return {key: masked_urls(value) for key, value in found.items()}
    return [masked_urls(item) for item in found] if isinstance(found, list | tuple) else found


def _masked_login(login: Login | None) -> Login | None:
    return attrs.evolve(login, password=MASK) if login else None


def _masked(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {
            key: MASK if key in _SECRET_KEYS and value else _masked(value)
            for key, value in found.items()
        }
    return [_masked(item) for item in found] if isinstance(found, list) else found
