"""The pod of one server."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NO_POLICY
from natsctl.api.types.listeners import reads_node, volumes
from natsctl.api.types.node import given_grace, needed_grace, on_host_network
from natsctl.model import names
from natsctl.model.server_identity import claim_name, pod_name
from natsctl.render.metadata import metadata, selector
from natsctl.render.pod.container import server_container
from natsctl.render.pod.security import credentials, pod_security
from natsctl.render.pod.sidecars import init_containers, sidecars
from natsctl.render.pod.volumes import volume
from natsctl.render.revision.revision import revision, revision_text
from natsctl.render.target import Target

# Without it a pod on the node's network asks the node's resolver, which knows no Services.
_DNS: Final = "ClusterFirstWithHostNet"
_SCRAPED: Final = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(names.METRICS_PORT),
}


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
    given = given_grace(target.spec)
    return needed_grace(target.spec) if given is None else given


def _metadata(target: Target, index: int, template: Mapping[str, Any]) -> Json:
    policy = target.spec.pod or NO_POLICY
    version = {
        names.LABEL_VERSION: target.version.label,
        names.LABEL_K8S_VERSION: target.version.label,
    }
    annotations = {
        **template.get("annotations", {}),
        **policy.annotations,
        **(_SCRAPED if policy.enable_metrics else {}),
        names.ANNOTATION_VERSION: target.version.text,
        names.REVISION_ANNOTATION: revision_text(revision(target)),
    }
    labels = {**template.get("labels", {}), **policy.labels, **version}
    return metadata(target, pod_name(target.name, index), labels, annotations)


def _spec(target: Target, index: int, template: Mapping[str, Any]) -> Json:
    base, others = split_containers(template.get("containers", ()))
    server = server_container(target, index, base)
    policy = target.spec.pod or NO_POLICY
    claim = claim_name(target.name, index)
    own = [volume(each, claim) for each in volumes(target.name, target.spec)]
    first = [*template.get("initContainers", ()), *init_containers(target, server)]
    return {
        "restartPolicy": "Always",
        **credentials(template, needed=reads_node(target.spec)),
        **({"dnsPolicy": _DNS} if on_host_network(target.spec) else {}),
        **template,
        **_placement(target),
        "hostname": pod_name(target.name, index),
        "subdomain": names.management_service(target.name),
        "terminationGracePeriodSeconds": grace_period(target),
        "securityContext": pod_security(
            target, template.get("securityContext", {}), base.get("securityContext", {})
        ),
        "containers": [server, *others, *sidecars(target, server)],
        **({"initContainers": first} if first else {}),
        **({"shareProcessNamespace": True} if policy.enable_config_reload else {}),
        "volumes": [*template.get("volumes", ()), *own],
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
    policy = target.spec.pod or NO_POLICY
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
