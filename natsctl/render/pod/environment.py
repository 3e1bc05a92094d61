"""The environment of a server's container."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from natsctl.model import names
from natsctl.render.target import Target

_REFERENCE: Final = re.compile(r"\$\(([-._a-zA-Z0-9]+)\)", re.ASCII)
Variable = Mapping[str, Any]


def environment(target: Target, index: int, given: Iterable[Variable]) -> list[Variable]:
    """The server's name, and what the user gives as it stands.

    The kubelet puts values of earlier variables into later ones, so the order counts, and of one
    name the last.
    """
    variables = list(given)
    if any(variable["name"] == names.SERVER_NAME_ENV for variable in variables):
        return _named_last(variables)
    # nats-server reads the value as configuration: the quotes keep `1e3-1` a text.
    own = {"name": names.SERVER_NAME_ENV, "value": f'"{target.server_name(index)}"'}
    return [own, *variables]


def _named_last(variables: list[Variable]) -> list[Variable]:
    """With SERVER_NAME after all that it refers to."""
    at = max(i for i, each in enumerate(variables) if each["name"] == names.SERVER_NAME_ENV)
    needed = set(_REFERENCE.findall(str(variables[at].get("value") or "")))
    known = {each["name"] for each in variables[:at]}
    later = [i for i, each in enumerate(variables) if each["name"] in needed - known]
    after = max([at, *later])
    return [*variables[:at], *variables[at + 1 : after + 1], variables[at], *variables[after + 1 :]]
