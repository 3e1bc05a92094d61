"""Which cluster an object belongs to, and whose it is."""

import msgspec

from natsctl.model.objects import (
    Cluster,
    Meta,
    Object,
    OwnerReference,
    PersistentVolumeClaim,
    ServiceRole,
    cluster_key,
    controlled,
)


def test_an_owned_object_belongs_to_its_owner() -> None:
    owner = OwnerReference(kind="NatsCluster", name="c", uid="u", controller=True)
    meta = Meta(namespace="ns", name="x", owner_references=(owner,), labels={"nats_cluster": "d"})
    assert cluster_key(Object(meta)) == ("ns", "c")


def test_an_object_of_another_owner_belongs_to_the_cluster_of_its_label() -> None:
    owner = OwnerReference(kind="ConfigMap", name="boss", uid="u", controller=True)
    meta = Meta(namespace="ns", name="x", owner_references=(owner,), labels={"nats_cluster": "d"})
    assert cluster_key(Object(meta)) == ("ns", "d")


def test_a_label_leads_to_no_cluster_of_another_namespace() -> None:
    labels = {"nats_cluster": "c", "nats.io/cluster-namespace": "victim"}
    assert cluster_key(Object(Meta(namespace="evil", name="x", labels=labels))) == ("evil", "c")
    assert cluster_key(ServiceRole(Meta(namespace="evil", name="x", labels=labels))) == (
        "evil",
        "c",
    )


def test_a_role_belongs_to_the_cluster_of_its_label_or_to_none_of_a_name() -> None:
    owner = OwnerReference(kind="NatsCluster", name="c", uid="u", controller=True)
    meta = Meta(namespace="ns", name="x", owner_references=(owner,))
    assert cluster_key(ServiceRole(meta)) == ("ns", "")


def test_a_claim_tells_how_much_it_asks_for() -> None:
    def claim(spec: dict[str, object]) -> PersistentVolumeClaim:
        return msgspec.convert({"metadata": {}, "spec": spec}, PersistentVolumeClaim)

    assert claim({"resources": {"requests": {"storage": "10Gi"}}}).requested == "10Gi"
    assert claim({"resources": {"requests": None}}).requested == ""
    assert claim({"resources": {}}).requested == ""
    assert claim({}).requested == ""


def test_an_object_without_both_belongs_to_none() -> None:
    assert cluster_key(Object(Meta(namespace="ns", name="x"))) is None


def test_key_and_version_of_an_object() -> None:
    item = Object(Meta(namespace="ns", name="x", resource_version="12"))
    assert (item.key, item.version) == (("ns", "x"), 12)
    assert Object(Meta()).version == 0


def test_only_what_this_very_cluster_controls_is_its_own() -> None:
    def owned(name: str, *owners: OwnerReference) -> Object:
        return Object(Meta(name=name, namespace="ns", owner_references=owners))

    ours = owned("ours", OwnerReference("NatsCluster", "c", "uid-2", controller=True))
    others = (
        owned("nobody's"),
        owned("owned, not controlled", OwnerReference("NatsCluster", "c", "uid-2")),
        owned("of an earlier one", OwnerReference("NatsCluster", "c", "uid-1", controller=True)),
    )
    cluster = Cluster(Meta(name="c", namespace="ns", uid="uid-2"))
    assert controlled((ours, *others), cluster) == {"ours": ours}
