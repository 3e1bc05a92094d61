"""Fields that nobody knows are named, with what was likely meant."""

import subprocess
import sys
from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import pod_fields as generator
from natsctl.api.checks.unknown_fields import MOST, unknown_fields
from natsctl.api.schema.pod_fields import fields_of_kind
from natsctl.api.types.service_role import NatsServiceRoleSpec
from tests.unit.api.strategies import specs
from tests.unit.pace import allowed


def told(**fields: Any) -> dict[str, str]:
    """Path of each unknown field, and what is asked about it."""
    found = unknown_fields({"size": 1, **fields})
    assert all(p.message.startswith("unknown field; it has no effect") for p in found)
    return {p.path: p.message.partition(": ")[2] for p in found}


def in_pod(**fields: Any) -> dict[str, str]:
    found = told(template={"spec": fields})
    return {path.removeprefix("spec.template.spec."): text for path, text in found.items()}


def test_fields_of_the_spec_but_not_errors() -> None:
    raw = {
        "sice": 2,
        "natsConfig": {"mine": 1, "writeDeadline": "5s"},
        "pod": {"labels": {"free": "text"}, "nodeselector": {}},
        "extraRoutes": [{"cluster": "a"}, {"clutser": "b"}],
        "networkPolicy": {"clientFrom": []},
        "tls": 5,
    }
    assert told(**raw) == {
        "spec.sice": "did you mean size?",
        "spec.natsConfig.mine": "the fields are debug, trace, write_deadline, "
        "maxConnections, maxPayload, maxPending, maxSubscriptions, maxControlLine, disableLogtime",
        "spec.natsConfig.writeDeadline": "did you mean write_deadline?",
        "spec.pod.nodeselector": "did you mean nodeSelector?",
        "spec.extraRoutes[1].clutser": "did you mean cluster?",
    }
    assert unknown_fields("garbage") == ()


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("resources", "spec.pod.resources"),
        ("nodeSelector", "spec.pod.nodeSelector"),
        ("tolerations", "spec.pod.tolerations"),
        ("labels", "spec.pod.labels"),
        ("maxPayload", "spec.natsConfig.maxPayload"),
        ("clientsAuthSecret", "spec.auth.clientsAuthSecret"),
        ("imagePullSecrets", "spec.template.spec.imagePullSecrets"),
        ("topologySpreadConstraints", "spec.template.spec.topologySpreadConstraints"),
        ("affinity", "spec.template.spec.affinity"),
        ("replicas", "spec.size"),
        ("image", "spec.serverImage"),
        ("env", "spec.pod.natsEnv"),
    ],
)
def test_a_field_in_the_wrong_place_is_told_the_right_one(key: str, place: str) -> None:
    assert told(**{key: {}}) == {f"spec.{key}": f"did you mean {place}?"}


def test_the_very_name_elsewhere_is_more_likely_than_one_like_it_here() -> None:
    assert told(pod={"affinity": {}}) == {
        "spec.pod.affinity": "did you mean spec.template.spec.affinity?"
    }


def test_fields_of_pods_and_of_all_that_is_in_them() -> None:
    """The file of cases has these."""
    assert in_pod(
        nodeselector={"a": "b"},
        imagePullSecret="regcred",
        restartPolicy="Never",
        containers=[
            {"name": "nats", "resource": {"limits": {"cpu": 1}}, "env": [{"nam": "A"}]},
            {"name": "side", "readinessProbe": {"httpGet": {"prot": 1}}},
        ],
        initContainers=[{"nodeSelector": {}}],
        volumes=[{"configMap": {"nam": "x"}}, {"projected": {"sources": [{"x": 1}]}}],
        topologySpreadConstraint=[],
        affinity={"podAntiAffinity": {"required": []}},
    ) == {
        "nodeselector": "did you mean nodeSelector?",
        "imagePullSecret": "did you mean imagePullSecrets?",
        "containers[0].resource": "did you mean resources?",
        "containers[0].env[0].nam": "did you mean name?",
        "containers[1].readinessProbe.httpGet.prot": "did you mean port?",
        "initContainers[0].nodeSelector": "did you mean spec.template.spec.nodeSelector?",
        "volumes[0].configMap.nam": "did you mean name?",
        "volumes[1].projected.sources[0].x": "the fields are clusterTrustBundle, configMap, "
        "downwardAPI, podCertificate, secret, serviceAccountToken",
        "topologySpreadConstraint": "did you mean topologySpreadConstraints?",
        "affinity.podAntiAffinity.required": "the fields are "
        "preferredDuringSchedulingIgnoredDuringExecution, "
        "requiredDuringSchedulingIgnoredDuringExecution",
    }
    assert told(template={"containers": [], "metadata": {"label": {}}}) == {
        "spec.template.containers": "did you mean spec.template.spec.containers?",
        "spec.template.metadata.label": "did you mean labels?",
    }


def test_parts_of_pods_in_other_places() -> None:
    pod = {
        "natsEnv": [{"name": "A", "valueForm": {}}, {"valueFrom": {"secretKeyRef": {"nam": 1}}}],
        "volumeMounts": [{"mounthPath": "/x"}],
        "tolerations": [{"effects": "x"}],
        "resources": {"limit": {}, "limits": {"cpu": 1, "example.com/gpu": 2}},
        "reloaderResources": {"request": {}},
    }
    assert list(told(pod=pod)) == [
        "spec.pod.natsEnv[0].valueForm",
        "spec.pod.natsEnv[1].valueFrom.secretKeyRef.nam",
        "spec.pod.volumeMounts[0].mounthPath",
        "spec.pod.tolerations[0].effects",
        "spec.pod.resources.limit",
        "spec.pod.reloaderResources.request",
    ]


def test_a_role() -> None:
    raw = {"permissions": {"publsh": [], "allow": {"xyz": 1}}}
    found = unknown_fields(raw, NatsServiceRoleSpec)
    assert [str(p) for p in found] == [
        "spec.permissions.publsh: unknown field; it has no effect: did you mean publish?",
        "spec.permissions.allow.xyz: unknown field; it has no effect: "
        "the fields are publish, subscribe",
    ]


def test_what_is_like_no_field_at_all_is_named_alone() -> None:
    assert told(pod={"zzzzz": 1}) == {"spec.pod.zzzzz": ""}
    assert told(**{"x" * 100_000: 1}) == {f'spec."{"x" * 59}\u2026"': ""}
    assert unknown_fields({1: 2, None: 3}) == ()


def test_a_key_is_told_in_one_line_that_can_be_read() -> None:
    (path,) = told(**{"a\nb\u202ec": 1})
    assert path == 'spec."a b\ufffdc"'


@pytest.mark.parametrize("where", ["spec", "pod", "container"])
def test_however_many_there_are_it_takes_no_time(where: str) -> None:
    many = {f"nodeselector{i}": i for i in range(100_000)}
    began = thread_time()
    match where:
        case "spec":
            found = told(**many)
        case "pod":
            found = in_pod(**many)
        case _:
            found = in_pod(containers=[many])
    assert len(found) == MOST
    assert thread_time() - began < allowed(2)


@given(specs())
def test_what_the_schema_allows_is_known(raw: dict[str, Any]) -> None:
    assert unknown_fields(raw) == ()


GARBAGE = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["spec", "a", "env"]), inner),
)


@given(GARBAGE, GARBAGE, GARBAGE)
def test_garbage_is_looked_through(template: Any, pod: Any, tls: Any) -> None:
    found = unknown_fields({"template": template, "pod": pod, "tls": tls})
    assert all(problem.path.startswith("spec.") for problem in found)


def test_the_table_is_what_the_models_of_kubernetes_say() -> None:
    # In a process of its own: in this one the transport may have put stand-ins for the models.
    command = [sys.executable, "-m", "deploy.pod_fields", "print"]
    root = generator.TARGET.parents[3]
    made = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert generator.TARGET.read_text() == made, "run: make pod-fields"
    assert fields_of_kind("Volume")["configMap"] == "ConfigMapVolumeSource"
    assert fields_of_kind("PodSpec")["containers"] == "Container"
    assert generator.TARGET.stat().st_size < 16_000
