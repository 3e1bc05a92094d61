from typing import Any

import pytest

from natsctl.api.checks.pod import pod_problems
from natsctl.api.parse import parse_spec


def complaints(**fields: Any) -> list[str]:
    spec = parse_spec({"size": 3, "version": "2.14.10", **fields})
    return [str(problem) for problem in pod_problems("c", spec)]


def container(**fields: Any) -> list[str]:
    return complaints(template={"spec": {"containers": [{"name": "nats", **fields}]}})


def test_an_ordinary_template_is_fine() -> None:
    template = {
        "metadata": {"labels": {"team": "a"}, "annotations": {"example.com/x": "any thing"}},
        "spec": {
            "containers": [
                {
                    "env": [
                        {"name": "SERVER_NAME", "valueFrom": {"fieldRef": {}}},
                        {"name": "GOMEMLIMIT", "value": "1GiB"},
                    ],
                    "volumeMounts": [{"name": "creds", "mountPath": "/etc/nats-config/creds"}],
                    "resources": {"limits": {"cpu": 1, "memory": "64Mi"}},
                    "securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}},
                },
                {"name": "side", "image": "busybox"},
            ],
            "volumes": [{"name": "creds", "secret": {"secretName": "creds"}}],
            "terminationGracePeriodSeconds": 60,
        },
    }
    pod = {
        "labels": {"app": "nats", "nats_cluster": "c", "nats_version": "2.14.10", "mine": ""},
        "natsEnv": [{"name": "SERVER_NAME", "value": "$(POD_NAME)"}],
        "volumeMounts": [{"name": "creds", "mountPath": "/creds"}],
        "resources": {"requests": {"cpu": "100m"}},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "nodeSelector": {"disk": "ssd"},
    }
    assert complaints(template=template, pod=pod) == []


@pytest.mark.parametrize("key", ["app", "nats_cluster", "nats_version"])
def test_the_operators_own_labels_are_not_the_users(key: str) -> None:
    assert complaints(pod={"labels": {key: "mine"}}) == [
        f"spec.pod.labels.{key}: is a label reserved for the operator; omit it"
    ]


@pytest.mark.parametrize(
    ("pod", "path"),
    [
        ({"labels": {"a b": ""}}, 'spec.pod.labels."a b"'),
        ({"annotations": {"a b": ""}}, 'spec.pod.annotations."a b"'),
        ({"nodeSelector": {"a": "b c"}}, "spec.pod.nodeSelector.a"),
    ],
)
def test_labels_of_pods_are_well_formed(pod: dict[str, Any], path: str) -> None:
    (complaint,) = complaints(pod=pod)
    assert complaint.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"template": {"spec": {"containers": {"name": "nats"}}}},
            "spec.template.spec.containers: is {'name': 'nats'}; use a list",
        ),
        (
            {"template": {"spec": {"containers": ["nats"]}}},
            "spec.template.spec.containers[0]: is 'nats'; use an object with keys",
        ),
        (
            {"template": {"spec": {"containers": [{"env": [{"value": "x"}]}]}}},
            "spec.template.spec.containers[0].env[0].name: is required",
        ),
        (
            {"template": {"metadata": {"labels": {"a": 1}}}},
            "spec.template.metadata.labels.a: is 1; use a quoted string",
        ),
        (
            {"template": {"spec": {"securityContext": {"runAsUser": "root"}}}},
            "spec.template.spec.securityContext.runAsUser: is 'root'; use a whole number",
        ),
        (
            {"pod": {"natsEnv": [{"name": "A", "value": 1}]}},
            "spec.pod.natsEnv[0].value: is 1; use a quoted string",
        ),
        (
            {"pod": {"volumeMounts": [{"name": "a"}]}},
            "spec.pod.volumeMounts[0].mountPath: is required",
        ),
        (
            {"pod": {"tolerations": [{"key": 1}]}},
            "spec.pod.tolerations[0].key: is 1; use a quoted string",
        ),
        (
            {"pod": {"resources": {"limits": []}}},
            "spec.pod.resources.limits: is []; use an object with keys",
        ),
    ],
)
def test_embedded_objects_have_the_shape_the_operator_reads(
    fields: dict[str, Any], complaint: str
) -> None:
    assert complaints(**fields) == [complaint]


def test_shapes_are_told_together() -> None:
    found = complaints(template={"spec": 1}, pod={"natsEnv": [{}], "resources": {"limits": 1}})
    assert [text.partition(":")[0] for text in found] == [
        "spec.template.spec",
        "spec.pod.natsEnv[0].name",
        "spec.pod.resources.limits",
    ]


def test_only_the_first_container_may_go_without_a_name() -> None:
    assert complaints(template={"spec": {"containers": [{}, {}]}}) == [
        "spec.template.spec.containers[1].name: is required"
    ]


def test_containers_and_volumes_have_names_of_their_own() -> None:
    twice = [{"name": "x"}, {"name": "x"}]
    assert complaints(template={"spec": {"containers": twice, "volumes": twice}}) == [
        "spec.template.spec.containers: x appears 2 times; give each a unique name",
        "spec.template.spec.volumes: x appears 2 times; give each a unique name",
    ]


@pytest.mark.parametrize("name", ["nats-config", "pid"])
def test_the_operators_volumes_are_its_own(name: str) -> None:
    assert complaints(template={"spec": {"volumes": [{"name": name}]}}) == [
        f"spec.template.spec.volumes[0].name: {name} is the name of one of the "
        "operator's volumes; give this one another name"
    ]


@pytest.mark.parametrize("path", ["/etc/nats-config", "/etc/nats-config/", "/var/run/nats"])
def test_the_operators_directories_are_its_own(path: str) -> None:
    mounts = [{"name": "x", "mountPath": path}]
    advice = f"{path} is reserved for the operator; use another mount path"
    assert complaints(pod={"volumeMounts": mounts}) == [
        f"spec.pod.volumeMounts[0].mountPath: {advice}"
    ]
    assert container(volumeMounts=mounts) == [
        f"spec.template.spec.containers[0].volumeMounts[0].mountPath: {advice}"
    ]


@pytest.mark.parametrize("name", ["", "A=B", "A\tB"])
def test_variables_have_names(name: str) -> None:
    found = complaints(pod={"natsEnv": [{"name": name}]}) + container(env=[{"name": name}])
    assert [text.partition(": ")[0] for text in found] == [
        "spec.pod.natsEnv[0].name",
        "spec.template.spec.containers[0].env[0].name",
    ]


def test_no_two_servers_share_a_name() -> None:
    assert complaints(pod={"natsEnv": [{"name": "SERVER_NAME", "value": "x"}]}) == [
        "spec.pod.natsEnv[0].value: would give every server the same name; "
        "omit SERVER_NAME, or take it from metadata.name"
    ]


@pytest.mark.parametrize("amount", ["", "1 Gi", "64MB", "lots", True, []])
def test_amounts_are_quantities(amount: object) -> None:
    resources = {"limits": {"memory": amount}}
    found = complaints(pod={"resources": resources}) + container(resources=resources)
    assert len(found) == 2
    assert all("use one such as 500m or 256Mi" in text for text in found)


@pytest.mark.parametrize("amount", [1, 0.5, "1", "100m", "1.5Gi", "1e3", ".5", "1."])
def test_quantities_have_these_forms(amount: object) -> None:
    assert complaints(pod={"resources": {"requests": {"cpu": amount}}}) == []


def test_a_pod_is_not_given_less_than_no_time_to_end() -> None:
    assert complaints(template={"spec": {"terminationGracePeriodSeconds": -1}}) == [
        "spec.template.spec.terminationGracePeriodSeconds: is -1; use 0 or more"
    ]


@pytest.mark.parametrize(
    ("fields", "volume", "path"),
    [
        ({"tls": {"serverSecret": "s"}}, "server-tls-certs", "/etc/nats-server-tls-certs"),
        ({"operatorConfig": {"secret": "s"}}, "operator-jwt", "/etc/nats-operator"),
        (
            {"pod": {"advertiseExternalIP": True}},
            "advertiseconfig",
            "/etc/nats-config/advertise",
        ),
    ],
)
def test_so_are_those_that_a_field_brings(fields: dict[str, Any], volume: str, path: str) -> None:
    containers = [{"name": "nats", "volumeMounts": [{"name": "x", "mountPath": path}]}]
    template = {"spec": {"containers": containers, "volumes": [{"name": volume}]}}
    assert complaints(template=template) == []
    found = complaints(template=template, **fields)
    assert [text.partition(": ")[0] for text in found] == [
        "spec.template.spec.volumes[0].name",
        "spec.template.spec.containers[0].volumeMounts[0].mountPath",
    ]


@pytest.mark.parametrize(
    ("field", "kind", "name"),
    [
        ("enableConfigReload", "containers", "reloader"),
        ("enableMetrics", "containers", "metrics"),
        ("advertiseExternalIP", "initContainers", "bootconfig"),
    ],
)
def test_containers_of_the_operators_are_its_own_where_it_adds_them(
    field: str, kind: str, name: str
) -> None:
    template = {"spec": {kind: [{"name": "other"}, {"name": name}]}}
    assert complaints(template=template) == []
    taken = [
        f"spec.template.spec.{kind}[1].name: {name} is the name of one of the operator's "
        "containers; give this one another name"
    ]
    assert complaints(template=template, pod={field: True}) == taken
    tagged = complaints(template=template, serverTagsFromNode=["zone"])
    assert tagged == (taken if name == "bootconfig" else [])
