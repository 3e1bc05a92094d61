"""Containers beside the server's: the reloader, the exporter of metrics, the reader of the node."""

import posixpath
from collections.abc import Iterator
from typing import Final

from natsctl.api.fields import Json
from natsctl.api.system_account import included_file
from natsctl.api.types.cluster import NO_POLICY, PodPolicy
from natsctl.api.types.listeners import ADVERTISE_DIR, ADVERTISE_VOLUME, Volume, reads_node
from natsctl.api.types.security import NO_AUTH, NO_TLS
from natsctl.model import names
from natsctl.model.store_files import boot_key
from natsctl.render.config import tls
from natsctl.render.config.boot import (
    CLIENT_ADVERTISE,
    GATEWAY_ADVERTISE,
    TAGGED_BOOT,
    advertised_blocks,
)
from natsctl.render.config.jetstream import jetstream_files
from natsctl.render.inputs import Images
from natsctl.render.pod.images import image_of
from natsctl.render.pod.security import sidecar_security
from natsctl.render.pod.volumes import mount
from natsctl.render.target import Target

_PULL_POLICY: Final = "IfNotPresent"
_USUAL: Final = Images()
_UPSTREAM_METRICS: Final = "synadia/prometheus-nats-exporter:0.2.2"
_ANY_METRICS: Final = ("-connz", "-routez", "-subz", "-varz")
"""Flags that every release of the exporter knows."""
_TODAYS_METRICS: Final = (
    *_ANY_METRICS,
    "-gatewayz",
    "-leafz",
    "-healthz",
    "-use_internal_server_id",
)
"""What 0.20.1 has to tell of servers without JetStream, labelled by server and not by URL."""


def sidecars(target: Target, server: Json) -> list[Json]:
    """Those that run along with the server's container, of which they see the volumes."""
    policy = target.spec.pod or NO_POLICY
    return [
        *([_reloader(target, policy, server)] if policy.enable_config_reload else []),
        *([_metrics(target, policy, server)] if policy.enable_metrics else []),
    ]


def init_containers(target: Target, server: Json) -> list[Json]:
    """Those that end before the server starts."""
    policy = target.spec.pod or NO_POLICY
    return [_bootconfig(target, policy, server)] if reads_node(target.spec) else []


def _reloader(target: Target, policy: PodPolicy, server: Json) -> Json:
    watched = (argument for path in _watched(target) for argument in ("-config", path))
    given, tag = policy.reloader_image, policy.reloader_image_tag
    return {
        "name": names.RELOADER,
        "image": image_of(given, tag, _USUAL.reloader, target.images.reloader),
        "imagePullPolicy": policy.reloader_image_pull_policy or _PULL_POLICY,
        "command": ["nats-server-config-reloader", "-pid", names.PID_FILE, *watched],
        "volumeMounts": [m for m in server["volumeMounts"] if m["name"] != names.STORE_VOLUME],
        "securityContext": sidecar_security(server["securityContext"]),
        **({"resources": policy.reloader_resources} if policy.reloader_resources else {}),
        **(_volume_watch() if target.spec.jetstream is not None else {}),
    }


def _volume_watch() -> Json:
    """What has it tell how full the store's volume is, which it sees through the server."""
    return {
        "env": [{"name": names.WATCHED_DIR_ENV, "value": names.STORE_DIR}],
        "ports": [{"name": "volume", "containerPort": names.VOLUME_PORT, "protocol": "TCP"}],
    }


def _watched(target: Target) -> Iterator[str]:
    """Every file whose change a server takes up by a reload."""
    for key in (
        names.CONFIG_KEY,
        boot_key(target.inputs.suffix),
        *advertised_blocks(target),
        *jetstream_files(target),
    ):
        yield posixpath.join(names.CONFIG_DIR, key)
    users = included_file(target.spec.auth or NO_AUTH)
    if users:
        yield posixpath.normpath(posixpath.join(names.CONFIG_DIR, users))
    for listener in tls.secrets(target.spec):
        files = tls.files_of(target, listener)
        for name in (files.ca, files.cert, files.key):
            if name:
                yield tls.path(listener, name)


def _metrics(target: Target, policy: PodPolicy, server: Json) -> Json:
    given, tag = policy.metrics_image, policy.metrics_image_tag
    secure = (target.spec.tls or NO_TLS).enable_https
    url = f"{'https' if secure else 'http'}://localhost:{names.MONITORING_PORT}"
    return {
        "name": names.METRICS,
        "image": image_of(given, tag, _UPSTREAM_METRICS, target.images.metrics),
        "imagePullPolicy": policy.metrics_image_pull_policy or _PULL_POLICY,
        "args": [*(_ANY_METRICS if given or tag else _TODAYS_METRICS), url],
        "ports": [{"name": names.METRICS, "containerPort": names.METRICS_PORT, "protocol": "TCP"}],
        "securityContext": sidecar_security(server["securityContext"]),
        **(_trust(target) if secure else {}),
    }


def _trust(target: Target) -> Json:
    """The clients' CA in place of the system's, as Go programs take it from the environment."""
    ca = tls.files_of(target, "clients").ca
    place = Volume(tls.CLIENTS.volume, tls.CLIENTS.mount_path)
    variable = {"name": "SSL_CERT_FILE", "value": tls.path("clients", ca)} if ca else None
    return {"volumeMounts": [mount(place)], **({"env": [variable]} if variable else {})}


def _bootconfig(target: Target, policy: PodPolicy, server: Json) -> Json:
    given, tag = policy.bootconfig_image, policy.bootconfig_image_tag
    node = {"fieldRef": {"fieldPath": "spec.nodeName"}}
    return {
        "name": names.BOOTCONFIG,
        "image": image_of(given, tag, _USUAL.bootconfig, target.images.bootconfig),
        "imagePullPolicy": _PULL_POLICY,
        "command": ["nats-pod-bootconfig", *_of_address(policy), *_of_labels(target)],
        "env": [{"name": "KUBERNETES_NODE_NAME", "valueFrom": node}],
        "volumeMounts": [mount(Volume(ADVERTISE_VOLUME, ADVERTISE_DIR))],
        "securityContext": sidecar_security(server["securityContext"]),
    }


def _of_address(policy: PodPolicy) -> list[str]:
    if not policy.advertise_external_ip:
        return ["-no-address"]
    fallback = ["-internal-ip"] if policy.advertise_internal_ip else []
    return ["-f", CLIENT_ADVERTISE, "-gf", GATEWAY_ADVERTISE, *fallback]


def _of_labels(target: Target) -> list[str]:
    """Nothing without labels: then upstream's image does, too."""
    labels = target.spec.server_tags_from_node
    if not labels:
        return []
    config = posixpath.join(names.CONFIG_DIR, boot_key(target.inputs.suffix))
    wanted = (argument for label in labels for argument in ("-tag-label", label))
    return [*wanted, "-start-file", TAGGED_BOOT, "-config", config]
