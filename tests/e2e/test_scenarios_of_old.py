"""Scenarios that the Go operator's own end-to-end tests had, with versions of today.

The rest of them stand where they belong: creation, scaling, pausing, upgrades, extra routes.
"""

import base64
from collections.abc import Callable

from tests.e2e.clusters import NEW, Cluster
from tests.e2e.kubectl import Kubectl

Apply = Callable[..., Cluster]


def test_custom_config_reaches_the_server(cluster: Apply) -> None:
    """Every option of natsConfig is in nats.conf, and in what the server says of itself."""
    config = {
        "debug": True,
        "trace": True,
        "write_deadline": "10s",
        "maxConnections": 10,
        "maxPayload": 128,
        "maxPending": 65536,
        "disableLogtime": True,
    }
    found = cluster("a", size=1, version=NEW, natsConfig=config).ready()
    written = found.config()
    assert written["debug"]
    assert written["trace"]
    assert written["write_deadline"] == "10s"
    assert written["logtime"] is False
    running = found.monitoring("a-1", "varz")
    assert running["max_connections"] == written["max_connections"] == 10
    assert running["max_payload"] == written["max_payload"] == 128
    assert running["max_pending"] == written["max_pending"] == 65536
    assert running["write_deadline"] == 10 * 10**9


def test_host_port_and_no_advertise(cluster: Apply) -> None:
    """The client port is open on the node, and clients are told no other address."""
    pod = {"enableClientsHostPort": True}
    found = cluster("a", size=1, version=NEW, pod=pod, noAdvertise=True).ready()
    (container,) = found.pods()["a-1"]["spec"]["containers"]
    assert "--no_advertise" in container["command"]
    assert {p["containerPort"]: p.get("hostPort") for p in container["ports"]} == {
        4222: 4222,
        6222: None,
        8222: None,
    }


def test_config_names_every_server(cluster: Apply, namespace: Kubectl) -> None:
    """One route for each, by its name in DNS."""
    found = cluster("a", size=3, version=NEW).ready()
    assert found.config()["cluster"]["routes"] == [
        f"nats://a-{i}.a-mgmt.{namespace.namespace}.svc:6222" for i in (1, 2, 3)
    ]


def test_a_secret_nobody_owns_is_taken_over(namespace: Kubectl, cluster: Apply) -> None:
    """The key nats.conf is replaced by the real configuration."""
    namespace("create", "secret", "generic", "a", "--from-literal=nats.conf={}")
    found = cluster("a", size=1, version=NEW).ready()
    assert len(found.config()["cluster"]["routes"]) == 1
    secret = namespace.get("secret", "a")
    assert secret["metadata"]["ownerReferences"][0]["kind"] == "NatsCluster"
    assert base64.b64decode(secret["data"]["nats.conf"]) != b"{}"


def test_server_name_environment_and_lame_duck_reach_the_server(cluster: Apply) -> None:
    """useServerName, natsEnv and lameDuckDurationSeconds."""
    own_name = {"fieldRef": {"fieldPath": "metadata.name"}}
    environment = [{"name": "SERVER_NAME", "valueFrom": own_name}, {"name": "C", "value": "red"}]
    found = cluster(
        "a",
        size=1,
        version=NEW,
        useServerName=True,
        lameDuckDurationSeconds=30,
        pod={"natsEnv": environment},
    ).ready()
    assert found.monitoring("a-1", "varz")["server_name"] == "a-1"
    assert found.config()["lame_duck_duration"] == "30s"
    spec = found.pods()["a-1"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 60
    assert {"name": "C", "value": "red"} in spec["containers"][0]["env"]


def test_a_name_with_a_prefix(cluster: Apply) -> None:
    """The name refers to a variable, whichever of the two comes first."""
    own_name = {"fieldRef": {"fieldPath": "metadata.name"}}
    environment = [
        {"name": "SERVER_NAME", "value": "east-$(POD_NAME)"},
        {"name": "POD_NAME", "valueFrom": own_name},
    ]
    found = cluster("a", size=2, version=NEW, useServerName=True, pod={"natsEnv": environment})
    found.ready().meshed(2, NEW)
    for pod in ("a-1", "a-2"):
        assert found.monitoring(pod, "varz")["server_name"] == f"east-{pod}"


def test_service_policy_may_change_later(cluster: Apply, namespace: Kubectl) -> None:
    """Labels and annotations come and go on the Services; no server is touched."""
    found = cluster("a", size=1, version=NEW, servicePolicy={"labels": {"team": "red"}}).ready()
    before = found.uids()
    found.patch(
        servicePolicy={"labels": {"team": None, "tier": "one"}},
        managementServicePolicy={"annotations": {"who": "us"}},
    )
    found.ready()
    labels = namespace.get("service", "a")["metadata"]["labels"]
    assert "team" not in labels
    assert labels["tier"] == "one"
    assert namespace.get("service", "a-mgmt")["metadata"]["annotations"]["who"] == "us"
    assert found.uids() == before
