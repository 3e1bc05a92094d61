"""What a spec must not give the container of a server that stores streams.

A server that comes back under another name, in another cluster or with another store is another
member to the rest, and what it stored is lost to them.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from natsctl.api.problems import Problem, shown
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.node import server_arguments, server_environment
from natsctl.model import names
from natsctl.model.server_flags import Override, Overrides, overriding

VARIABLES: Final[Mapping[str, str]] = {
    names.SERVER_NAME_ENV: (
        "cannot be set together with spec.jetstream: a server with another name is another "
        "member, without data; remove it, natsctl gives each server a name that it keeps"
    ),
    names.STORE_DIR_ENV: (
        "cannot be set together with spec.jetstream: it is the place of the store; remove it, and "
        "use spec.jetstream.fileStore"
    ),
}
"""Variables that the configuration refers to."""
_WHAT: Final[Mapping[Overrides, str]] = {
    Overrides.NAME: "would change the names of servers: one with another name has no data",
    Overrides.CLUSTER: "would change the cluster of the servers, or their routes to each other",
    Overrides.STORE: "would replace the store that spec.jetstream stands for",
    Overrides.CONFIGURATION: "would replace the configuration",
    Overrides.MONITORING: "would change where natsctl asks servers about their streams",
    Overrides.PROCESS: "would keep servers from running, or from stopping in order",
    Overrides.UNKNOWN: "is not a known flag of nats-server, so it could change anything",
}
_INSTEAD: Final[Mapping[str, str]] = {
    "cluster_name": "spec.clusterName",
    "no_advertise": "spec.noAdvertise",
    "sd": "spec.jetstream.fileStore",
    "store_dir": "spec.jetstream.fileStore",
    "c": "the fields of spec",
    "config": "the fields of spec",
    "ms": "spec.tls.enableHttps",
    "https_port": "spec.tls.enableHttps",
}


def server_problems(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Arguments and variables that would make a server another one."""
    yield from _arguments(spec)
    yield from _variables(spec)


def _arguments(spec: NatsClusterSpec) -> Iterator[Problem]:
    arguments = list(server_arguments(spec))
    for override in overriding(text for _, text in arguments):
        path, text = arguments[override.place]
        message = f"{shown(text)} {_WHAT[override.what]}; {_way_out(override)}"
        yield Problem(path, shown(text), message)


def _way_out(override: Override) -> str:
    if override.what is Overrides.UNKNOWN:
        return "remove it, or write the flag out"
    field = _INSTEAD.get(override.flag)
    return f"remove it, and use {field}" if field else "remove it"


def _variables(spec: NatsClusterSpec) -> Iterator[Problem]:
    for path, variable in server_environment(spec):
        name = variable.get("name")
        if isinstance(name, str) and name in VARIABLES:
            yield Problem(f"{path}.name", shown(name), f"{name} {VARIABLES[name]}")
