"""The container that runs nats-server."""

from collections.abc import Iterable, Mapping
from typing import Any

from natsctl.api import names
from natsctl.api.cluster import PodPolicy
from natsctl.api.fields import Json
from natsctl.render import probes
from natsctl.render.security import container_security
from natsctl.render.target import Target


def server_container(target: Target, index: int, base: Mapping[str, Any]) -> Json:
    """The server's container, built upon one of the template.

    The operator decides name, image, command and ports; what else the template says stands.
    """
    policy = target.spec.pod or PodPolicy()
    resources = policy.resources or base.get("resources")
    return {
        **_defaults(target),
        **base,
        "name": names.SERVER_CONTAINER,
        "image": f"{target.spec.server_image}:{target.version.text}",
        "command": command(target, index),
        "ports": _ports(policy),
        "env": _environment(target, index, base.get("env", ()), policy.nats_env),
        "volumeMounts": [*base.get("volumeMounts", ()), *policy.volume_mounts, *_mounts()],
        "securityContext": container_security(base.get("securityContext", {})),
        **({"resources": resources} if resources else {}),
    }


def command(target: Target, index: int) -> list[str]:
    """The command line of one server; arguments of the template follow it."""
    host = names.server_host(target.namespace, target.name, index)
    return [
        target.version.binary,
        "-c",
        f"{names.CONFIG_DIR}/{names.BOOT_KEY}",
        "-P",
        names.PID_FILE,
        "--cluster_advertise",
        host,
        "--connect_retries",
        "10",
        *(["--no_advertise"] if target.spec.no_advertise else []),
    ]


def _defaults(target: Target) -> Json:
    stop = [target.version.binary, "-sl", f"ldm={names.PID_FILE}"]
    return {
        "startupProbe": probes.startup_probe(target.version),
        "readinessProbe": probes.readiness_probe(target.version),
        "livenessProbe": probes.liveness_probe(),
        "lifecycle": {"preStop": {"exec": {"command": stop}}},
    }


def _ports(policy: PodPolicy) -> list[Json]:
    client = _port("client", names.CLIENT_PORT)
    if policy.enable_clients_host_port:
        client["hostPort"] = names.CLIENT_PORT
    return [
        _port("cluster", names.CLUSTER_PORT),
        _port("monitoring", names.MONITORING_PORT),
        client,
    ]


def _port(name: str, number: int) -> Json:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _environment(
    target: Target, index: int, *given: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The server's name, then what the user gives; of one name the last counts."""
    # nats-server reads the value as configuration: the quotes keep `1e3-1` a text.
    own = {
        "name": names.SERVER_NAME_ENV,
        "value": f'"{names.pod_name(target.name, index)}"',
    }
    variables = [own, *(variable for source in given for variable in source)]
    return list({variable["name"]: variable for variable in variables}.values())


def _mounts() -> list[Json]:
    return [
        {"name": names.CONFIG_VOLUME, "mountPath": names.CONFIG_DIR},
        {"name": names.PID_VOLUME, "mountPath": names.PID_DIR},
    ]
