"""Checks of what a spec says of its pods."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from natsctl.api.labels import key_problems, label_problems
from natsctl.api.parse import parse_leniently
from natsctl.api.problems import Problem, apart, member, shown
from natsctl.api.schema.bounds import out_of_bounds
from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec, PodPolicy
from natsctl.api.types.listeners import ADVERTISE_VOLUME, volumes
from natsctl.api.types.template import (
    Container,
    EnvVar,
    PodSpec,
    PodTemplate,
    Resources,
    Toleration,
    VolumeMount,
)
from natsctl.model import names

_ENV_NAME = re.compile(r"[ -<>-~]+")
_QUANTITY = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?", re.ASCII
)


@frozen
class _Embedded:
    """The Kubernetes objects of a spec, as far as the operator reads them."""

    template: PodTemplate = field(factory=PodTemplate)
    env: tuple[EnvVar, ...] = ()
    mounts: tuple[VolumeMount, ...] = ()
    resources: Resources = field(factory=Resources)


def pod_problems(name: str, spec: NatsClusterSpec) -> Iterator[Problem]:
    """Problems of `template` and `pod` of a cluster with this name."""
    policy = spec.pod or NO_POLICY
    yield from _policy_labels(name, spec.version, policy)
    embedded, wrong = _embedded(spec, policy)
    yield from wrong
    own = {volume.name: volume.path for volume in volumes(name, spec)}
    yield from apart(_of_embedded(embedded, own, policy), wrong)


def _of_embedded(
    embedded: _Embedded, own: Mapping[str, str], policy: PodPolicy
) -> Iterator[Problem]:
    yield from _template(embedded.template, own)
    yield from _beside(embedded.template.spec, policy, own)
    yield from _env(embedded.env, "spec.pod.natsEnv", own)
    yield from _mounts(embedded.mounts, own.values(), "spec.pod.volumeMounts")
    yield from _quantities(embedded.resources, "spec.pod.resources")


def _policy_labels(name: str, version: str | None, policy: PodPolicy) -> Iterator[Problem]:
    own = {names.LABEL_APP: names.APP, names.LABEL_CLUSTER: name, names.LABEL_VERSION: version}
    for key, value in policy.labels.items():
        if key in own and value != own[key]:
            message = "is a label reserved for the operator; omit it"
            yield Problem(member("spec.pod.labels", key), shown(value), message)
    yield from label_problems(policy.labels, "spec.pod.labels")
    yield from label_problems(policy.node_selector, "spec.pod.nodeSelector")
    yield from key_problems(policy.annotations, "spec.pod.annotations")


def _embedded(spec: NatsClusterSpec, policy: PodPolicy) -> tuple[_Embedded, tuple[Problem, ...]]:
    """Reads them all, as far as they can be understood, and says what cannot be."""
    parts: dict[str, Any] = {}
    problems: list[Problem] = []
    shapes = (
        ("template", spec.template or {}, PodTemplate, "spec.template"),
        ("env", list(policy.nats_env), tuple[EnvVar, ...], "spec.pod.natsEnv"),
        ("mounts", list(policy.volume_mounts), tuple[VolumeMount, ...], "spec.pod.volumeMounts"),
        ("resources", policy.resources, Resources, "spec.pod.resources"),
        ("_", list(policy.tolerations), tuple[Toleration, ...], "spec.pod.tolerations"),
    )
    for key, raw, shape, path in shapes:
        if raw:  # most specs have none of them
            parts[key], wrong = parse_leniently(raw, shape, path)
            problems += wrong
    parts.pop("_", None)
    return _Embedded(**parts), tuple(problems)


def _template(template: PodTemplate, own: Mapping[str, str]) -> Iterator[Problem]:
    path = "spec.template.spec"
    yield from label_problems(template.metadata.labels, "spec.template.metadata.labels")
    yield from key_problems(template.metadata.annotations, "spec.template.metadata.annotations")
    yield from out_of_bounds(template.spec, path)
    yield from _container_names(template.spec.containers, f"{path}.containers")
    yield from _own_volumes(template, own, f"{path}.volumes")
    for index, container in enumerate(template.spec.containers):
        here = f"{path}.containers[{index}]"
        yield from _env(container.env, f"{here}.env", own)
        yield from _mounts(container.volume_mounts, own.values(), f"{here}.volumeMounts")
        yield from _quantities(container.resources or Resources(), f"{here}.resources")


def _container_names(containers: Iterable[Container], path: str) -> Iterator[Problem]:
    given = [container.name for container in containers]
    for index, name in enumerate(given):
        if not name and index:
            yield Problem(f"{path}[{index}].name", "", "is required")
    yield from _repeated((name for name in given if name), path)


def _beside(pod: PodSpec, policy: PodPolicy, volumes: Mapping[str, str]) -> Iterator[Problem]:
    """Containers that the operator adds under a name that the template has already."""
    own = {
        names.RELOADER: policy.enable_config_reload,
        names.METRICS: policy.enable_metrics,
        names.BOOTCONFIG: ADVERTISE_VOLUME in volumes,
    }
    for kind, containers in (
        ("containers", pod.containers),
        ("initContainers", pod.init_containers),
    ):
        for index, container in enumerate(containers):
            if own.get(container.name or ""):
                message = (
                    f"{container.name} is the name of one of the operator's "
                    "containers; give this one another name"
                )
                path = f"spec.template.spec.{kind}[{index}].name"
                yield Problem(path, shown(container.name), message)


def _own_volumes(template: PodTemplate, own: Mapping[str, str], path: str) -> Iterator[Problem]:
    given = [volume.name for volume in template.spec.volumes]
    for index, name in enumerate(given):
        if name in own:
            message = (
                f"{name} is the name of one of the operator's volumes; give this one another name"
            )
            yield Problem(f"{path}[{index}].name", name, message)
    yield from _repeated(given, path)


def _repeated(given: Iterable[str], path: str) -> Iterator[Problem]:
    for name, times in Counter(given).items():
        if times > 1:
            yield Problem(path, name, f"{name} appears {times} times; give each a unique name")


def _env(variables: Iterable[EnvVar], path: str, own: Mapping[str, str]) -> Iterator[Problem]:
    """Servers that store streams may not be named at all: that is said with JetStream."""
    may_be_named = names.STORE_VOLUME not in own
    for index, variable in enumerate(variables):
        here = f"{path}[{index}]"
        if not _ENV_NAME.fullmatch(variable.name):
            message = (
                f"{shown(variable.name)} is not a valid name for a variable; use a name such as "
                "GOMEMLIMIT"
            )
            yield Problem(f"{here}.name", shown(variable.name), message)
        elif may_be_named and variable.name == names.SERVER_NAME_ENV and _is_constant(variable):
            message = (
                "would give every server the same name; omit SERVER_NAME, "
                "or take it from metadata.name"
            )
            yield Problem(f"{here}.value", shown(variable.value), message)


def _is_constant(variable: EnvVar) -> bool:
    return variable.value_from is None and "$(" not in (variable.value or "")


def _mounts(mounts: Iterable[VolumeMount], own: Iterable[str], path: str) -> Iterator[Problem]:
    for index, mount in enumerate(mounts):
        if _is_taken(mount.mount_path, own):
            message = f"{mount.mount_path} is reserved for the operator; use another mount path"
            yield Problem(f"{path}[{index}].mountPath", mount.mount_path, message)


def _is_taken(path: str, own: Iterable[str]) -> bool:
    """Whether it is the place of one of the operator's volumes.

    Where servers store streams, nothing may hide a part of the store or of the configuration.
    """
    plain = posixpath.normpath(f"/{path.lstrip('/')}")
    whole = (names.STORE_DIR, names.CONFIG_DIR) if names.STORE_DIR in own else ()
    return plain in own or any(plain.startswith(f"{each}/") for each in whole)


def _quantities(resources: Resources, path: str) -> Iterator[Problem]:
    for kind, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        yield from _amounts(amounts, member(path, kind))


def _amounts(amounts: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for resource, amount in amounts.items():
        plain = type(amount) in (int, float)
        if not plain and not (isinstance(amount, str) and _QUANTITY.fullmatch(amount)):
            message = f"{shown(amount)} is not a valid quantity; use one such as 500m or 256Mi"
            yield Problem(member(path, resource), shown(amount), message)
