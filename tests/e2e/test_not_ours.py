"""What belongs to somebody else is left alone, and named."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.clusters import NEW, Cluster
from tests.e2e.kubectl import Kubectl

Apply = Callable[..., Cluster]

SPECS: dict[str, dict[str, Any]] = {
    "Service": {"spec": {"ports": [{"port": 80}]}},
    "Secret": {"stringData": {"key": "value"}},
    "Pod": {"spec": {"containers": [{"name": "c", "image": f"nats:{NEW}"}]}},
}


def of_a_configmap(kubectl: Kubectl, kind: str, name: str) -> dict[str, Any]:
    """An object that a ConfigMap controls."""
    kubectl("create", "configmap", "landlord")
    uid = kubectl.get("configmap", "landlord")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "landlord", "uid": uid}
    meta = {"name": name, "ownerReferences": [owner | {"controller": True}]}
    kubectl.apply({"apiVersion": "v1", "kind": kind, "metadata": meta, **SPECS[kind]})
    return kubectl.get(kind, name)


@pytest.mark.parametrize(
    ("kind", "name"), [("Service", "a"), ("Service", "a-mgmt"), ("Secret", "a"), ("Pod", "a-2")]
)
def test_an_object_of_another_controller_is_left_untouched(
    namespace: Kubectl, cluster: Apply, kind: str, name: str
) -> None:
    """The condition names it, its controller, and what to do."""
    before = of_a_configmap(namespace, kind, name)
    found = cluster("a", size=2, version=NEW)
    message = found.until_condition(
        "Degraded", "True", name, "ConfigMap landlord", reason="NotOurs"
    )
    assert "left alone" in message
    after = namespace.get(kind, name)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["ownerReferences"] == before["metadata"]["ownerReferences"]
    assert after["metadata"].get("labels") == before["metadata"].get("labels")
    assert after.get("data") == before.get("data")

    namespace("delete", kind, name, "--grace-period=1")
    found.ready().meshed(2, NEW)


def test_an_unowned_service_is_left_and_named(namespace: Kubectl, cluster: Apply) -> None:
    """It may be in use; a Secret with our configuration cannot be."""
    namespace("create", "service", "clusterip", "a", "--tcp=80")
    found = cluster("a", size=1, version=NEW)
    found.until_condition(
        "Degraded", "True", "Service a", "is not owned by natsctl", reason="NotOurs"
    )
    assert namespace.get("service", "a")["spec"]["ports"][0]["port"] == 80
