"""NatsClusters through kubectl's own eyes."""

from collections.abc import Callable

from tests.e2e.clusters import NEW, Cluster
from tests.e2e.kubectl import Kubectl, KubectlFailed, until

Apply = Callable[..., Cluster]


def explained(kubectl: Kubectl) -> str:
    """What kubectl says of `pod`; nothing while the CRD is too new for it."""
    try:
        return kubectl("explain", "natscluster.spec.pod")
    except KubectlFailed:
        return ""


def test_explain_reads_well(kubectl: Kubectl) -> None:
    """Every field has a description."""
    said = until("the API server publishes the schema", lambda: explained(kubectl))
    assert "Settings of the pods." in said
    assert "Never schedule two servers of this cluster on the same node." in said
    assert "<no description>" not in said
    assert "<no description>" not in kubectl("explain", "natscluster.spec.natsConfig")
    assert "<no description>" not in kubectl("explain", "natscluster.status")


def test_scale_wait_and_selector(cluster: Apply, namespace: Kubectl) -> None:
    """The scale subresource tells size and selector, and conditions can be waited for."""
    found = cluster("x", size=1, version=NEW)
    namespace("wait", "nats/x", "--for", "condition=Ready", "--timeout", "60s")
    namespace("scale", "nats/x", "--replicas", "2")
    found.ready().meshed(2, NEW)
    path = f"/apis/nats.io/v1alpha2/namespaces/{namespace.namespace}/natsclusters/x/scale"
    scale = namespace("get", "--raw", path)
    assert '"selector":"app=nats,nats_cluster=x"' in scale
    assert '"replicas":2' in scale


def test_describe_tells_the_story(cluster: Apply, namespace: Kubectl) -> None:
    """Every step is an event, in order."""
    found = cluster("x", size=1, version=NEW).ready()
    story = ["CreatedObjects", "CreatedServers", "Ready"]
    until("every step has its event", lambda: found.reasons() == story, 10)
    told = namespace("describe", "nats", "x")
    assert all(reason in told for reason in story)
