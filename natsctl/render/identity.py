"""What servers call themselves.

Every server that may ever meet another one needs a name of its own: clusters of one name in two
namespaces, or two Kubernetes clusters, may be linked later. So the name tells the very cluster,
by the beginning of its uid. (Measured: from 2.9 on servers refuse gateways and routes of servers
that have their own names, "duplicate server name".)

A server has the name that its pod was made with; running ones keep theirs until they restart for
another reason. What is stored on disk under a server's name has to keep it for ever: a rule for
that belongs here.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from natsctl.model import names
from natsctl.render.target import Target

_UNIQUE: Final = 8
_REFERENCE: Final = re.compile(r"\$\(([-._a-zA-Z0-9]+)\)", re.ASCII)
Variable = Mapping[str, Any]


def server_name(target: Target, index: int) -> str:
    """The name of a new server, unless its user gives it one."""
    return f"{names.pod_name(target.name, index)}-{target.uid[:_UNIQUE]}"


def environment(target: Target, index: int, given: Iterable[Variable]) -> list[Variable]:
    """The environment of a server's container: its name, and what the user gives as it stands.

    The kubelet puts values of earlier variables into later ones, so the order counts, and of one
    name the last.
    """
    variables = list(given)
    if any(variable["name"] == names.SERVER_NAME_ENV for variable in variables):
        return _named_last(variables)
    # nats-server reads the value as configuration: the quotes keep `1e3-1` a text.
    own = {"name": names.SERVER_NAME_ENV, "value": f'"{server_name(target, index)}"'}
    return [own, *variables]


def _named_last(variables: list[Variable]) -> list[Variable]:
    """With SERVER_NAME after all that it refers to."""
    at = max(i for i, each in enumerate(variables) if each["name"] == names.SERVER_NAME_ENV)
    needed = set(_REFERENCE.findall(str(variables[at].get("value") or "")))
    known = {each["name"] for each in variables[:at]}
    later = [i for i, each in enumerate(variables) if each["name"] in needed - known]
    after = max([at, *later])
    return [*variables[:at], *variables[at + 1 : after + 1], variables[at], *variables[after + 1 :]]
