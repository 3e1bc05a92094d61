"""Hides passwords and tokens in what is printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.model.foreign import MASK, masked_urls

if TYPE_CHECKING:
    from natsctl.render.inputs import ConfigInputs, Login

_SECRET_KEYS = ("password", "token")


def masked_inputs(inputs: ConfigInputs) -> ConfigInputs:
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
        jetstream_key=MASK if inputs.jetstream_key else "",
        sealed=dict.fromkeys(inputs.sealed, MASK),
        former=attrs.evolve(inputs.former, digests={}),
    )


def masked_strings(document: Any) -> Any:
    """The same JSON without passwords in its URLs."""
    if isinstance(document, str):
        return masked_urls(document)
    if isinstance(document, Mapping):
        return {key: masked_strings(value) for key, value in document.items()}
    return (
        [masked_strings(item) for item in document]
        if isinstance(document, list | tuple)
        else document
    )


def _masked_login(login: Login | None) -> Login | None:
    return attrs.evolve(login, password=MASK) if login else None


def _masked(document: Any) -> Any:
    if isinstance(document, Mapping):
        return {
            key: MASK if key in _SECRET_KEYS and value else _masked(value)
            for key, value in document.items()
        }
    return [_masked(item) for item in document] if isinstance(document, list) else document
