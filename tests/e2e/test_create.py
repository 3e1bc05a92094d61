"""From a NatsCluster to servers, and back to nothing: what the README's first examples promise."""

from collections.abc import Callable

from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.kubectl import Kubectl, until

Apply = Callable[..., Cluster]

# The example of old says 1.3.0, of which no image can be had today; 2.0.0 is its successor here.
README = """
apiVersion: nats.io/v1alpha2
kind: NatsCluster
metadata:
  name: example-nats-cluster
spec:
  size: 3
  version: "2.0.0"
"""


def test_the_readmes_cluster_is_created_listed_and_deleted(namespace: Kubectl) -> None:
    """Three servers of 2.0.0, each with a route to every other."""
    namespace("create", "-f", "-", stdin=README)
    cluster = Cluster(namespace, "example-nats-cluster").ready()
    cluster.meshed(3, "2.0.0")

    listed = namespace("get", "nats", "--all-namespaces")
    row = next(line for line in listed.splitlines() if namespace.namespace in line).split()
    assert listed.split()[:7] == ["NAMESPACE", "NAME", "SIZE", "READY", "VERSION", "STATUS", "AGE"]
    assert row[1:6] == ["example-nats-cluster", "3", "3", "2.0.0", "Running"]

    cluster.delete()


def test_ready_means_right_version_and_full_mesh_for_every_line(cluster: Apply) -> None:
    """2.1.9, 2.9.25 and 2.12.15 at the same time."""
    versions = {"old": "2.1.9", "middle": "2.9.25", "new": NEW}
    made = {version: cluster(name, size=3, version=version) for name, version in versions.items()}
    for version, found in made.items():
        found.ready().meshed(3, version)


def test_objects_have_the_names_and_labels_of_old(cluster: Apply, namespace: Kubectl) -> None:
    """Services for clients and servers, a Secret with nats.conf, pods counted from 1."""
    found = cluster("a", size=2, version=NEW).ready()
    names = namespace("get", "pods,services,secrets", "-l", found.selector, "-o", "name")
    assert sorted(names.split()) == [
        "pod/a-1",
        "pod/a-2",
        "secret/a",
        "service/a",
        "service/a-mgmt",
    ]
    for kind in ("pods", "services", "secrets"):
        for item in namespace.list(kind, found.selector):
            (owner,) = item["metadata"]["ownerReferences"]
            assert (owner["kind"], owner["name"], owner["controller"]) == ("NatsCluster", "a", True)
    assert namespace.get("service", "a-mgmt")["spec"]["clusterIP"] == "None"


def test_all_servers_start_at_once(cluster: Apply) -> None:
    """One event tells of three creations."""
    found = cluster("a", size=3, version=NEW).ready()
    story = ["CreatedObjects", "CreatedServers", "Ready"]
    until("one event each", lambda: found.reasons() == story, 10)


def test_delete_leaves_nothing_with_its_labels(cluster: Apply) -> None:
    """Not the pods, not the Services, not the Secret; and it can be created again."""
    cluster("a", size=1, version=NEW).ready().delete()
    cluster("a", size=1, version=NEW).ready().meshed(1, NEW)


def test_an_unset_version_keeps_the_version_a_cluster_has(cluster: Apply) -> None:
    """Removing the field is no upgrade."""
    found = cluster("a", size=1, version="2.9.25").ready()
    before = found.uids()
    found.patch(version=None)
    found.ready()
    assert found.uids() == before
    assert found.status()["currentVersion"] == "2.9.25"


def test_clusters_join_through_extra_routes(cluster: Apply, namespace: Kubectl) -> None:
    """One server of b and three of a make a mesh; b's config has a route to each of them."""
    cluster("a", size=3, version="2.1.9")
    routes = [{"cluster": "a"}, {"route": "nats://127.0.0.1:6222"}]
    found = cluster("b", size=1, version="2.1.9", extraRoutes=routes).ready()
    Cluster(namespace, "a").ready()
    assert found.config()["cluster"]["routes"] == [
        f"nats://b-1.b-mgmt.{namespace.namespace}.svc:6222",
        *(f"nats://a-{i}.a-mgmt.{namespace.namespace}.svc:6222" for i in (1, 2, 3)),
        "nats://127.0.0.1:6222",
    ]


def test_a_cluster_joins_one_outside_whose_name_it_is_given(cluster: Apply) -> None:
    """To the second the first is as any other: it has nothing but a route and a name."""
    outside = cluster("outside", size=2, clusterName="Outside", version=NEXT).ready()
    routes = [{"route": f"nats://outside-{i}.outside-mgmt:6222"} for i in (1, 2)]
    inside = cluster("inside", size=2, clusterName="Outside", extraRoutes=routes).ready()
    for found in (outside, inside):
        found.until_peers(3)
        names = {found.monitoring(pod, "varz")["cluster"]["name"] for pod in found.pods()}
        assert names == {"Outside"}
    servers = inside.uids()
    inside.patch(clusterName="Other")
    inside.until_condition("SpecAccepted", "True", "keep their cluster name, Outside")
    assert inside.ready().uids() == servers

    inside.patch(size=0)
    until("no server is left", lambda: not inside.pods())
    inside.patch(size=2)
    inside.ready().until_peers(1)
    assert inside.config()["cluster"]["name"] == "Other"
