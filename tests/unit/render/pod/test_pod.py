from typing import Any

import attrs
import pytest
from hypothesis import given

from natsctl.api.types.cluster import NatsClusterSpec, PodPolicy
from natsctl.render.pod.pod import grace_period, pod, split_containers
from natsctl.render.revision.revision import revision, revision_text
from natsctl.render.target import Target
from tests.unit.render.targets import TARGETS, target


def spec_of(index: int = 1, **fields: Any) -> dict[str, Any]:
    spec: dict[str, Any] = pod(target(**fields), index)["spec"]
    return spec


def server(**fields: Any) -> dict[str, Any]:
    first: dict[str, Any] = spec_of(**fields)["containers"][0]
    return first


def templated(**container: Any) -> dict[str, Any]:
    return server(template={"spec": {"containers": [{"name": "nats", **container}]}})


def test_a_pod_is_a_whole_manifest() -> None:
    manifest = pod(target(), 10)
    assert (manifest["apiVersion"], manifest["kind"]) == ("v1", "Pod")
    assert manifest["metadata"]["name"] == "c-10"
    assert manifest["spec"]["hostname"] == "c-10"
    assert manifest["spec"]["subdomain"] == "c-mgmt"
    assert manifest["spec"]["restartPolicy"] == "Always"


def test_labels_and_annotations_tell_version_and_revision() -> None:
    cluster = target(version="v2.10.29")
    metadata = pod(cluster, 1)["metadata"]
    assert metadata["labels"]["nats_version"] == "2.10.29"
    assert metadata["labels"]["app.kubernetes.io/version"] == "2.10.29"
    assert metadata["annotations"] == {
        "nats.version": "2.10.29",
        "nats.io/revision": revision_text(revision(cluster)),
    }


def test_of_labels_and_annotations_the_operators_win_over_the_policys_over_the_templates() -> None:
    mine = {"who": "template", "only": "template", "app": "x", "nats.version": "x"}
    metadata = pod(
        target(
            template={"metadata": {"labels": mine, "annotations": mine}},
            pod={"labels": {"who": "policy"}, "annotations": {"who": "policy"}},
        ),
        1,
    )["metadata"]
    assert (
        metadata["labels"] | {"who": "policy", "only": "template", "app": "nats"}
        == (metadata["labels"])
    )
    assert (
        metadata["annotations"] | {"who": "policy", "nats.version": "2.15.3"}
        == (metadata["annotations"])
    )


def test_the_server_is_told_where_it_is_reached() -> None:
    assert server(index=2)["command"] == [
        "/nats-server",
        "-c",
        "/etc/nats-config/server.conf",
        "-P",
        "/var/run/nats/nats.pid",
        "--cluster_advertise",
        "c-2.c-mgmt.ns.svc",
        "--connect_retries",
        "10",
    ]


def test_a_pod_on_its_nodes_network_finds_services() -> None:
    def found(**spec: Any) -> Any:
        return pod(target(template={"spec": spec}), 1)["spec"].get("dnsPolicy")

    assert found(hostNetwork=True) == "ClusterFirstWithHostNet"
    assert found(hostNetwork=True, dnsPolicy="Default") == "Default"
    assert found(hostNetwork=False) is None
    assert found() is None


def test_addresses_are_advertised_unless_asked_otherwise() -> None:
    assert server(noAdvertise=True)["command"][-1] == "--no_advertise"


def test_arguments_of_the_template_follow_the_command() -> None:
    assert templated(args=["-DV"])["args"] == ["-DV"]


def test_the_image_is_the_version() -> None:
    assert server(serverImage="registry:5000/nats", version="v2.9.25")["image"] == (
        "registry:5000/nats:2.9.25"
    )


def test_an_alpine_image_has_its_binary_elsewhere() -> None:
    container = server(version="2.9.25-alpine3.18")
    assert container["command"][0] == "/usr/local/bin/nats-server"
    assert container["lifecycle"]["preStop"]["exec"]["command"][0] == "/usr/local/bin/nats-server"


def variables(**fields: Any) -> list[dict[str, Any]]:
    return list(server(**fields)["env"])


def test_a_server_has_a_name_that_no_server_of_another_cluster_has() -> None:
    """Two clusters of one name may be linked; the quotes make the server read a text."""
    assert variables() == [{"name": "SERVER_NAME", "value": '"c-1-uid-1"'}]
    named = attrs.evolve(target("c"), namespace="other", uid="01234567-89ab-cdef")
    (found,) = pod(named, 12)["spec"]["containers"][0]["env"]
    assert found["value"] == '"c-12-01234567"'


def test_a_name_that_the_user_supplies_stands() -> None:
    field = {"name": "SERVER_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    assert variables(pod={"natsEnv": [field]}) == [field]


POD_NAME = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
PREFIXED = {"name": "SERVER_NAME", "value": "east-$(POD_NAME)"}
ZONE = {"name": "ZONE", "value": "a"}


@pytest.mark.parametrize(
    ("template", "policy", "made"),
    [
        ([], [POD_NAME, PREFIXED], [POD_NAME, PREFIXED]),
        ([], [POD_NAME, PREFIXED, ZONE], [POD_NAME, PREFIXED, ZONE]),
        ([POD_NAME], [PREFIXED], [POD_NAME, PREFIXED]),
        ([PREFIXED], [ZONE, POD_NAME], [ZONE, POD_NAME, PREFIXED]),
        ([PREFIXED], [POD_NAME, ZONE], [POD_NAME, PREFIXED, ZONE]),
    ],
)
def test_a_name_comes_after_what_it_refers_to(
    template: list[Any], policy: list[Any], made: list[Any]
) -> None:
    """The kubelet expands references to earlier variables only."""
    fields = {"template": {"spec": {"containers": [{"env": template}]}}}
    assert variables(pod={"natsEnv": policy}, **fields) == made


def test_variables_of_the_policy_follow_those_of_the_template_as_they_stand() -> None:
    """Of one name the last counts for the kubelet, and an earlier one may be referred to."""
    template = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]
    policy = [{"name": "C"}, {"name": "A", "value": "2"}]
    fields = {"template": {"spec": {"containers": [{"env": template}]}}}
    assert variables(pod={"natsEnv": policy}, **fields)[1:] == [*template, *policy]


def test_ports_are_closed_on_the_node_unless_asked() -> None:
    ports = [("cluster", 6222), ("monitoring", 8222), ("client", 4222)]
    assert [(port["name"], port["containerPort"]) for port in server()["ports"]] == ports
    assert not [port for port in server()["ports"] if "hostPort" in port]
    opened = server(pod={"enableClientsHostPort": True})["ports"]
    assert [port["hostPort"] for port in opened if "hostPort" in port] == [4222]


def test_readiness_is_the_servers_own_word() -> None:
    container = server()
    assert container["startupProbe"]["periodSeconds"] == 1
    assert [container[probe]["httpGet"]["path"] for probe in PROBES] == ["/varz", "/healthz", "/"]
    assert {container[probe]["httpGet"]["port"] for probe in PROBES} == {8222}


PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def test_old_servers_are_asked_what_they_answer() -> None:
    def paths(version: str) -> list[str]:
        container = server(version=version)
        return [container[probe]["httpGet"]["path"] for probe in PROBES]

    assert paths("2.1.9") == ["/", "/", "/"]
    assert paths("2.7.0") == ["/varz", "/", "/"]
    assert paths("2.9.25") == ["/varz", "/healthz", "/"]


def test_a_server_leaves_its_clients_before_it_stops() -> None:
    assert server()["lifecycle"] == {
        "preStop": {"exec": {"command": ["/nats-server", "-sl", "ldm=/var/run/nats/nats.pid"]}}
    }


@pytest.mark.parametrize("field", [*PROBES, "lifecycle", "imagePullPolicy", "envFrom"])
def test_what_the_template_says_of_the_container_stands(field: str) -> None:
    assert templated(**{field: {"mine": True}})[field] == {"mine": True}


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 150),
        ({"lameDuckDurationSeconds": 30}, 60),
        ({"template": {"spec": {"terminationGracePeriodSeconds": 5}}}, 5),
        ({"template": {"spec": {"terminationGracePeriodSeconds": 0}}}, 0),
    ],
)
def test_a_server_has_time_for_its_lame_duck_period(fields: dict[str, Any], seconds: int) -> None:
    assert grace_period(target(**fields)) == seconds
    assert spec_of(**fields)["terminationGracePeriodSeconds"] == seconds


def test_resources_of_the_policy_replace_those_of_the_template() -> None:
    template = {"spec": {"containers": [{"resources": {"limits": {"cpu": 1}}}]}}
    wanted = {"limits": {"memory": "64Mi"}}
    assert server(template=template, pod={"resources": wanted})["resources"] == wanted
    assert server(template=template)["resources"] == {"limits": {"cpu": 1}}
    assert "resources" not in server()


def test_volumes_and_mounts_are_added_to_the_users() -> None:
    template = {
        "spec": {
            "volumes": [{"name": "x", "emptyDir": {}}],
            "containers": [{"volumeMounts": [{"name": "x", "mountPath": "/x"}]}],
        }
    }
    policy = {"volumeMounts": [{"name": "x", "mountPath": "/y"}]}
    spec = spec_of(template=template, pod=policy)
    assert spec["volumes"] == [
        {"name": "x", "emptyDir": {}},
        {"name": "nats-config", "secret": {"secretName": "c"}},
        {"name": "pid", "emptyDir": {}},
    ]
    assert [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]] == [
        "/x",
        "/y",
        "/etc/nats-config",
        "/var/run/nats",
    ]


def test_the_container_named_nats_is_the_servers() -> None:
    containers = [{"name": "side"}, {"name": "nats", "stdin": True}, {"name": "other"}]
    found = spec_of(template={"spec": {"containers": containers}})["containers"]
    assert [container["name"] for container in found] == ["nats", "side", "other"]
    assert found[0]["stdin"] is True
    assert found[1:] == [{"name": "side"}, {"name": "other"}]


def test_without_one_the_first_container_is_the_servers() -> None:
    containers = [{"name": "first", "stdin": True}, {"name": "other"}]
    found = spec_of(template={"spec": {"containers": containers}})["containers"]
    assert [container["name"] for container in found] == ["nats", "other"]
    assert found[0]["stdin"] is True


def test_init_containers_and_the_rest_of_the_template_are_passed_on() -> None:
    rest = {
        "initContainers": [{"name": "i"}],
        "priorityClassName": "high",
        "restartPolicy": "Never",
    }
    assert rest.items() <= spec_of(template={"spec": rest}).items()


def test_placement_of_the_policy_replaces_that_of_the_template() -> None:
    template = {"spec": {"nodeSelector": {"a": "1"}, "tolerations": [{}], "affinity": {"x": {}}}}
    policy = {"nodeSelector": {"b": "2"}, "tolerations": [{"key": "k"}], "antiAffinity": True}
    spec = spec_of(template=template, pod=policy)
    assert spec["nodeSelector"] == {"b": "2"}
    assert spec["tolerations"] == [{"key": "k"}]
    assert spec["affinity"] == {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {
                    "topologyKey": "kubernetes.io/hostname",
                    "labelSelector": {"matchLabels": {"app": "nats", "nats_cluster": "c"}},
                }
            ]
        }
    }
    assert template["spec"].items() <= spec_of(template=template).items()


def given_variables(spec: NatsClusterSpec) -> list[str]:
    """Names of variables as the user wrote them, each as often as they wrote it."""
    base, _others = split_containers((spec.template or {}).get("spec", {}).get("containers", ()))
    policy = spec.pod or PodPolicy()
    return [variable["name"] for variable in (*base.get("env", ()), *policy.nats_env)]


def test_a_variable_written_twice_stays_as_the_api_server_takes_it() -> None:
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert [each for each in templated(env=twice)["env"] if each["name"] == "A"] == twice


@given(TARGETS)
def test_a_pod_is_complete_whatever_the_spec(target: Target) -> None:
    spec = pod(target, 1)["spec"]
    names = [container["name"] for container in spec["containers"]]
    assert names[0] == "nats"
    assert len(set(names)) == len(names)
    mounted = {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
    assert {"nats-config", "pid"} <= mounted
    variables = [variable["name"] for variable in spec["containers"][0]["env"]]
    given = given_variables(target.spec)
    assert {n for n in variables if variables.count(n) > max(given.count(n), 1)} == set()
    assert "SERVER_NAME" in variables


def test_an_image_pinned_by_its_digest_has_no_tag() -> None:
    image = f"registry:5000/nats@sha256:{'0' * 64}"
    assert server(serverImage=image)["image"] == image


def test_certificates_are_mounted_where_the_configuration_has_them() -> None:
    secrets = {
        "serverSecret": "a",
        "routesSecret": "b",
        "gatewaySecret": "c",
        "leafnodeSecret": "d",
        "websocketSecret": "e",
    }
    spec = spec_of(tls=secrets, operatorConfig={"secret": "o"})
    assert spec["volumes"][2:] == [
        {"name": "server-tls-certs", "secret": {"secretName": "a"}},
        {"name": "routes-tls-certs", "secret": {"secretName": "b"}},
        {"name": "gateway-tls-certs", "secret": {"secretName": "c"}},
        {"name": "leafnode-tls-certs", "secret": {"secretName": "d"}},
        {"name": "websocket-tls-certs", "secret": {"secretName": "e"}},
        {"name": "operator-jwt", "secret": {"secretName": "o"}},
    ]
    assert [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]][2:] == [
        "/etc/nats-server-tls-certs",
        "/etc/nats-routes-tls-certs",
        "/etc/nats-gateways-tls-certs",
        "/etc/nats-leafnodes-tls-certs",
        "/etc/nats-websocket-tls-certs",
        "/etc/nats-operator",
    ]


def test_probes_speak_https_where_monitoring_does() -> None:
    container = server(tls={"serverSecret": "s", "enableHttps": True})
    assert {container[probe]["httpGet"]["scheme"] for probe in PROBES} == {"HTTPS"}
    assert {server()[probe]["httpGet"]["scheme"] for probe in PROBES} == {"HTTP"}
