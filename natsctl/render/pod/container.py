"""The container that runs nats-server."""

from collections.abc import Mapping
from typing import Any

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NO_POLICY
from natsctl.api.types.listeners import volumes
from natsctl.model import names
from natsctl.model.server_identity import server_host
from natsctl.render.config.boot import boot_file
from natsctl.render.config.jetstream import is_standalone
from natsctl.render.pod import probes
from natsctl.render.pod.environment import environment
from natsctl.render.pod.images import with_tag
from natsctl.render.pod.jetstream import jetstream_environment
from natsctl.render.pod.security import container_security
from natsctl.render.pod.volumes import mount
from natsctl.render.ports import container_ports
from natsctl.render.target import Target


def server_container(target: Target, index: int, base: Mapping[str, Any]) -> Json:
    """The server's container, built upon one of the template.

    The operator decides name, image, command and ports; what else the template says stands.
    """
    policy = target.spec.pod or NO_POLICY
    resources = policy.resources or base.get("resources")
    given = [*base.get("env", ()), *policy.nats_env]
    return {
        **_defaults(target),
        **base,
        "name": names.SERVER_CONTAINER,
        "image": with_tag(target.spec.server_image, target.version.text),
        "command": command(target, index),
        "ports": container_ports(target.spec),
        "env": [
            *environment(target, index, given),
            *jetstream_environment(target, given, resources or {}),
        ],
        "volumeMounts": [
            *base.get("volumeMounts", ()),
            *policy.volume_mounts,
            *map(mount, volumes(target.name, target.spec)),
        ],
        "securityContext": container_security(base.get("securityContext", {})),
        **({"resources": resources} if resources else {}),
    }


def command(target: Target, index: int) -> list[str]:
    """The command line of one server; arguments of the template follow it."""
    start = [target.version.binary, "-c", boot_file(target), "-P", names.PID_FILE]
    return start if is_standalone(target.spec) else [*start, *_cluster_flags(target, index)]


def _cluster_flags(target: Target, index: int) -> list[str]:
    host = server_host(target.namespace, target.name, index)
    return [
        "--cluster_advertise",
        host,
        "--connect_retries",
        "10",
        *(["--no_advertise"] if target.spec.no_advertise else []),
    ]


def _defaults(target: Target) -> Json:
    stop = [target.version.binary, "-sl", f"ldm={names.PID_FILE}"]
    return {
        "startupProbe": probes.startup_probe(target),
        "readinessProbe": probes.readiness_probe(target),
        "livenessProbe": probes.liveness_probe(target),
        "lifecycle": {"preStop": {"exec": {"command": stop}}},
    }
