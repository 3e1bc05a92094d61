"""The parts of embedded Kubernetes objects that the operator reads, to check their shape.

These classes are never rendered from: what a user wrote is passed on whole.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from natsctl.api.fields import described
from natsctl.api.texts import LABELS, PATH, WORDS, object_name


@frozen
class EnvVar:
    """A variable of a container's environment."""

    name: str = described("Its name.", text=WORDS)
    value: str | None = described("Its value.", default=None, text=WORDS)
    value_from: Mapping[str, Any] | None = described("Where its value is.", default=None)


@frozen
class VolumeMount:
    """A volume in a container."""

    name: str = described("Name of the volume.", text=WORDS)
    mount_path: str = described("Where it is mounted.", text=PATH)


@frozen
class Named:
    """A volume or a container that is passed on as it is."""

    name: str = described("Its name.", text=WORDS)


@frozen
class Toleration:
    """A taint that is tolerated."""

    key: str | None = described("Key of the taint.", default=None, text=LABELS)
    operator: str | None = described("How the value is compared.", default=None, text=WORDS)
    value: str | None = described("Value of the taint.", default=None, text=LABELS)
    effect: str | None = described("Effect of the taint.", default=None, text=WORDS)


@frozen
class Resources:
    """What a container needs and may use."""

    limits: Mapping[str, Any] = described("The most it may use.", factory=dict)
    requests: Mapping[str, Any] = described("What is set aside.", factory=dict)


@frozen
class Capabilities:
    """Capabilities of a container."""

    add: tuple[str, ...] = described("Those it gets.", default=(), text=WORDS)
    drop: tuple[str, ...] = described("Those it loses.", default=(), text=WORDS)


@frozen
class SecurityContext:
    """Rights of a pod or a container."""

    run_as_user: int | None = described("User that it runs as.", default=None)
    privileged: bool = described("Whether it may do anything.", default=False)
    capabilities: Capabilities | None = described("Its capabilities.", default=None)


@frozen
class Container:
    """The container that the server's is built upon, or one beside it."""

    # No name of an object: one that the server's container is built upon may be any.
    name: str | None = described("Its name.", default=None, text=WORDS)
    env: tuple[EnvVar, ...] = described("Its environment.", default=())
    volume_mounts: tuple[VolumeMount, ...] = described("Its volumes.", default=())
    resources: Resources | None = described("Its resources.", default=None)
    security_context: SecurityContext | None = described("Its rights.", default=None)


@frozen
class Metadata:
    """Labels and annotations."""

    labels: Mapping[str, str] = described("Its labels.", factory=dict, text=LABELS)
    annotations: Mapping[str, str] = described("Its annotations.", factory=dict, text=LABELS)


@frozen
class PodSpec:
    """A pod."""

    containers: tuple[Container, ...] = described("Its containers.", default=())
    init_containers: tuple[Container, ...] = described("Those that run first.", default=())
    volumes: tuple[Named, ...] = described("Its volumes.", default=())
    security_context: SecurityContext | None = described("Its rights.", default=None)
    service_account_name: str | None = object_name("ServiceAccount", "Its account.")
    termination_grace_period_seconds: int | None = described(
        "How long it may take to end.", default=None, minimum=0
    )


@frozen
class PodTemplate:
    """A template of pods."""

    metadata: Metadata = described("Labels and annotations.", factory=Metadata)
    spec: PodSpec = described("The pod.", factory=PodSpec)
