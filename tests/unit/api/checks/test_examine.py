"""One round tells everything."""

from typing import Any

import pytest

from natsctl.api.checks.examine import examine, examine_role
from natsctl.api.version import ServerVersion


def told(name: str = "c", **fields: Any) -> list[str]:
    found = examine(name, {"size": 3, **fields})
    return [str(p) for p in (*found.problems, *found.remarks)]


def paths(**fields: Any) -> list[str]:
    return [text.partition(": ")[0] for text in told(**fields)]


def test_nothing_to_say() -> None:
    found = examine("c", {"size": 3})
    assert (found.problems, found.remarks) == ((), ())
    assert found.spec is not None


def test_values_of_the_wrong_kind_hide_nothing_else() -> None:
    """Wrong kinds, bounds, versions, names, templates, networks and unknown fields together."""
    fields = {
        "size": "three",
        "version": "2 x",
        "serverImage": "nats:2.10.7-alpine",
        "lameDuckDurationSeconds": 1,
        "colour": "blue",
        "natsConfig": {"jetstream": {}, "maxPayload": "1", "write_deadline": "10"},
        "auth": {"clusterAuthSecret": "../x", "gatewayAuthSecret": 5},
        "pod": {"antiAffinity": "yes", "labels": {"-": "x"}, "natsEnv": [3, {"name": "a=b"}]},
        "networkPolicy": {"clientsFrom": [{}, {"ipBlock": {"cidr": 5}}], "clientFrom": []},
        "template": {
            "spec": {
                "nodeselector": {},
                "containers": [{"name": 4}, {"name": "s", "resources": {"limits": {"cpu": "x"}}}],
                "volumes": [{"name": "pid"}, 7],
            }
        },
    }
    assert sorted(paths(name="C", **fields)) == [
        "metadata.name",
        "spec.auth.clusterAuthSecret",
        "spec.auth.gatewayAuthSecret",
        "spec.colour",
        "spec.lameDuckDurationSeconds",
        "spec.natsConfig.jetstream",
        "spec.natsConfig.maxPayload",
        "spec.natsConfig.write_deadline",
        "spec.networkPolicy.clientFrom",
        "spec.networkPolicy.clientsFrom[0]",
        "spec.networkPolicy.clientsFrom[1].ipBlock.cidr",
        "spec.pod.antiAffinity",
        'spec.pod.labels."-"',
        "spec.pod.natsEnv[0]",
        "spec.pod.natsEnv[1].name",
        "spec.serverImage",
        "spec.size",
        "spec.template.spec.containers[0].name",
        "spec.template.spec.containers[1].resources.limits.cpu",
        "spec.template.spec.nodeselector",
        "spec.template.spec.volumes[0].name",
        "spec.template.spec.volumes[1]",
        "spec.version",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"tls": {"serverSecret": 5, "verify": True, "enableHttps": True}},
        {"gatewayConfig": {"name": 1, "hostPort": "x"}},
        {"operatorConfig": {"secret": 7, "resolver": "MEMORY"}},
        {"extraRoutes": [{"cluster": 3}]},
        {"websocketConfig": {"port": "x", "no_tls": True}},
        {"leafnodeConfig": {"remotes": [{"url": 5}]}},
        {"version": 5, "tls": {"serverSecret": "s", "cipherSuites": ["TLS_AES_128_GCM_SHA256"]}},
        {"pod": {"volumeMounts": [{"name": 5, "mountPath": "/x"}]}},
    ],
)
def test_nothing_is_made_up_about_what_is_wrong_already(fields: dict[str, Any]) -> None:
    assert all("; use " in text for text in told(**fields)), told(**fields)
    assert examine("c", {"size": 1, **fields}).problems


def test_what_is_no_object_at_all() -> None:
    first, second = examine("C", 3).problems
    assert str(first) == "spec: is 3; use an object with keys"
    assert second.path == "metadata.name"


def test_the_version_that_a_cluster_runs_counts_where_it_says_none() -> None:
    old = ServerVersion.parse("2.1.9")
    found = examine("c", {"size": 1, "clusterName": "x"}, lambda _: old)
    assert [p.path for p in found.problems] == ["spec.clusterName"]


def mounting(*mounts: str, volumes: tuple[str, ...] = ()) -> dict[str, Any]:
    given = [{"name": name, "mountPath": f"/data/{name}"} for name in mounts]
    spec = {
        "containers": [{"name": "nats", "volumeMounts": given}],
        "initContainers": [{"name": "i", "volumeMounts": given}],
        "volumes": [{"name": name} for name in volumes],
    }
    return {"template": {"spec": spec}, "pod": {"volumeMounts": given}}


def test_mounts_of_volumes_that_are_not_there() -> None:
    (first, second, third) = told(**mounting("cfg", volumes=("other",)))
    assert first == (
        "spec.pod.volumeMounts[0].name: volume 'cfg' does "
        "not exist: add it to spec.template.spec.volumes"
    )
    assert second.startswith("spec.template.spec.containers[0].volumeMounts[0].name: ")
    assert third.startswith("spec.template.spec.initContainers[0].volumeMounts[0].name: ")
    assert told(**mounting("cfg", volumes=("cfgs",)))[0].endswith("did you mean cfgs?")
    assert told(**mounting("cfg", "pid", "nats-config", volumes=("cfg",))) == []
    assert examine("c", {"size": 1, **mounting("cfg")}).problems == ()


def test_a_role() -> None:
    problems, remarks = examine_role({"permissions": {"publish": [1, "a b"], "subscrib": []}})
    assert [p.path for p in problems] == [
        "spec.permissions.publish[0]",
        "spec.permissions.publish[1]",
    ]
    assert [p.path for p in remarks] == ["spec.permissions.subscrib"]
