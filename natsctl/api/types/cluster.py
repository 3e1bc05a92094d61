"""The spec of a NatsCluster."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from natsctl.api import native
from natsctl.api.effects import (
    KEPT,
    NONE,
    PARTS,
    RELOAD_OR_WAIT,
    RESTART,
    RESTART_IF_DOWN,
    Effect,
)
from natsctl.api.fields import Rule, described
from natsctl.api.texts import IMAGE, IMAGE_PART, LABELS, RELEASE, SERVER_SIDE, VERSION_TAG
from natsctl.api.types.network import NetworkPolicy
from natsctl.api.types.security import AuthConfig, OperatorConfig, TLSConfig
from natsctl.api.types.server_config import (
    ONE_ROUTE,
    ExtraRoute,
    GatewayConfig,
    LeafnodeConfig,
    NatsConfig,
    WebsocketConfig,
)
from natsctl.api.version import RELEASE_HELP, RELEASE_RULE, VERSION_HELP, VERSION_RULE
from natsctl.model.names import MAX_SIZE

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
DEFAULT_IMAGE = "nats"
MIN_LAME_DUCK = 30
LAME_DUCK_HELP = (
    f"use {MIN_LAME_DUCK} or more: nats-server accepts no lame duck period "
    f"shorter than {MIN_LAME_DUCK} seconds"
)
_BESIDE_RELOADER = RESTART.when("pod.enableConfigReload")
_BESIDE_METRICS = RESTART.when("pod.enableMetrics")
_BESIDE_ADDRESS = RESTART.when("pod.advertiseExternalIP")
SIZE_HELP = f"use a number of servers from 0 to {MAX_SIZE}"


def _switch(description: str, effect: Effect) -> bool:
    off: bool = described(description, default=False, effect=effect)
    return off


def _image(description: str, effect: Effect) -> str | None:
    text: str | None = described(description, default=None, text=IMAGE_PART, effect=effect)
    return text


def _pull_policy(whose: str, effect: Effect) -> str | None:
    policy: str | None = described(
        f"When the image of the {whose} is pulled.",
        default=None,
        enum=PULL_POLICIES,
        effect=effect,
    )
    return policy


def _labels(description: str, effect: Effect) -> Mapping[str, str]:
    labels: Mapping[str, str] = described(description, factory=dict, text=LABELS, effect=effect)
    return labels


@frozen
class ServicePolicy:
    """What is added to a Service."""

    labels: Mapping[str, str] = _labels("Labels of the Service.", NONE)
    annotations: Mapping[str, str] = _labels("Annotations of the Service.", NONE)


@frozen
class PodPolicy:
    """How the pods of the servers are made."""

    labels: Mapping[str, str] = _labels("Labels of the pods; the operator's own win.", RESTART)
    annotations: Mapping[str, str] = _labels(
        "Annotations of the pods; the operator's own win.", RESTART
    )
    node_selector: Mapping[str, str] = _labels("Labels that a node needs to run a server.", RESTART)
    anti_affinity: bool = _switch("Never run two servers of this cluster on one node.", RESTART)
    tolerations: tuple[Mapping[str, Any], ...] = described(
        "Taints of nodes that the pods tolerate.",
        default=(),
        max_items=256,
        native=native.TOLERATION,
        kind="Toleration",
        effect=RESTART,
    )
    resources: Mapping[str, Any] = described(
        "Resources of the server's container.",
        factory=dict,
        native=native.RESOURCES,
        kind="ResourceRequirements",
        effect=RESTART,
    )
    nats_env: tuple[Mapping[str, Any], ...] = described(
        "Environment of the server's container.",
        default=(),
        max_items=1024,
        native=native.ENV_VAR,
        kind="EnvVar",
        effect=RESTART,
    )
    volume_mounts: tuple[Mapping[str, Any], ...] = described(
        "Volumes of template.spec.volumes mounted into the server's container.",
        default=(),
        max_items=256,
        native=native.VOLUME_MOUNT,
        kind="VolumeMount",
        effect=RESTART,
    )
    enable_config_reload: bool = _switch(
        "Run a sidecar that reloads a changed configuration.", RESTART
    )
    reloader_image: str | None = _image("Image of the reloader.", _BESIDE_RELOADER)
    reloader_image_tag: str | None = _image("Tag of the reloader's image.", _BESIDE_RELOADER)
    reloader_image_pull_policy: str | None = _pull_policy("reloader", _BESIDE_RELOADER)
    reloader_resources: Mapping[str, Any] = described(
        "Resources of the reloader.",
        factory=dict,
        native=native.RESOURCES,
        kind="ResourceRequirements",
        effect=_BESIDE_RELOADER,
    )
    enable_metrics: bool = _switch("Run a sidecar that exports metrics to Prometheus.", RESTART)
    metrics_image: str | None = _image("Image of the metrics exporter.", _BESIDE_METRICS)
    metrics_image_tag: str | None = _image("Tag of the metrics exporter's image.", _BESIDE_METRICS)
    metrics_image_pull_policy: str | None = _pull_policy("metrics exporter", _BESIDE_METRICS)
    enable_clients_host_port: bool = _switch("Open the clients' port on the node as well.", RESTART)
    disable_gateways_host_port: bool = _switch(
        "Do not open the gateway's port on the node.",
        RESTART.when("gatewayConfig.hostPort").unless("pod.advertiseExternalIP"),
    )
    disable_leafnodes_host_port: bool = _switch(
        "Do not open the leaf nodes' port on the node.",
        RESTART.when("leafnodeConfig.hostPort").unless("pod.advertiseExternalIP"),
    )
    # `hostPort` says by its name what it asks for; the websocket's `port` does not.
    disable_websockets_host_port: bool = _switch(
        "Do not open the websocket port on the node.", NONE
    )
    advertise_external_ip: bool = described(
        "Tell clients and gateways the external address of the node.",
        default=False,
        json="advertiseExternalIP",
        effect=RESTART,
    )
    advertise_internal_ip: bool = described(
        "With advertiseExternalIP: tell the internal address of a node that has no external one.",
        default=False,
        json="advertiseInternalIP",
        effect=_BESIDE_ADDRESS,
    )
    platform_assigned_ids: bool = _switch(
        "Leave user, group and fsGroup of the pods to the platform, as OpenShift wants it; what "
        "the template gives stands.",
        RESTART,
    )
    bootconfig_image: str | None = _image(
        "Image of the init container that finds the address.", _BESIDE_ADDRESS
    )
    bootconfig_image_tag: str | None = _image("Tag of that image.", _BESIDE_ADDRESS)


@frozen
class NatsClusterSpec:
    """What a user asks of a cluster."""

    size: int = described(
        "How many servers run.",
        rules=(Rule(f"self >= 0 && self <= {MAX_SIZE}", SIZE_HELP),),
        effect=RELOAD_OR_WAIT.told_by("routes"),
    )
    version: str | None = described(
        "Version of nats-server, which is the tag of its image. "
        "A cluster without one keeps the version it was created with.",
        default=None,
        text=VERSION_TAG,
        rules=(Rule(VERSION_RULE, VERSION_HELP),),
        effect=RESTART.told_by("version"),
    )
    server_image: str = described(
        "Image of nats-server, without a tag.",
        default=DEFAULT_IMAGE,
        text=IMAGE,
        effect=RESTART,
    )
    server_version: str | None = described(
        'The release of nats-server, such as "2.15.3", in an image whose tag says none or another '
        "one. Unless given, servers are asked where the tag does not say it.",
        default=None,
        text=RELEASE,
        rules=(Rule(RELEASE_RULE, RELEASE_HELP),),
        effect=RESTART_IF_DOWN,
    )
    nats_config: NatsConfig | None = described(
        "Settings of the servers.", default=None, open=True, effect=PARTS
    )
    use_server_name: bool = _switch("Name each server after the environment's SERVER_NAME.", NONE)
    paused: bool = _switch("Change nothing at all until this is false again.", NONE)
    lame_duck_duration_seconds: int | None = described(
        "Seconds over which a stopping server asks its clients to leave; 120 unless given.",
        default=None,
        maximum=86400,
        rules=(Rule(f"self >= {MIN_LAME_DUCK}", LAME_DUCK_HELP),),
        effect=RESTART,
    )
    no_advertise: bool = _switch("Do not tell clients the addresses of the other servers.", RESTART)
    extra_routes: tuple[ExtraRoute, ...] = described(
        "Routes to servers outside this cluster.",
        default=(),
        max_items=256,
        item_rules=(ONE_ROUTE,),
        effect=RELOAD_OR_WAIT,
    )
    cluster_name: str | None = described(
        "What servers call their cluster; they keep what they are created with. Unless given, it "
        "is the name of the NatsCluster, or of the cluster that extraRoutes lead to. Give the "
        "name that the other side has where they lead outside.",
        default=None,
        text=SERVER_SIDE,
        effect=KEPT,
    )
    template: Mapping[str, Any] | None = described(
        "Template of the pods.",
        default=None,
        native=native.POD_TEMPLATE,
        kind="PodTemplateSpec",
        effect=RESTART,
    )
    service_policy: ServicePolicy | None = described(
        "What is added to the clients' Service.", default=None, effect=PARTS
    )
    management_service_policy: ServicePolicy | None = described(
        "What is added to the servers' headless Service.", default=None, effect=PARTS
    )
    pod: PodPolicy | None = described("How the pods are made.", default=None, effect=PARTS)
    tls: TLSConfig | None = described("Certificates.", default=None, effect=PARTS)
    auth: AuthConfig | None = described("Who may connect.", default=None, effect=PARTS)
    gateway_config: GatewayConfig | None = described("Supercluster.", default=None, effect=PARTS)
    leafnode_config: LeafnodeConfig | None = described("Leaf nodes.", default=None, effect=PARTS)
    operator_config: OperatorConfig | None = described("Operator JWTs.", default=None, effect=PARTS)
    websocket_config: WebsocketConfig | None = described(
        "Websocket clients.", default=None, effect=PARTS
    )
    network_policy: NetworkPolicy | None = described(
        "Who may reach the servers; without it, everybody. Needs a network that enforces it.",
        default=None,
        effect=PARTS,
    )
