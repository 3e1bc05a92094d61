from typing import Any

import pytest

from natsctl.render.inputs import ConfigInputs, Files, Images
from natsctl.render.objects.secret import config_secret
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.unit.render.targets import target


def spec_of(cluster: Target) -> dict[str, Any]:
    spec: dict[str, Any] = pod(cluster, 1)["spec"]
    return spec


def container(cluster: Target, name: str) -> dict[str, Any]:
    spec = spec_of(cluster)
    (found,) = [c for c in spec["containers"] + spec["initContainers"] if c["name"] == name]
    return dict(found)


def reloader(
    *, inputs: ConfigInputs | None = None, pod: Any = None, **fields: Any
) -> dict[str, Any]:
    policy = {"enableConfigReload": True, "advertiseExternalIP": True, **(pod or {})}
    return container(target(pod=policy, inputs=inputs, **fields), "reloader")


def metrics(
    *, pod: Any = None, inputs: ConfigInputs | None = None, **fields: Any
) -> dict[str, Any]:
    policy = {"enableMetrics": True, "advertiseExternalIP": True, **(pod or {})}
    return container(target(pod=policy, inputs=inputs, **fields), "metrics")


def bootconfig(*, pod: Any = None, **fields: Any) -> dict[str, Any]:
    return container(
        target(pod={"advertiseExternalIP": True, **(pod or {})}, **fields), "bootconfig"
    )


LOCKED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def test_a_pod_has_one_container_unless_asked() -> None:
    spec = spec_of(target())
    assert [c["name"] for c in spec["containers"]] == ["nats"]
    assert {"initContainers", "shareProcessNamespace"}.isdisjoint(spec)


def test_containers_come_in_the_order_of_the_older_operator() -> None:
    template = {
        "spec": {"containers": [{"name": "nats"}, {"name": "x"}], "initContainers": [{"name": "i"}]}
    }
    every = {"enableConfigReload": True, "enableMetrics": True, "advertiseExternalIP": True}
    spec = spec_of(target(template=template, pod=every))
    assert [c["name"] for c in spec["containers"]] == ["nats", "x", "reloader", "metrics"]
    assert [c["name"] for c in spec["initContainers"]] == ["i", "bootconfig"]
    assert spec["shareProcessNamespace"] is True


def test_the_reloader_watches_what_servers_read() -> None:
    assert reloader(pod={"advertiseExternalIP": True})["command"] == [
        "nats-server-config-reloader",
        "-pid",
        "/var/run/nats/nats.pid",
        "-config",
        "/etc/nats-config/nats.conf",
        "-config",
        "/etc/nats-config/server.conf",
    ]


def watched(**fields: Any) -> list[str]:
    return [word for word in reloader(**fields)["command"][7:] if word != "-config"]


def test_also_files_of_users_and_certificates() -> None:
    assert watched(auth={"clientsAuthFile": "auth/a.json"}) == ["/etc/nats-config/auth/a.json"]
    assert watched(auth={"clientsAuthFile": "/auth/a.json"}) == ["/auth/a.json"]
    names = {"serverSecret": "s", "serverSecretCAFileName": "/etc/ca/ca.pem"}
    assert watched(tls={**names, "routesSecret": "r"}) == [
        "/etc/ca/ca.pem",
        "/etc/nats-server-tls-certs/server.pem",
        "/etc/nats-server-tls-certs/server-key.pem",
        "/etc/nats-routes-tls-certs/ca.pem",
        "/etc/nats-routes-tls-certs/route.pem",
        "/etc/nats-routes-tls-certs/route-key.pem",
    ]
    found = ConfigInputs(files={"clients": Files("tls.crt", "tls.key")})
    assert watched(tls={"serverSecret": "s"}, inputs=found) == [
        "/etc/nats-server-tls-certs/tls.crt",
        "/etc/nats-server-tls-certs/tls.key",
    ]
    gateway = {"name": "g", "hostPort": 7522}
    assert watched(gatewayConfig=gateway) == ["/etc/nats-config/gateway.json"]


def test_the_reloader_sees_every_volume_of_the_server() -> None:
    mounts = [{"name": "ca", "mountPath": "/etc/ca"}]
    template = {"spec": {"containers": [{"name": "nats", "volumeMounts": mounts}]}}
    fields: dict[str, Any] = {"template": template, "tls": {"serverSecret": "s"}}
    own = reloader(**fields)["volumeMounts"]
    assert (
        own
        == spec_of(target(pod={"advertiseExternalIP": True}, **fields))["containers"][0][
            "volumeMounts"
        ]
    )
    assert [mount["mountPath"] for mount in own] == [
        "/etc/ca",
        "/etc/nats-config",
        "/var/run/nats",
        "/etc/nats-server-tls-certs",
        "/etc/nats-config/advertise",
    ]


def test_the_reloader_is_the_same_user_as_the_server() -> None:
    assert reloader()["securityContext"] == LOCKED
    context = {"runAsUser": 7, "runAsNonRoot": True, "privileged": True}
    template = {"spec": {"containers": [{"name": "nats", "securityContext": context}]}}
    assert reloader(template=template)["securityContext"] == {
        **LOCKED,
        "runAsUser": 7,
        "runAsNonRoot": True,
    }


def test_resources_are_the_reloaders_own() -> None:
    resources = {"limits": {"cpu": 1}}
    assert reloader(pod={"reloaderResources": resources})["resources"] == resources
    assert "resources" not in reloader()


def test_beside_a_store_the_reloader_tells_how_full_the_volume_is() -> None:
    """It is told by a variable, which images of others ignore, and does not mount the store."""
    found = reloader(jetstream={}, version="2.12.15")
    assert found["env"] == [{"name": "NATSCTL_STORE_DIR", "value": "/data"}]
    assert found["ports"] == [{"name": "volume", "containerPort": 7778, "protocol": "TCP"}]
    assert {"env", "ports"}.isdisjoint(reloader())


def test_metrics_are_exported_by_the_maintained_image_with_todays_flags() -> None:
    found = metrics()
    assert found["image"] == "natsio/prometheus-nats-exporter:0.20.1"
    assert found["args"] == [
        *("-connz", "-routez", "-subz", "-varz"),
        *("-gatewayz", "-leafz", "-healthz", "-use_internal_server_id"),
        "http://localhost:8222",
    ]
    assert found["ports"] == [{"name": "metrics", "containerPort": 7777, "protocol": "TCP"}]
    assert found["securityContext"] == LOCKED
    assert "command" not in found


@pytest.mark.parametrize(
    ("named", "image"),
    [
        (
            {"metricsImage": "synadia/prometheus-nats-exporter"},
            "synadia/prometheus-nats-exporter:0.2.2",
        ),
        ({"metricsImageTag": "0.6.2"}, "synadia/prometheus-nats-exporter:0.6.2"),
        ({"metricsImage": "my/exporter:1"}, "my/exporter:1"),
    ],
)
def test_an_exporter_that_the_spec_names_gets_the_flags_that_all_know(
    named: dict[str, Any], image: str
) -> None:
    found = metrics(pod=named)
    assert found["image"] == image
    assert found["args"] == ["-connz", "-routez", "-subz", "-varz", "http://localhost:8222"]


def test_prometheus_finds_them() -> None:
    cluster = target(pod={"enableMetrics": True, "annotations": {"prometheus.io/port": "1"}})
    annotations = pod(cluster, 1)["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == "7777"
    assert "prometheus.io/scrape" not in pod(target(), 1)["metadata"]["annotations"]


def test_metrics_are_read_over_https_where_that_is_all_there_is() -> None:
    secure = {"serverSecret": "s", "enableHttps": True}
    found = metrics(tls=secure)
    assert found["args"][-1] == "https://localhost:8222"
    mount = {"name": "server-tls-certs", "mountPath": "/etc/nats-server-tls-certs"}
    assert found["volumeMounts"] == [mount]
    assert found["env"] == [{"name": "SSL_CERT_FILE", "value": "/etc/nats-server-tls-certs/ca.pem"}]
    public = metrics(
        tls=secure, inputs=ConfigInputs(files={"clients": Files("tls.crt", "tls.key")})
    )
    assert "env" not in public


def test_the_nodes_address_is_found_before_the_server_starts() -> None:
    found = bootconfig()
    assert found["command"] == [
        "nats-pod-bootconfig",
        "-f",
        "/etc/nats-config/advertise/client_advertise.conf",
        "-gf",
        "/etc/nats-config/advertise/gateway_advertise.conf",
    ]
    node = {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert found["env"] == [{"name": "KUBERNETES_NODE_NAME", "valueFrom": node}]
    assert found["volumeMounts"] == [
        {"name": "advertiseconfig", "mountPath": "/etc/nats-config/advertise"}
    ]
    assert found["securityContext"] == LOCKED


def test_an_internal_address_if_asked_for() -> None:
    assert bootconfig(pod={"advertiseInternalIP": True})["command"][-1] == "-internal-ip"


ZONE = "topology.kubernetes.io/zone"
TAGS_OF_ZONE = [
    *("-tag-label", ZONE, "-start-file", "/etc/nats-config/advertise/server.conf"),
    *("-config", "/etc/nats-config/server.conf"),
]


def test_so_are_the_nodes_labels() -> None:
    tagged = container(target(serverTagsFromNode=[ZONE]), "bootconfig")
    assert tagged["command"] == ["nats-pod-bootconfig", "-no-address", *TAGS_OF_ZONE]
    assert tagged["volumeMounts"] == bootconfig()["volumeMounts"]
    both = bootconfig(serverTagsFromNode=[ZONE])["command"]
    assert both == [*bootconfig()["command"], *TAGS_OF_ZONE]
    two = bootconfig(serverTagsFromNode=[ZONE, "rack"])["command"]
    assert two[two.index(ZONE) + 1 :][:2] == ["-tag-label", "rack"]


def test_and_the_server_starts_with_what_comes_of_them() -> None:
    """Pods that were made before still find server.conf, which does not change."""
    plain, tagged = target(), target(serverTagsFromNode=[ZONE])
    assert spec_of(tagged)["containers"][0]["command"][:3] == [
        *("/nats-server", "-c", "/etc/nats-config/advertise/server.conf"),
    ]
    assert config_secret(tagged)["data"] == config_secret(plain)["data"]
    assert {"name": "advertiseconfig", "emptyDir": {}} in spec_of(tagged)["volumes"]


def test_which_takes_a_token_for_the_api_server() -> None:
    assert "automountServiceAccountToken" not in spec_of(target(pod={"advertiseExternalIP": True}))
    assert "automountServiceAccountToken" not in spec_of(target(serverTagsFromNode=[ZONE]))
    assert spec_of(target())["automountServiceAccountToken"] is False


OURS = Images(reloader="own/reloader:1", bootconfig="own/boot:2", metrics="own/metrics@sha256:3")


@pytest.mark.parametrize(
    ("given", "image"),
    [
        ({}, "own/reloader:1"),
        ({"reloaderImage": "my/r"}, "my/r:0.4.5-v1alpha2"),
        ({"reloaderImage": "host:5000/r"}, "host:5000/r:0.4.5-v1alpha2"),
        ({"reloaderImage": "my/r:7"}, "my/r:7"),
        ({"reloaderImage": "my/r@sha256:1"}, "my/r@sha256:1"),
        ({"reloaderImageTag": "0.6"}, "connecteverything/nats-server-config-reloader:0.6"),
        ({"reloaderImage": "my/r", "reloaderImageTag": "8"}, "my/r:8"),
    ],
)
def test_images_are_the_specs_or_the_operators(given: dict[str, Any], image: str) -> None:
    policy = {"enableConfigReload": True, "advertiseExternalIP": True, **given}
    base = target(pod=policy)
    cluster = Target(base.namespace, base.name, base.uid, base.spec, base.version, images=OURS)
    assert container(cluster, "reloader")["image"] == image
    assert container(cluster, "bootconfig")["image"] == "own/boot:2"


def test_images_are_the_older_operators_unless_the_new_one_has_its_own() -> None:
    assert reloader()["image"] == "connecteverything/nats-server-config-reloader:0.4.5-v1alpha2"
    assert bootconfig()["image"] == "connecteverything/nats-boot-config:0.5.2"
    assert bootconfig(pod={"bootconfigImage": "b"})["image"] == "b:0.5.2"


def test_images_are_pulled_as_the_spec_says() -> None:
    policy = {"reloaderImagePullPolicy": "Always", "metricsImagePullPolicy": "Never"}
    assert reloader(pod=policy)["imagePullPolicy"] == "Always"
    assert metrics(pod=policy)["imagePullPolicy"] == "Never"
    assert reloader()["imagePullPolicy"] == metrics()["imagePullPolicy"] == "IfNotPresent"
