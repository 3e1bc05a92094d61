import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from natsctl.api.schema.crds import crds, crds_yaml
from natsctl.api.schema.revision import SCHEMA_REVISION
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.status import (
    AccountStatus,
    BlockedStatus,
    BrokenStatus,
    CertificateStatus,
    ClusterStatus,
    Condition,
    JetStreamStatus,
    LentStatus,
    RoleStatus,
    ServerStatus,
    StorageStatus,
    VolumeStatus,
    WaitingStatus,
    to_json,
)

CLUSTER, ROLE = crds()
VERSION = CLUSTER["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
ROLE_VERSION = ROLE["spec"]["versions"][0]
ROLE_SCHEMA = ROLE_VERSION["schema"]["openAPIV3Schema"]

# Every field of the Go operator's API, by the object it is in.
UPSTREAM = {
    "": "size version serverImage natsConfig useServerName paused lameDuckDurationSeconds "
    "noAdvertise extraRoutes template servicePolicy managementServicePolicy pod tls auth "
    "gatewayConfig leafnodeConfig operatorConfig websocketConfig",
    "natsConfig": "debug trace write_deadline maxConnections maxPayload maxPending "
    "maxSubscriptions maxControlLine disableLogtime",
    "extraRoutes": "route cluster",
    "servicePolicy": "labels annotations",
    "managementServicePolicy": "labels annotations",
    "pod": "labels annotations nodeSelector antiAffinity tolerations resources natsEnv "
    "volumeMounts enableConfigReload reloaderImage reloaderImageTag reloaderImagePullPolicy "
    "reloaderResources enableMetrics metricsImage metricsImageTag metricsImagePullPolicy "
    "enableClientsHostPort disableGatewaysHostPort disableLeafnodesHostPort "
    "disableWebsocketsHostPort advertiseExternalIP bootconfigImage bootconfigImageTag",
    "tls": "serverSecret serverSecretCAFileName serverSecretCertFileName serverSecretKeyFileName "
    "clientsTLSTimeout routesSecret routesSecretCAFileName routesSecretCertFileName "
    "routesSecretKeyFileName routesTLSTimeout gatewaySecret gatewaySecretCAFileName "
    "gatewaySecretCertFileName gatewaySecretKeyFileName gatewaysTLSTimeout leafnodeSecret "
    "leafnodeSecretCAFileName leafnodeSecretCertFileName leafnodeSecretKeyFileName "
    "leafnodesTLSTimeout websocketSecret websocketSecretCAFileName websocketSecretCertFileName "
    "websocketSecretKeyFileName websocketTLSTimeout enableHttps verify cipherSuites "
    "curvePreferences",
    "auth": "enableServiceAccounts clientsAuthSecret clientsAuthFile clientsAuthTimeout "
    "tlsVerifyAndMap clusterAuthSecret clusterAuthTimeout gatewayAuthSecret gatewayAuthTimeout",
    "gatewayConfig": "name hostPort rejectUnknown gateways",
    "gatewayConfig.gateways": "name url",
    "leafnodeConfig": "hostPort remotes",
    "leafnodeConfig.remotes": "url urls credentials",
    "operatorConfig": "secret systemAccount resolver",
    "websocketConfig": "port handshakeTimeout compression",
}


# What was added to it.
ADDED = {
    "": "clusterName jetstream networkPolicy persistentVolumeClaimRetentionPolicy rollout "
    "serverTags serverTagsFromNode serverVersion",
    "auth": "allowStaticUsers serviceAccountTokenSeconds",
    "gatewayConfig.gateways": "urls",
    "operatorConfig": "resolverPreload",
    "pod": "advertiseInternalIP platformAssignedIds",
    "tls": "leafnodeVerify websocketVerify",
    "websocketConfig": "no_tls",
}


def at(path: str) -> dict[str, Any]:
    schema: dict[str, Any] = SCHEMA["properties"]["spec"]
    for step in filter(None, path.split(".")):
        schema = schema["properties"][step]
        schema = schema.get("items", schema)
    return schema


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


@pytest.mark.parametrize("path", UPSTREAM)
def test_every_field_of_yesterdays_manifests_is_in_the_schema(path: str) -> None:
    assert set(at(path)["properties"]) == {
        *UPSTREAM[path].split(),
        *ADDED.get(path, "").split(),
    }


def test_the_roles_permissions_are_in_the_schema() -> None:
    permissions = ROLE_SCHEMA["properties"]["spec"]["properties"]["permissions"]["properties"]
    assert set(permissions) == {"publish", "subscribe", "allow", "deny", "allowResponses"}
    for kind in ("allow", "deny"):
        assert set(permissions[kind]["properties"]) == {"publish", "subscribe"}
    assert set(permissions["allowResponses"]["properties"]) == {"maxMsgs", "expires"}


def test_names_are_those_of_the_older_operator() -> None:
    assert [crd["metadata"]["name"] for crd in crds()] == [
        "natsclusters.nats.io",
        "natsserviceroles.nats.io",
    ]
    assert CLUSTER["spec"]["names"]["shortNames"] == ["nats"]
    assert "shortNames" not in ROLE["spec"]["names"]
    assert VERSION["name"] == "v1alpha2"


def test_clusters_can_be_scaled_and_report_a_status() -> None:
    assert VERSION["subresources"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.size",
            "statusReplicasPath": ".status.size",
            "labelSelectorPath": ".status.selector",
        },
    }


def test_kubectl_shows_what_counts() -> None:
    columns = {c["name"]: c["jsonPath"] for c in VERSION["additionalPrinterColumns"]}
    assert columns == {
        "Size": ".spec.size",
        "Ready": ".status.readyReplicas",
        "Version": ".status.currentVersion",
        "Status": ".status.phase",
        "Age": ".metadata.creationTimestamp",
    }


def test_only_a_size_is_required() -> None:
    assert at("")["required"] == ["size"]


@pytest.mark.parametrize("path", ["natsConfig", "template"])
def test_unknown_keys_are_kept_where_the_operator_or_kubernetes_judges_them(path: str) -> None:
    assert at(path)["x-kubernetes-preserve-unknown-fields"] is True


def test_everything_a_user_writes_is_described() -> None:
    fields = [(path, node) for path, node in nodes(at(""), "spec") if not path.endswith("[]")]
    assert [path for path, node in fields if not node.get("description")] == []


@pytest.mark.parametrize("crd", crds(), ids=lambda crd: str(crd["metadata"]["name"]))
def test_every_list_and_text_with_a_rule_is_bounded(crd: dict[str, Any]) -> None:
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, node in nodes(schema["properties"]["spec"], "spec"):
        if node.get("type") == "array":
            assert node["maxItems"], path
        if node.get("type") == "string" and "x-kubernetes-validations" in node:
            assert node["maxLength"], path


def test_every_rule_says_what_to_write() -> None:
    rules = [rule for _, node in nodes(SCHEMA) for rule in node.get("x-kubernetes-validations", [])]
    assert len(rules) == 11
    assert all(rule["message"].startswith(("use ", "set ")) for rule in rules)


def holds_all(written: dict[str, Any], schema: dict[str, Any]) -> None:
    assert set(written) == set(schema["properties"])
    for name, value in written.items():
        known = schema["properties"][name]
        if isinstance(value, dict):
            holds_all(value, known)
        if isinstance(value, list) and isinstance(value[0], dict):
            assert set(value[0]) == set(known["items"]["properties"])


def test_the_status_has_every_field_that_is_written() -> None:
    status = ClusterStatus(
        conditions=(Condition("Ready", "True"),),
        servers=(ServerStatus("c", volume=VolumeStatus("js-c")),),
        certificates=(CertificateStatus("routes"),),
        jetstream=JetStreamStatus(
            must_stay=("c-1",),
            blocked=(BlockedStatus("no-leader"),),
            storage=(StorageStatus("c-1"),),
            broken_before=(BrokenStatus("no-leader"),),
            waiting=WaitingStatus("c-1"),
            lent=LentStatus("8Gi"),
        ),
    )
    holds_all(to_json(status), SCHEMA["properties"]["status"])


def test_roles_have_a_status_of_their_own() -> None:
    status = RoleStatus(
        conditions=(Condition("Ready", "True"),), service_accounts=(AccountStatus("ns", "a"),)
    )
    holds_all(to_json(status), ROLE_SCHEMA["properties"]["status"])
    assert ROLE_VERSION["subresources"] == {"status": {}}
    columns = [column["name"] for column in ROLE_VERSION["additionalPrinterColumns"]]
    assert columns == ["Cluster", "Age"]


def test_the_older_operators_conditions_are_not_refused() -> None:
    conditions = SCHEMA["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert conditions["items"]["required"] == ["type"]
    assert conditions["items"]["x-kubernetes-preserve-unknown-fields"] is True


def test_the_installed_schema_tells_how_new_it_is() -> None:
    """By the number of fields, so that no new one is forgotten: an older schema drops it."""
    fields = [
        name
        for crd in crds()
        for version in crd["spec"]["versions"]
        for _, node in nodes(version["schema"]["openAPIV3Schema"])
        for name in node.get("properties", ())
    ]
    assert SCHEMA_REVISION == len(fields) > 300
    for crd in crds():
        assert crd["metadata"]["annotations"] == {"nats.io/schema-revision": str(len(fields))}


def test_the_text_is_the_definitions_and_always_the_same() -> None:
    text = crds_yaml()
    assert list(yaml.safe_load_all(text)) == list(crds())
    assert text == crds_yaml()
    assert not re.search(r"[&*]id\d", text)


def test_defaults_stay_with_the_operator() -> None:
    """A default in the schema would be written into every stored object."""
    assert not [path for path, node in nodes(SCHEMA) if "default" in node]
    assert NatsClusterSpec(size=1).server_image == "nats"
