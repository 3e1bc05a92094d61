"""The spec of a NatsCluster."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from natsctl.api import native
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
    f"write {MIN_LAME_DUCK} or more: nats-server accepts no lame duck period "
    f"shorter than {MIN_LAME_DUCK} seconds"
)
SIZE_HELP = f"write a number of servers from 0 to {MAX_SIZE}"


def _switch(description: str) -> bool:
    off: bool = described(description, default=False)
    return off


def _image(description: str) -> str | None:
    text: str | None = described(description, default=None, text=IMAGE_PART)
    return text


def _pull_policy(whose: str) -> str | None:
    policy: str | None = described(
        f"When the image of the {whose} is pulled.", default=None, enum=PULL_POLICIES
    )
    return policy


def _labels(description: str) -> Mapping[str, str]:
    labels: Mapping[str, str] = described(description, factory=dict, text=LABELS)
    return labels


@frozen
class ServicePolicy:
    """What is added to a Service."""

    labels: Mapping[str, str] = _labels("Labels of the Service.")
    annotations: Mapping[str, str] = _labels("Annotations of the Service.")


@frozen
class PodPolicy:
    """How the pods of the servers are made."""

    labels: Mapping[str, str] = _labels("Labels of the pods; the operator's own win.")
    annotations: Mapping[str, str] = _labels("Annotations of the pods; the operator's own win.")
    node_selector: Mapping[str, str] = _labels("Labels that a node needs to run a server.")
    anti_affinity: bool = _switch("Never run two servers of this cluster on one node.")
    tolerations: tuple[Mapping[str, Any], ...] = described(
        "Taints of nodes that the pods tolerate.",
        default=(),
        max_items=256,
        native=native.TOLERATION,
        kind="Toleration",
    )
    resources: Mapping[str, Any] = described(
        "Resources of the server's container.",
        factory=dict,
        native=native.RESOURCES,
        kind="ResourceRequirements",
    )
    nats_env: tuple[Mapping[str, Any], ...] = described(
        "Environment of the server's container.",
        default=(),
        max_items=1024,
        native=native.ENV_VAR,
        kind="EnvVar",
    )
    volume_mounts: tuple[Mapping[str, Any], ...] = described(
        "Volumes of template.spec.volumes mounted into the server's container.",
        default=(),
        max_items=256,
        native=native.VOLUME_MOUNT,
        kind="VolumeMount",
    )
    enable_config_reload: bool = _switch("Run a side-car that reloads a changed configuration.")
    reloader_image: str | None = _image("Image of the reloader.")
    reloader_image_tag: str | None = _image("Tag of the reloader's image.")
    reloader_image_pull_policy: str | None = _pull_policy("reloader")
    reloader_resources: Mapping[str, Any] = described(
        "Resources of the reloader.",
        factory=dict,
        native=native.RESOURCES,
        kind="ResourceRequirements",
    )
    enable_metrics: bool = _switch("Run a side-car that exports metrics to Prometheus.")
    metrics_image: str | None = _image("Image of the metrics exporter.")
    metrics_image_tag: str | None = _image("Tag of the metrics exporter's image.")
    metrics_image_pull_policy: str | None = _pull_policy("metrics exporter")
    enable_clients_host_port: bool = _switch("Open the clients' port on the node as well.")
    disable_gateways_host_port: bool = _switch("Do not open the gateway's port on the node.")
    disable_leafnodes_host_port: bool = _switch("Do not open the leaf nodes' port on the node.")
    disable_websockets_host_port: bool = _switch("Do not open the websocket port on the node.")
    advertise_external_ip: bool = described(
        "Tell clients and gateways the external address of the node.",
        default=False,
        json="advertiseExternalIP",
    )
    advertise_internal_ip: bool = described(
        "With advertiseExternalIP: tell the internal address of a node that has no external one.",
        default=False,
        json="advertiseInternalIP",
    )
    platform_assigned_ids: bool = _switch(
        "Leave user, group and fsGroup of the pods to the platform, as OpenShift wants it; what "
        "the template gives stands."
    )
    bootconfig_image: str | None = _image("Image of the init container that finds the address.")
    bootconfig_image_tag: str | None = _image("Tag of that image.")


@frozen
class NatsClusterSpec:
    """What a user asks of a cluster."""

    size: int = described(
        "How many servers run.",
        rules=(Rule(f"self >= 0 && self <= {MAX_SIZE}", SIZE_HELP),),
    )
    version: str | None = described(
        "Version of nats-server, which is the tag of its image. "
        "A cluster without one keeps the version it was created with.",
        default=None,
        text=VERSION_TAG,
        rules=(Rule(VERSION_RULE, VERSION_HELP),),
    )
    server_image: str = described(
        "Image of nats-server, without a tag.", default=DEFAULT_IMAGE, text=IMAGE
    )
    server_version: str | None = described(
        'The release of nats-server, such as "2.15.3", in an image whose tag says none or another '
        "one. Unless given, servers are asked where the tag does not say it.",
        default=None,
        text=RELEASE,
        rules=(Rule(RELEASE_RULE, RELEASE_HELP),),
    )
    nats_config: NatsConfig | None = described("Settings of the servers.", default=None, open=True)
    use_server_name: bool = _switch("Name each server after the environment's SERVER_NAME.")
    paused: bool = _switch("Change nothing at all until this is false again.")
    lame_duck_duration_seconds: int | None = described(
        "Seconds over which a stopping server asks its clients to leave; 120 unless given.",
        default=None,
        maximum=86400,
        rules=(Rule(f"self >= {MIN_LAME_DUCK}", LAME_DUCK_HELP),),
    )
    no_advertise: bool = _switch("Do not tell clients the addresses of the other servers.")
    extra_routes: tuple[ExtraRoute, ...] = described(
        "Routes to servers outside this cluster.",
        default=(),
        max_items=256,
        item_rules=(ONE_ROUTE,),
    )
    cluster_name: str | None = described(
        "What servers call their cluster; they keep what they are created with. Unless given, it "
        "is the name of the NatsCluster, or of the cluster that extraRoutes lead to. Give the "
        "name that the other side has where they lead outside.",
        default=None,
        text=SERVER_SIDE,
    )
    template: Mapping[str, Any] | None = described(
        "Template of the pods.", default=None, native=native.POD_TEMPLATE, kind="PodTemplateSpec"
    )
    service_policy: ServicePolicy | None = described(
        "What is added to the clients' Service.", default=None
    )
    management_service_policy: ServicePolicy | None = described(
        "What is added to the servers' headless Service.", default=None
    )
    pod: PodPolicy | None = described("How the pods are made.", default=None)
    tls: TLSConfig | None = described("Certificates.", default=None)
    auth: AuthConfig | None = described("Who may connect.", default=None)
    gateway_config: GatewayConfig | None = described("Supercluster.", default=None)
    leafnode_config: LeafnodeConfig | None = described("Leaf nodes.", default=None)
    operator_config: OperatorConfig | None = described("Operator JWTs.", default=None)
    websocket_config: WebsocketConfig | None = described("Websocket clients.", default=None)
    network_policy: NetworkPolicy | None = described(
        "Who may reach the servers; without it, everybody. Needs a network that enforces it.",
        default=None,
    )
