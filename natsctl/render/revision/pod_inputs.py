"""The fields of a spec that reach a server process, or the pod it runs in."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from natsctl.api.fields import json_name
from natsctl.api.system_account import asks_for_users, included_file
from natsctl.api.types.cluster import NatsClusterSpec, PodPolicy
from natsctl.api.types.listeners import LISTENERS, secret_of
from natsctl.api.types.security import AuthConfig, OperatorConfig, TLSConfig
from natsctl.api.types.server_config import (
    GatewayConfig,
    LeafnodeConfig,
    NatsConfig,
    WebsocketConfig,
)

_OF_CLUSTER: Final = (
    "server_image",
    "server_version",
    "no_advertise",
    "lame_duck_duration_seconds",
    "template",
    "extra_routes",
)
_OF_POD: Final = (
    "labels",
    "annotations",
    "node_selector",
    "anti_affinity",
    "tolerations",
    "resources",
    "nats_env",
    "volume_mounts",
    "enable_clients_host_port",
    "enable_config_reload",
    "enable_metrics",
    "advertise_external_ip",
    "platform_assigned_ids",
)
# What only counts where another field is set.
_WITH_RELOADER: Final = (
    "reloader_image",
    "reloader_image_tag",
    "reloader_image_pull_policy",
    "reloader_resources",
)
_WITH_METRICS: Final = ("metrics_image", "metrics_image_tag", "metrics_image_pull_policy")
_WITH_ADDRESS: Final = ("bootconfig_image", "bootconfig_image_tag", "advertise_internal_ip")
_OF_CLIENTS: Final = ("enable_https", "cipher_suites", "curve_preferences")
_FILES: Final = ("_ca_file_name", "_cert_file_name", "_key_file_name")


def reaching_fields(spec: NatsClusterSpec) -> Iterator[tuple[str, Any]]:
    """JSON path and value of every such field that differs from leaving it out.

    Of Secrets with logins it is what they hold that counts, and that is not of the spec.
    """
    yield from set_fields(spec, _OF_CLUSTER, "")
    yield from set_fields(spec.pod or PodPolicy(), _pod_fields(spec), "pod.")
    config = spec.nats_config or NatsConfig()
    yield from set_fields(config, attrs.fields_dict(NatsConfig), "natsConfig.")
    yield from set_fields(spec.tls or TLSConfig(), _tls_fields(spec), "tls.")
    yield from set_fields(spec.auth or AuthConfig(), _auth_fields(spec), "auth.")
    yield from _blocks(spec)


def set_fields(holder: Any, wanted: Iterable[str], prefix: str) -> Iterator[tuple[str, Any]]:
    """JSON path and value of the wanted attributes that differ from their default."""
    fields = attrs.fields_dict(type(holder))
    for name in wanted:
        value = getattr(holder, name)
        if value and value != fields[name].default:
            yield prefix + json_name(fields[name]), value


def _pod_fields(spec: NatsClusterSpec) -> Iterator[str]:
    pod = spec.pod or PodPolicy()
    yield from _OF_POD
    yield from _WITH_RELOADER if pod.enable_config_reload else ()
    yield from _WITH_METRICS if pod.enable_metrics else ()
    yield from _WITH_ADDRESS if pod.advertise_external_ip else ()
    if (spec.gateway_config or GatewayConfig()).host_port and not pod.advertise_external_ip:
        yield "disable_gateways_host_port"
    if (spec.leafnode_config or LeafnodeConfig()).host_port and not pod.advertise_external_ip:
        yield "disable_leafnodes_host_port"


def _tls_fields(spec: NatsClusterSpec) -> Iterator[str]:
    for listener in LISTENERS:
        if secret_of(spec, listener):
            yield listener.field
            yield from (listener.field + kind for kind in _FILES)
            yield listener.timeout
            yield from _OF_CLIENTS if listener.name == "clients" else ()
            yield from (listener.verify,) if listener.verify else ()


def _auth_fields(spec: NatsClusterSpec) -> Iterator[str]:
    auth = spec.auth or AuthConfig()
    yield "tls_verify_and_map"
    if included_file(auth):
        yield "clients_auth_file"
    if asks_for_users(auth):
        # Also without any user: then nobody is let in.
        yield from ("enable_service_accounts", "clients_auth_secret", "clients_auth_timeout")
    if auth.cluster_auth_secret:
        yield "cluster_auth_timeout"
    if auth.gateway_auth_secret and spec.gateway_config:
        yield "gateway_auth_timeout"


def _blocks(spec: NatsClusterSpec) -> Iterator[tuple[str, Any]]:
    """What upstream calls configs: each only counts with the field that makes it work."""
    blocks: tuple[tuple[str, Any, str], ...] = (
        ("gatewayConfig.", spec.gateway_config or GatewayConfig(), "name"),
        ("leafnodeConfig.", spec.leafnode_config or LeafnodeConfig(), ""),
        ("websocketConfig.", spec.websocket_config or WebsocketConfig(), "port"),
        ("operatorConfig.", spec.operator_config or OperatorConfig(), "secret"),
    )
    for prefix, block, needed in blocks:
        if not needed or getattr(block, needed):
            yield from set_fields(block, attrs.fields_dict(type(block)), prefix)
