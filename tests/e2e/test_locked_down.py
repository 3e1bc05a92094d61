"""Server pods need no rights at all, unless the template says otherwise."""

from collections.abc import Callable
from typing import Any

from tests.e2e.clusters import NEW, Cluster
from tests.e2e.conftest import Managing, NewNamespace
from tests.e2e.kubectl import until

Apply = Callable[..., Cluster]
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def test_servers_run_where_only_restricted_pods_may(
    new_namespace: NewNamespace, operator: Managing
) -> None:
    """The API server enforces the profile; the rest is in the pod."""
    found = Cluster(new_namespace(RESTRICTED), "a").apply(size=2, version=NEW).ready()
    found.meshed(2, NEW)
    spec: dict[str, Any] = found.pods()["a-1"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert not [v for v in spec["volumes"] if v["name"].startswith("kube-api-access")]


def test_a_port_below_1024_takes_no_more_rights(
    new_namespace: NewNamespace, operator: Managing
) -> None:
    """The server listens on it before it is ready; it is not root and has no capability."""
    websocket = {"port": 443, "no_tls": True}
    found = Cluster(new_namespace(RESTRICTED), "a")
    found.apply(size=1, version=NEW, websocketConfig=websocket).ready()
    spec: dict[str, Any] = found.pods()["a-1"]["spec"]
    sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "443"}
    assert spec["securityContext"]["sysctls"] == [sysctl]
    assert "Listening for websocket clients on ws://0.0.0.0:443" in found.log("a-1")


def test_ids_that_a_platform_assigns(new_namespace: NewNamespace, operator: Managing) -> None:
    """What OpenShift's admission writes is written here by the template."""
    ids = {"runAsUser": 1000660000, "fsGroup": 1000660000}
    found = Cluster(new_namespace(RESTRICTED), "a").apply(
        size=1,
        version=NEW,
        pod={"platformAssignedIds": True},
        template={"spec": {"securityContext": ids}},
    )
    found.ready()
    context = found.pods()["a-1"]["spec"]["securityContext"]
    assert context == {
        **ids,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_a_server_on_its_nodes_network_finds_others(cluster: Apply) -> None:
    """By names of Services, which the node's own resolver does not know."""
    cluster("b", size=1, version=NEW).ready()
    template = {"spec": {"hostNetwork": True}}
    found = cluster("a", size=1, version=NEW, template=template, extraRoutes=[{"cluster": "b"}])
    found.ready()
    assert found.pods()["a-1"]["spec"]["dnsPolicy"] == "ClusterFirstWithHostNet"
    until("a-1 has a route to b-1", lambda: found.monitoring("a-1", "routez")["routes"], 30)


def test_the_template_may_say_otherwise(cluster: Apply) -> None:
    """Field by field."""
    container = {
        "name": "nats",
        "securityContext": {"readOnlyRootFilesystem": False, "capabilities": {"add": ["CHOWN"]}},
    }
    template = {
        "spec": {
            "automountServiceAccountToken": True,
            "enableServiceLinks": True,
            "securityContext": {"runAsUser": 0},
            "containers": [container],
        }
    }
    found = cluster("a", size=1, version=NEW, template=template).ready()
    spec = found.pods()["a-1"]["spec"]
    assert spec["automountServiceAccountToken"] is True
    assert spec["enableServiceLinks"] is True
    assert spec["securityContext"]["runAsUser"] == 0
    given = spec["containers"][0]["securityContext"]
    assert given["readOnlyRootFilesystem"] is False
    assert given["capabilities"]["add"] == ["CHOWN"]
    assert given["allowPrivilegeEscalation"] is False


def test_restricted_namespace_names_what_it_refuses(
    new_namespace: NewNamespace, operator: Managing
) -> None:
    """A template that the namespace's profile forbids is told in a condition."""
    template = {"spec": {"hostNetwork": True}}
    found = Cluster(new_namespace(RESTRICTED), "a").apply(size=1, version=NEW, template=template)
    found.until_condition("Degraded", "True", "pod a-1", "PodSecurity", "hostNetwork")
