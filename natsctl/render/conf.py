"""The configuration of the servers.

It comes in two files: `nats.conf` is plain JSON, the same for every server, and `server.conf`
is what a server starts with: its own name, which JSON cannot take from the environment, and
an include of the former.
"""

import json

from natsctl.api import names
from natsctl.api.config import ExtraRoute, NatsConfig
from natsctl.api.fields import Json
from natsctl.render.accounts import has_system as has_system
from natsctl.render.accounts import may_have_system as may_have_system
from natsctl.render.accounts import nobody as nobody
from natsctl.render.target import Target


def server_config(target: Target) -> Json:
    """The configuration as an object, keys in the order they are written."""
    return {
        "port": names.CLIENT_PORT,
        "http_port": names.MONITORING_PORT,
        "cluster": _cluster(target),
        **_settings(target.spec.nats_config or NatsConfig()),
        **_lame_duck(target.spec.lame_duck_duration_seconds),
    }


def config_text(target: Target) -> str:
    """The text of nats.conf.

    nats-server reads JSON but for \\u escapes and for numbers right before a bracket, so
    characters stand for themselves and every item has its own line.
    """
    return json.dumps(server_config(target), indent=2, ensure_ascii=False) + "\n"


def boot_text(target: Target) -> str:
    """The text of server.conf; the include is relative to the file itself."""
    include = f'include "{names.CONFIG_KEY}"\n'
    if target.version.knows_server_name:
        return f"server_name: ${names.SERVER_NAME_ENV}\n{include}"
    return include


def own_name(target: Target) -> bool:
    """Whether the servers' cluster has a name of its own.

    Without one, servers take that of a cluster they have routes to; with one, they refuse
    routes to a cluster of another name. Measured: a nameless server restarted among named
    peers and with an extra route may leave its peers for the other side.
    """
    wanted = not target.spec.extra_routes if target.named is None else target.named
    return target.version.knows_cluster_name and wanted


def _cluster(target: Target) -> Json:
    return {
        **({"name": target.name} if own_name(target) else {}),
        "port": names.CLUSTER_PORT,
        "routes": [*_own_routes(target), *map(_extra_route, target.spec.extra_routes)],
    }


def _own_routes(target: Target) -> list[str]:
    hosts = (
        names.server_host(target.namespace, target.name, index)
        for index in range(1, target.spec.size + 1)
    )
    return [f"nats://{host}:{names.CLUSTER_PORT}" for host in hosts]


def _extra_route(extra: ExtraRoute) -> str:
    if extra.route:
        return extra.route
    return f"nats://{names.management_service(extra.cluster or '')}:{names.CLUSTER_PORT}"


def _settings(config: NatsConfig) -> Json:
    given = {
        "debug": config.debug,
        "trace": config.trace,
        "logtime": not config.disable_logtime,
        "write_deadline": config.write_deadline,
        "max_connections": config.max_connections,
        "max_control_line": config.max_control_line,
        "max_payload": config.max_payload,
        "max_pending": config.max_pending,
        "max_subscriptions": config.max_subscriptions,
    }
    return {key: value for key, value in given.items() if value or key == "logtime"}


def _lame_duck(seconds: int | None) -> Json:
    return {"lame_duck_duration": f"{seconds}s"} if seconds else {}
