"""What a template adds to the servers' pods, and images by other names."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.e2e import images
from tests.e2e.client import user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.kubectl import until

Apply = Callable[..., Cluster]
CLI = "natsctl.testbed/nats-cli:0.3.0"
REPOSITORY = "docker.io/library/nats"


@pytest.mark.usefixtures("reaches_pods")
def test_a_template_and_the_operator_share_a_pod(cluster: Apply) -> None:
    """The server's container is the one of its name; what else is there runs beside it."""
    shared = [{"name": "shared", "mountPath": "/shared"}]
    write = ["/nats", "context", "add", "kept", "--server", "localhost:4222"]
    home = [{"name": "XDG_CONFIG_HOME", "value": "/shared"}]
    settled = {"image": CLI, "env": home, "volumeMounts": shared}
    asks = ["/nats", "sub", "ask", "--server", "localhost:4222"]
    template = {
        "metadata": {"labels": {"team": "red"}, "annotations": {"who": "us", "why": "test"}},
        "spec": {
            "initContainers": [{"name": "prepare", "command": write, **settled}],
            "containers": [
                {"name": "listens", "command": asks, **settled},
                {"name": "nats", "image": "ignored", "args": ["--client_advertise", "b:1"]},
            ],
            "volumes": [{"name": "shared", "emptyDir": {}}],
        },
    }
    found = cluster(
        "a",
        size=1,
        version=NEXT,
        template=template,
        pod={"labels": {"tier": "one"}, "annotations": {"why": "policy"}, "volumeMounts": shared},
    ).ready()
    pod = found.pods()["a-1"]
    assert {"team": "red", "tier": "one", "nats_version": NEXT}.items() <= (
        pod["metadata"]["labels"].items()
    )
    assert {"who": "us", "why": "policy"}.items() <= pod["metadata"]["annotations"].items()
    server, beside = pod["spec"]["containers"]
    assert (server["name"], server["image"], beside["name"]) == ("nats", f"nats:{NEXT}", "listens")
    assert "/shared" in [m["mountPath"] for m in server["volumeMounts"]]
    (prepared,) = pod["status"]["initContainerStatuses"]
    assert prepared["state"]["terminated"]["exitCode"] == 0
    until("the sidecar listens", lambda: "Subscribing" in found.log("a-1", "listens"), 30)
    assert user(found, "a-1").info()["host"] == "b"
    assert len(found.monitoring("a-1", "connz")["connections"]) >= 1


def test_an_image_of_a_registry_with_a_port(cluster: Apply) -> None:
    """The version is its tag."""
    images.testbed("load", images.server(NEXT), "--as", f"{images.MIRROR}:{NEXT}")
    found = cluster("a", size=1, version=NEXT, serverImage=images.MIRROR).ready()
    (container,) = found.pods()["a-1"]["spec"]["containers"]
    assert container["image"] == f"{images.MIRROR}:{NEXT}"
    assert found.monitoring("a-1", "varz")["version"] == NEXT


def test_an_image_by_its_digest(cluster: Apply) -> None:
    """The version is what the image says it is; no tag is added."""
    archive = images.server(NEXT)
    listed = images.testbed("exec", "--node", "1", "--", "ctr", "-n", "k8s.io", "images", "ls")
    (digest,) = re.findall(rf"^{REPOSITORY}:{NEXT} +\S+ +(sha256:\w+)", listed, re.MULTILINE)
    pinned = f"{images.MIRROR}@{digest}"
    images.testbed("load", archive, "--as", pinned)
    found = cluster("a", size=1, version=NEXT, serverImage=pinned).ready()
    (container,) = found.pods()["a-1"]["spec"]["containers"]
    assert container["image"] == pinned
    assert found.monitoring("a-1", "varz")["version"] == NEXT


def test_a_tag_that_says_no_version(cluster: Apply) -> None:
    """The server is asked; to tell it restarts nothing, and the next roll waits for nothing."""
    images.testbed("load", images.server("2.9.25"), "--as", f"{images.MIRROR}:prod")
    found = cluster("a", size=2, version="prod", serverImage=images.MIRROR).ready()
    found.meshed(2, "2.9.25", tag="prod")
    assert {s["version"] for s in found.status()["servers"]} == {"2.9.25"}
    before = found.uids()
    found.patch(serverVersion="2.9.25")
    found.ready()
    assert found.uids() == before
    found.patch(version=NEXT, serverVersion=None, serverImage="nats")
    found.ready().meshed(2, NEXT)


@pytest.mark.parametrize("disabled", [False, True])
def test_ports_of_the_node(cluster: Apply, disabled: bool) -> None:
    """Gateways and leaf nodes are on it unless that is switched off, websockets are not."""
    switches = ("disableGatewaysHostPort", "disableLeafnodesHostPort", "disableWebsocketsHostPort")
    found = cluster(
        "a",
        size=1,
        version=NEXT,
        gatewayConfig={"name": "a", "hostPort": 7522},
        leafnodeConfig={"hostPort": 7422},
        websocketConfig={"port": 8080, "no_tls": True},
        pod=dict.fromkeys(switches, disabled),
    ).ready()
    ports = found.pods()["a-1"]["spec"]["containers"][0]["ports"]
    on_node = {p["name"]: p["hostPort"] for p in ports if "hostPort" in p}
    assert on_node == ({} if disabled else {"gateway": 7522, "leaf": 7422})
