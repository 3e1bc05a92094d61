"""Checks of what links servers to others, and of websocket clients: URLs, names and ports."""

import re
from collections.abc import Iterator

from natsctl.api.checks.texts import file_path
from natsctl.api.problems import Problem, shown
from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec
from natsctl.api.types.security import NO_TLS, TLSConfig
from natsctl.api.types.server_config import (
    ONE_ROUTE,
    ExtraRoute,
    GatewayConfig,
    LeafnodeConfig,
    LeafnodeRemote,
    WebsocketConfig,
)
from natsctl.api.urls import SERVER_SCHEMES, WEBSOCKET_SCHEMES, is_url
from natsctl.api.version import ServerVersion
from natsctl.model import names

_SERVER_SIDE_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


def link_problems(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Problems of `extraRoutes`, `clusterName` and the blocks of other links than routes."""
    yield from _routes(spec.extra_routes)
    yield from _cluster_name(spec, version)
    yield from _gateways(spec.gateway_config or GatewayConfig())
    yield from _leafnodes(spec.leafnode_config or LeafnodeConfig(), version)
    yield from _websocket(spec.websocket_config or WebsocketConfig(), spec.tls or NO_TLS, version)
    yield from _ports(spec)


def _routes(routes: tuple[ExtraRoute, ...]) -> Iterator[Problem]:
    for index, extra in enumerate(routes):
        path = f"spec.extraRoutes[{index}]"
        if bool(extra.route) == bool(extra.cluster):
            yield Problem(path, "", ONE_ROUTE.message)
        elif extra.route and not is_url(extra.route, SERVER_SCHEMES):
            yield _no_url(extra.route, f"{path}.route", "route", "nats://host:6222")


def _cluster_name(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    path, name = "spec.clusterName", spec.cluster_name
    gateway = (spec.gateway_config or GatewayConfig()).name
    if not name:
        return
    yield from _server_side_name(name, path, "a cluster")
    if not version.knows_cluster_name:
        message = (
            f"nats-server {version} does not support cluster names; "
            "omit clusterName, or use version 2.2.0 or later"
        )
        yield Problem(path, shown(name), message)
    if gateway and gateway != name:
        message = (
            f"{shown(name)} differs from the name of the gateway, {shown(gateway)}; nats-server "
            "requires them to match, so omit clusterName"
        )
        yield Problem(path, shown(name), message)


def _no_url(url: str, path: str, what: str, example: str) -> Problem:
    message = f"{shown(url)} is not a valid {what}; use a URL with host and port, such as {example}"
    return Problem(path, shown(url), message)


def _gateways(config: GatewayConfig) -> Iterator[Problem]:
    path = "spec.gatewayConfig"
    if config != GatewayConfig():
        yield from _server_side_name(config.name or "", f"{path}.name", "a gateway")
        if not config.host_port:
            message = "is required; set it to the port that gateways connect to, such as 7522"
            yield Problem(f"{path}.hostPort", shown(config.host_port), message)
    for index, remote in enumerate(config.gateways):
        here = f"{path}.gateways[{index}]"
        yield from _server_side_name(remote.name, f"{here}.name", "a gateway")
        yield from _urls(remote.url, remote.urls, here, SERVER_SCHEMES)


def _server_side_name(name: str, path: str, what: str) -> Iterator[Problem]:
    if not _SERVER_SIDE_NAME.fullmatch(name):
        message = (
            f"{shown(name)} is not a valid name for "
            f"{what}; use letters, digits, dots, hyphens and underscores"
        )
        yield Problem(path, shown(name), message)


def _urls(
    url: str | None, urls: tuple[str, ...], path: str, schemes: tuple[str, ...]
) -> Iterator[Problem]:
    if not url and not urls:
        yield Problem(
            f"{path}.url", "", "is required; set it to the address where the other side listens"
        )
    given = (*(((f"{path}.url", url),) if url else ()),)
    given += tuple((f"{path}.urls[{index}]", each) for index, each in enumerate(urls))
    for here, each in given:
        if not is_url(each, schemes):
            yield _no_url(each, here, "URL of a server", "nats://host:7422")


def _leafnodes(config: LeafnodeConfig, version: ServerVersion) -> Iterator[Problem]:
    schemes = (*SERVER_SCHEMES, *(WEBSOCKET_SCHEMES if version.at_least(2, 2) else ()))
    for index, remote in enumerate(config.remotes):
        path = f"spec.leafnodeConfig.remotes[{index}]"
        yield from _urls(remote.url, remote.urls, path, schemes)
        yield from file_path(remote.credentials, f"{path}.credentials")
        yield from _several(remote, f"{path}.urls", version)
        earlier = {_hub(each) for each in config.remotes[:index]}
        if _hub(remote) in earlier and version.at_least(2, 14):
            message = f"is a duplicate, which nats-server {version} rejects; remove one"
            yield Problem(path, "", message)


def _hub(remote: LeafnodeRemote) -> tuple[str, ...]:
    """What a server tells remotes apart by."""
    urls = dict.fromkeys(url for url in (remote.url, *remote.urls) if url)
    return (*urls, remote.credentials or "")


def _several(remote: LeafnodeRemote, path: str, version: ServerVersion) -> Iterator[Problem]:
    urls = {*filter(None, (remote.url, *remote.urls))}
    if len(urls) > 1 and not version.at_least(2, 0, 4):
        # Read: 2.0.0 knows no `urls` of a remote, 2.0.4 does.
        message = f"nats-server {version} accepts only one URL per hub; use version 2.0.4 or later"
        yield Problem(path, "", message)
    if len({url.startswith("ws") for url in urls}) > 1:
        message = "mixes websocket and other URLs, which nats-server rejects; use one kind"
        yield Problem(path, "", message)


def _websocket(
    config: WebsocketConfig, tls: TLSConfig, version: ServerVersion
) -> Iterator[Problem]:
    path = "spec.websocketConfig"
    if config == WebsocketConfig():
        return
    if not version.at_least(2, 2):
        message = (
            f"nats-server {version} does not support "
            "websockets; omit websocketConfig, or use version 2.2.0 or later"
        )
        yield Problem(path, "", message)
    if not config.port:
        message = "is required; set it to the port that websocket clients connect to, such as 8080"
        yield Problem(f"{path}.port", shown(config.port), message)
    if config.no_tls == bool(tls.websocket_secret):
        message = (
            "set either no_tls: true or spec.tls.websocketSecret, not both: "
            "nats-server accepts unencrypted websockets only if told explicitly"
        )
        yield Problem(f"{path}.no_tls", str(config.no_tls).lower(), message)


def _ports(spec: NatsClusterSpec) -> Iterator[Problem]:
    taken = {
        names.CLIENT_PORT: "clients",
        names.CLUSTER_PORT: "routes",
        names.MONITORING_PORT: "monitoring",
        names.METRICS_PORT: "metrics",
    }
    if spec.jetstream is not None and (spec.pod or NO_POLICY).enable_config_reload:
        taken[names.VOLUME_PORT] = "the reloader, which tells how full the volume is"
    for path, port in (
        ("spec.gatewayConfig.hostPort", (spec.gateway_config or GatewayConfig()).host_port),
        ("spec.leafnodeConfig.hostPort", (spec.leafnode_config or LeafnodeConfig()).host_port),
        ("spec.websocketConfig.port", (spec.websocket_config or WebsocketConfig()).port),
    ):
        if port and port in taken:
            message = f"{port} is already the port of {taken[port]}; use another one"
            yield Problem(path, str(port), message)
        elif port:
            taken[port] = path
