"""Each server that stores streams has a claim of a volume, whose data may outlive the cluster."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given

from natsctl.api.fields import Json
from natsctl.model.quantity import parse_bytes
from natsctl.render.objects.claims import server_claim
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.unit.render.targets import JETSTREAM_TARGETS, target


def claim(index: int = 1, **jetstream: Any) -> Json:
    found = server_claim(target(jetstream=jetstream), index)
    assert found is not None
    return found


def claims(goal: Target) -> list[str]:
    made = owned_objects(goal)
    return [o["metadata"]["name"] for o in made if o["kind"] == "PersistentVolumeClaim"]


def test_every_server_has_one_and_none_without_jetstream() -> None:
    assert claims(target(jetstream={})) == ["js-c-1", "js-c-2", "js-c-3"]
    assert claims(target()) == []
    assert server_claim(target(), 1) is None


def test_it_asks_for_what_the_spec_says() -> None:
    pvc = {"size": "20Gi", "storageClassName": "fast"}
    assert claim(fileStore={"pvc": pvc})["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "20Gi"}},
        "storageClassName": "fast",
    }


def test_the_class_is_that_of_kubernetes_unless_the_spec_names_one() -> None:
    assert claim()["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
    }


def test_a_template_says_the_rest() -> None:
    template = {
        "metadata": {"labels": {"team": "a", "app": "mine"}, "annotations": {"note": "x"}},
        "spec": {"accessModes": ["ReadWriteOncePod"], "volumeAttributesClassName": "gold"},
    }
    made = claim(fileStore={"pvc": {"size": "1Gi"}, "volumeClaimTemplate": template})
    assert made["spec"] == {
        "accessModes": ["ReadWriteOncePod"],
        "volumeAttributesClassName": "gold",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    assert made["metadata"]["labels"]["team"] == "a"
    assert made["metadata"]["labels"]["app"] == "nats", "what finds it cannot be replaced"
    assert made["metadata"]["annotations"]["note"] == "x"


def test_it_tells_which_server_of_which_cluster_has_its_data() -> None:
    assert claim(2)["metadata"]["annotations"] == {
        "nats.io/server-name": "c-2-uid-1",
        "nats.io/cluster-uid": "uid-1",
    }


def test_a_server_keeps_the_name_under_which_it_has_data() -> None:
    goal = attrs.evolve(target(jetstream={}), origins={2: "0f8fad5b"})
    made = server_claim(goal, 2)
    assert made is not None
    assert made["metadata"]["annotations"]["nats.io/server-name"] == "c-2-0f8fad5b"
    assert made["metadata"]["annotations"]["nats.io/cluster-uid"] == "uid-1"
    names = [variable.get("value") for variable in pod(goal, 2)["spec"]["containers"][0]["env"]]
    assert '"c-2-0f8fad5b"' in names


@pytest.mark.parametrize("policy", [None, {}, {"whenDeleted": "Retain"}, {"whenScaled": "Delete"}])
def test_data_outlives_the_cluster(policy: Json | None) -> None:
    """Without an owner, garbage collection leaves it."""
    goal = target(jetstream={}, persistentVolumeClaimRetentionPolicy=policy)
    made = server_claim(goal, 1)
    assert made is not None
    assert "ownerReferences" not in made["metadata"]


def test_data_goes_with_the_cluster_only_if_the_spec_says_so() -> None:
    goal = target(jetstream={}, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})
    made = server_claim(goal, 1)
    assert made is not None
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("NatsCluster", "uid-1")


@given(JETSTREAM_TARGETS)
def test_whatever_the_spec_says_it_is_found_and_asks_for_something(goal: Target) -> None:
    made = server_claim(goal, 1)
    assert made is not None
    assert {"app": "nats", "nats_cluster": "c"}.items() <= made["metadata"]["labels"].items()
    assert parse_bytes(made["spec"]["resources"]["requests"]["storage"]) > 0
    assert made["spec"]["accessModes"]
