import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from natsctl.api.fields import Json
from natsctl.render.config.boot import advertised_blocks
from natsctl.render.config.conf import boot_text, config_text, json_text
from natsctl.render.objects.owned_objects import OWNED_KINDS, owned_objects
from natsctl.render.objects.secret import config_secret
from natsctl.render.objects.services import client_service, management_service_object
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.unit.render.targets import TARGETS, target


def everything(target: Target) -> list[dict[str, Any]]:
    return [*owned_objects(target), pod(target, 1)]


def test_services_and_secret_stand_as_long_as_the_cluster() -> None:
    found = [(o["apiVersion"], o["kind"], o["metadata"]["name"]) for o in owned_objects(target())]
    assert found == [("v1", "Service", "c"), ("v1", "Service", "c-mgmt"), ("v1", "Secret", "c")]
    assert [len(entry.builders) for entry in OWNED_KINDS] == [1, 2, 1, 0, 1], (
        "and a NetworkPolicy, if it is asked for, claims of volumes, one for each server, and a "
        "PodDisruptionBudget of those"
    )


@given(TARGETS)
def test_every_object_is_owned_by_its_cluster_in_the_same_namespace(target: Target) -> None:
    for each in everything(target):
        assert each["metadata"]["namespace"] == "ns"
        assert each["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "nats.io/v1alpha2",
                "kind": "NatsCluster",
                "name": "c",
                "uid": "uid-1",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]


@given(TARGETS)
def test_every_object_carries_the_labels_of_its_cluster(target: Target) -> None:
    expected = {
        "app": "nats",
        "nats_cluster": "c",
        "app.kubernetes.io/name": "nats",
        "app.kubernetes.io/instance": "c",
        "app.kubernetes.io/managed-by": "natsctl",
    }
    for each in everything(target):
        assert expected.items() <= each["metadata"]["labels"].items()


@given(TARGETS)
def test_rendering_depends_on_nothing_but_its_target(target: Target) -> None:
    assert everything(target) == everything(target)


def test_clients_dial_the_service_of_the_clusters_name() -> None:
    assert client_service(target())["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "nats", "nats_cluster": "c"},
        "ports": [{"name": "tcp-client", "port": 4222, "targetPort": 4222, "protocol": "TCP"}],
    }


def test_servers_find_each_other_before_they_are_ready_and_across_versions() -> None:
    spec = management_service_object(target())["spec"]
    assert spec["clusterIP"] == "None"
    assert spec["publishNotReadyAddresses"] is True
    assert spec["selector"] == {"app": "nats", "nats_cluster": "c"}
    assert [(port["name"], port["port"]) for port in spec["ports"]] == [
        ("cluster", 6222),
        ("monitoring", 8222),
        ("metrics", 7777),
    ]


@pytest.mark.parametrize(
    ("build", "policy"),
    [
        (client_service, "servicePolicy"),
        (management_service_object, "managementServicePolicy"),
    ],
)
def test_a_policy_adds_labels_and_annotations_but_the_operators_own_win(
    build: Callable[[Target], Json], policy: str
) -> None:
    fields: Json = {
        policy: {"labels": {"team": "a", "app": "mine"}, "annotations": {"example.com/x": "y"}}
    }
    metadata = build(target(**fields))["metadata"]
    assert metadata["labels"]["team"] == "a"
    assert metadata["labels"]["app"] == "nats"
    assert metadata["annotations"] == {"example.com/x": "y"}
    assert "annotations" not in build(target())["metadata"]


@given(TARGETS)
def test_the_secret_holds_every_file(target: Target) -> None:
    secret = config_secret(target)
    assert secret["type"] == "Opaque"
    assert {key: base64.b64decode(data).decode() for key, data in secret["data"].items()} == {
        "nats.conf": config_text(target),
        "server.conf": boot_text(target),
        **{key: json_text(block) for key, block in advertised_blocks(target).items()},
    }
