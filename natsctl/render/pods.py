"""The pod of one server."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api import names
from natsctl.api.cluster import PodPolicy
from natsctl.api.fields import Json
from natsctl.render.container import server_container
from natsctl.render.meta import metadata, selector
from natsctl.render.revision import revision, revision_text
from natsctl.render.security import credentials, pod_security
from natsctl.render.target import Target

DEFAULT_LAME_DUCK: Final = 120
# What a server needs to end after its lame duck period.
GRACE_MARGIN: Final = 30


def pod(target: Target, index: int) -> Json:
    """The whole manifest of the server with this index, from 1."""
    template = target.spec.template or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(target, index, template.get("metadata", {})),
        "spec": _spec(target, index, template.get("spec", {})),
    }


def grace_period(target: Target) -> int:
    """Seconds from the lame duck signal until a server is killed."""
    given = (target.spec.template or {}).get("spec", {}).get("terminationGracePeriodSeconds")
    derived = (target.spec.lame_duck_duration_seconds or DEFAULT_LAME_DUCK) + GRACE_MARGIN
    return derived if given is None else int(given)


def _metadata(target: Target, index: int, template: Mapping[str, Any]) -> Json:
    policy = target.spec.pod or PodPolicy()
    version = {
        names.LABEL_VERSION: target.version.text,
        names.LABEL_K8S_VERSION: target.version.text,
    }
    annotations = {
        **template.get("annotations", {}),
        **policy.annotations,
        names.ANNOTATION_VERSION: target.version.text,
        names.REVISION_ANNOTATION: revision_text(revision(target)),
    }
    labels = {**template.get("labels", {}), **policy.labels, **version}
    return metadata(target, names.pod_name(target.name, index), labels, annotations)


def _spec(target: Target, index: int, template: Mapping[str, Any]) -> Json:
    base, others = split_containers(template.get("containers", ()))
    return {
        "restartPolicy": "Always",
        **credentials(template),
        **template,
        **_placement(target),
        "hostname": names.pod_name(target.name, index),
        "subdomain": names.management_service(target.name),
        "terminationGracePeriodSeconds": grace_period(target),
        "securityContext": pod_security(
            template.get("securityContext", {}), base.get("securityContext", {})
        ),
        "containers": [server_container(target, index, base), *others],
        "volumes": [*template.get("volumes", ()), *_volumes(target)],
    }


def split_containers(
    containers: Any,
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """The container the server's is built upon, and the rest, in order."""
    named = [one for one in containers if one.get("name") == names.SERVER_CONTAINER]
    base: Mapping[str, Any] = next(iter([*named, *containers]), {})
    return base, [one for one in containers if one is not base]


def _placement(target: Target) -> Json:
    """Where the pod may run; each of these replaces what the template says of it."""
    policy = target.spec.pod or PodPolicy()
    placement: Json = {
        "nodeSelector": dict(policy.node_selector),
        "tolerations": list(policy.tolerations),
        "affinity": _apart(target) if policy.anti_affinity else None,
    }
    return {key: value for key, value in placement.items() if value}


def _apart(target: Target) -> Json:
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": selector(target.name)},
    }
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _volumes(target: Target) -> list[Json]:
    return [
        {"name": names.CONFIG_VOLUME, "secret": {"secretName": target.name}},
        {"name": names.PID_VOLUME, "emptyDir": {}},
    ]
