"""The Services: one for clients, and a headless one that names each server in DNS."""

from natsctl.api.fields import Json
from natsctl.api.types.cluster import ServicePolicy
from natsctl.model import names
from natsctl.render.metadata import metadata, selector
from natsctl.render.ports import client_ports, management_ports
from natsctl.render.target import Target


def client_service(target: Target) -> Json:
    """The Service that clients dial."""
    spec = {"ports": client_ports(target.spec)}
    return _service(target, target.name, target.spec.service_policy, spec)


def management_service_object(target: Target) -> Json:
    """The headless Service; servers find each other through it before they are ready."""
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "ports": management_ports(target.spec),
    }
    name = names.management_service(target.name)
    return _service(target, name, target.spec.management_service_policy, spec)


def _service(target: Target, name: str, policy: ServicePolicy | None, spec: Json) -> Json:
    policy = policy or ServicePolicy()
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(target, name, policy.labels, policy.annotations),
        "spec": {"type": "ClusterIP", "selector": selector(target.name), **spec},
    }
