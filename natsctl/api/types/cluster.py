"""The spec of a NatsCluster."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from natsctl.api import native
from natsctl.api.effects import (
    KEPT,
    NONE,
    PARTS,
    RELOAD,
    RELOAD_OR_WAIT,
    RESTART,
    RESTART_IF_DOWN,
    Effect,
)
from natsctl.api.fields import Rule, described
from natsctl.api.texts import (
    IMAGE,
    IMAGE_PART,
    LABEL_KEY,
    LABELS,
    RELEASE,
    SERVER_SIDE,
    TAG,
    VERSION_TAG,
)
from natsctl.api.types.jetstream import JetStream, PersistentVolumeClaimRetentionPolicy
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
from natsctl.model.node_tags import MAX_LABELS

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
_BESIDE_NODE = RESTART.when_any("pod.advertiseExternalIP", "serverTagsFromNode")
SIZE_HELP = f"use a number of servers from 0 to {MAX_SIZE}"


def _switch(description: str, effect: Effect) -> bool:
    off: bool = described(description, default=False, effect=effect)
    return off


def _image(description: str, effect: Effect) -> str | None:
    text: str | None = described(description, default=None, text=IMAGE_PART, effect=effect)
    return text


def _pull_policy(whose: str, effect: Effect) -> str | None:
    policy: str | None = described(
        f"Pull policy of the {whose} image.",
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
    """Labels and annotations to add to a Service."""

    labels: Mapping[str, str] = _labels("Labels to add to the Service.", NONE)
    annotations: Mapping[str, str] = _labels("Annotations to add to the Service.", NONE)


@frozen
class PodPolicy:
    """Settings of the pods."""

    labels: Mapping[str, str] = _labels(
        "Labels to add to the pods. Labels that the operator sets take precedence.", RESTART
    )
    annotations: Mapping[str, str] = _labels(
        "Annotations to add to the pods. Annotations that the operator sets take precedence.",
        RESTART,
    )
    node_selector: Mapping[str, str] = _labels(
        "Labels that a node must have to run a server.", RESTART
    )
    anti_affinity: bool = _switch(
        "Never schedule two servers of this cluster on the same node.", RESTART
    )
    tolerations: tuple[Mapping[str, Any], ...] = described(
        "Tolerations of the pods.",
        default=(),
        max_items=256,
        native=native.TOLERATION,
        kind="Toleration",
        effect=RESTART,
    )
    resources: Mapping[str, Any] = described(
        "Compute resources of the server container.",
        factory=dict,
        native=native.RESOURCES,
        kind="ResourceRequirements",
        effect=RESTART,
    )
    nats_env: tuple[Mapping[str, Any], ...] = described(
        "Environment variables of the server container.",
        default=(),
        max_items=1024,
        native=native.ENV_VAR,
        kind="EnvVar",
        effect=RESTART,
    )
    volume_mounts: tuple[Mapping[str, Any], ...] = described(
        "Volume mounts of the server container, for volumes in template.spec.volumes.",
        default=(),
        max_items=256,
        native=native.VOLUME_MOUNT,
        kind="VolumeMount",
        effect=RESTART,
    )
    enable_config_reload: bool = _switch(
        "Run a sidecar that makes the server reload a changed configuration.", RESTART
    )
    reloader_image: str | None = _image("Image of the reloader sidecar.", _BESIDE_RELOADER)
    reloader_image_tag: str | None = _image("Tag of the reloader image.", _BESIDE_RELOADER)
    reloader_image_pull_policy: str | None = _pull_policy("reloader", _BESIDE_RELOADER)
    reloader_resources: Mapping[str, Any] = described(
        "Compute resources of the reloader sidecar.",
        factory=dict,
        native=native.RESOURCES,
        kind="ResourceRequirements",
        effect=_BESIDE_RELOADER,
    )
    enable_metrics: bool = _switch("Run a sidecar that exports metrics for Prometheus.", RESTART)
    metrics_image: str | None = _image("Image of the metrics exporter.", _BESIDE_METRICS)
    metrics_image_tag: str | None = _image("Tag of the metrics exporter image.", _BESIDE_METRICS)
    metrics_image_pull_policy: str | None = _pull_policy("metrics exporter", _BESIDE_METRICS)
    enable_clients_host_port: bool = _switch("Also open the client port on the node.", RESTART)
    disable_gateways_host_port: bool = _switch(
        "Do not open the gateway port on the node.",
        RESTART.when("gatewayConfig.hostPort").unless("pod.advertiseExternalIP"),
    )
    disable_leafnodes_host_port: bool = _switch(
        "Do not open the leaf node port on the node.",
        RESTART.when("leafnodeConfig.hostPort").unless("pod.advertiseExternalIP"),
    )
    # `hostPort` says by its name what it asks for; the websocket's `port` does not.
    disable_websockets_host_port: bool = _switch(
        "Do not open the websocket port on the node.", NONE
    )
    advertise_external_ip: bool = described(
        "Advertise the external address of the node to clients and gateways.",
        default=False,
        json="advertiseExternalIP",
        effect=RESTART,
    )
    advertise_internal_ip: bool = described(
        "With advertiseExternalIP: advertise the internal address of a node that has no external "
        "one.",
        default=False,
        json="advertiseInternalIP",
        effect=_BESIDE_ADDRESS,
    )
    platform_assigned_ids: bool = _switch(
        "Leave the user, group and fsGroup of the pods to the platform, as OpenShift requires. "
        "Values in the template still apply.",
        RESTART,
    )
    bootconfig_image: str | None = _image(
        "Image of the init container that looks up the address and the labels of the node.",
        _BESIDE_NODE,
    )
    bootconfig_image_tag: str | None = _image("Tag of the bootconfig image.", _BESIDE_NODE)


NO_POLICY: Final = PodPolicy()
"""What a spec without spec.pod means."""


@frozen
class Rollout:
    """How changes reach servers that have to restart for them."""

    paused: bool = _switch(
        "Restart no server for a changed spec until this is false again. Everything else "
        "continues: reloads, scaling, and new pods for lost ones, which run the changed spec.",
        NONE,
    )


@frozen
class NatsClusterSpec:
    """Desired state of the cluster."""

    size: int = described(
        "Number of servers.",
        rules=(Rule(f"self >= 0 && self <= {MAX_SIZE}", SIZE_HELP),),
        effect=RELOAD_OR_WAIT.told_by("routes"),
    )
    version: str | None = described(
        "Version of nats-server, used as the tag of its image. "
        "A cluster without a version keeps the one that it was created with.",
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
        'Release of nats-server, such as "2.15.3", if the tag of the image is not a release or is '
        "a different one. If unset, the operator asks the servers where the tag does not say it.",
        default=None,
        text=RELEASE,
        rules=(Rule(RELEASE_RULE, RELEASE_HELP),),
        effect=RESTART_IF_DOWN,
    )
    nats_config: NatsConfig | None = described(
        "Configuration of the servers.", default=None, open=True, effect=PARTS
    )
    use_server_name: bool = _switch(
        "Name each server after the environment variable SERVER_NAME.", NONE
    )
    paused: bool = _switch("Stop all changes to the cluster until this is false again.", NONE)
    lame_duck_duration_seconds: int | None = described(
        "Number of seconds over which a stopping server asks its clients to leave; 120 if unset.",
        default=None,
        maximum=86400,
        rules=(Rule(f"self >= {MIN_LAME_DUCK}", LAME_DUCK_HELP),),
        effect=RESTART,
    )
    no_advertise: bool = _switch(
        "Do not advertise the addresses of the other servers to clients.", RESTART
    )
    extra_routes: tuple[ExtraRoute, ...] = described(
        "Routes to servers outside this cluster.",
        default=(),
        max_items=256,
        item_rules=(ONE_ROUTE,),
        effect=RELOAD_OR_WAIT,
    )
    cluster_name: str | None = described(
        "Name that the servers give their cluster. They keep the one that they were created with. "
        "Defaults to the name of the NatsCluster, or of the cluster that extraRoutes lead to. If "
        "they lead outside of the namespace, set the name that the other side has.",
        default=None,
        text=SERVER_SIDE,
        effect=KEPT,
    )
    template: Mapping[str, Any] | None = described(
        "Template for the pods.",
        default=None,
        native=native.POD_TEMPLATE,
        kind="PodTemplateSpec",
        effect=RESTART,
    )
    service_policy: ServicePolicy | None = described(
        "Labels and annotations of the client Service.", default=None, effect=PARTS
    )
    management_service_policy: ServicePolicy | None = described(
        "Labels and annotations of the headless Service of the servers.", default=None, effect=PARTS
    )
    pod: PodPolicy | None = described("Settings of the pods.", default=None, effect=PARTS)
    tls: TLSConfig | None = described("TLS certificates.", default=None, effect=PARTS)
    auth: AuthConfig | None = described(
        "Authentication of clients, routes and gateways.", default=None, effect=PARTS
    )
    gateway_config: GatewayConfig | None = described(
        "Gateway to a supercluster.", default=None, effect=PARTS
    )
    leafnode_config: LeafnodeConfig | None = described(
        "Leaf node connections.", default=None, effect=PARTS
    )
    operator_config: OperatorConfig | None = described(
        "Decentralized authentication with JWTs.", default=None, effect=PARTS
    )
    websocket_config: WebsocketConfig | None = described(
        "Websocket connections.", default=None, effect=PARTS
    )
    network_policy: NetworkPolicy | None = described(
        "NetworkPolicy for the pods. If unset, all ports can be reached from everywhere. Requires "
        "a network plugin that enforces NetworkPolicies.",
        default=None,
        effect=PARTS,
    )
    rollout: Rollout | None = described(
        "How changes reach servers that have to restart for them.", default=None, effect=PARTS
    )
    server_tags: tuple[str, ...] = described(
        'Tags of the servers, such as "zone:a", which the placement of streams may refer to.',
        default=(),
        max_items=64,
        text=TAG,
        effect=RELOAD.since(2, 9),
    )
    server_tags_from_node: tuple[str, ...] = described(
        "Labels of the node that a server runs on, of which each becomes a tag of that server: "
        'topology.kubernetes.io/zone becomes "zone:a". The ServiceAccount of the pods needs '
        "permission to read nodes.",
        default=(),
        max_items=MAX_LABELS,
        text=LABEL_KEY,
        effect=RESTART,
    )
    jetstream: JetStream | None = described(
        "Streams that the servers store. Alpha: the operator needs its feature gate JetStream.",
        default=None,
        effect=PARTS,
    )
    persistent_volume_claim_retention_policy: PersistentVolumeClaimRetentionPolicy | None = (
        described(
            "What happens to PersistentVolumeClaims that are no longer needed.",
            default=None,
            effect=PARTS,
        )
    )
