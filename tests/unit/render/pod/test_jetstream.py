"""What a pod has for JetStream: a volume, where it is, patience, and nothing without it."""

from typing import Any

import pytest
from hypothesis import given

from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.unit.render.targets import JETSTREAM_TARGETS, TARGETS, target

LIMITED = {"resources": {"limits": {"memory": "1000Mi"}}}


def spec_of(index: int = 1, jetstream: Any = None, **fields: Any) -> dict[str, Any]:
    cluster = target(jetstream={} if jetstream is None else jetstream, **fields)
    spec: dict[str, Any] = pod(cluster, index)["spec"]
    return spec


def server(**fields: Any) -> dict[str, Any]:
    first: dict[str, Any] = spec_of(**fields)["containers"][0]
    return first


def environment(**fields: Any) -> dict[str, Any]:
    return {v["name"]: v.get("value", v.get("valueFrom")) for v in server(**fields)["env"]}


class TestVolume:
    def test_each_server_has_its_own(self) -> None:
        (own,) = (v for v in spec_of(index=2)["volumes"] if v["name"] == "jetstream")
        assert own == {"name": "jetstream", "persistentVolumeClaim": {"claimName": "js-c-2"}}

    def test_it_is_where_the_server_looks_for_it(self) -> None:
        assert {"name": "jetstream", "mountPath": "/data"} in server()["volumeMounts"]
        assert environment()["JETSTREAM_DIR"] == '"/data"'

    def test_users_cannot_say_that_it_is_elsewhere(self) -> None:
        """Of a variable that is there twice the last one counts."""
        own = {"natsEnv": [{"name": "JETSTREAM_DIR", "value": "/x"}]}
        assert environment(pod=own)["JETSTREAM_DIR"] == '"/data"'

    def test_no_sidecar_sees_it(self) -> None:
        containers = spec_of(pod={"enableConfigReload": True, "enableMetrics": True})["containers"]
        having = [
            c["name"]
            for c in containers
            if any(m["name"] == "jetstream" for m in c.get("volumeMounts", ()))
        ]
        assert having == ["nats"]

    def test_a_server_that_is_not_root_may_write(self) -> None:
        security = spec_of()["securityContext"]
        assert security["fsGroup"] == security["runAsGroup"] == 1000

    def test_the_owner_of_a_large_store_is_not_set_file_by_file_at_each_start(self) -> None:
        assert spec_of()["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
        own = {"spec": {"securityContext": {"fsGroupChangePolicy": "Always"}}}
        assert spec_of(template=own)["securityContext"]["fsGroupChangePolicy"] == "Always"


class TestMemory:
    def test_garbage_is_collected_before_the_limit_of_the_container(self) -> None:
        assert environment(pod=LIMITED)["GOMEMLIMIT"] == str(900 * 2**20)

    def test_also_if_the_template_has_it(self) -> None:
        template = {"spec": {"containers": [{"name": "nats", **LIMITED}]}}
        assert environment(template=template)["GOMEMLIMIT"] == str(900 * 2**20)

    def test_what_the_user_says_of_it_counts(self) -> None:
        own = LIMITED | {"natsEnv": [{"name": "GOMEMLIMIT", "value": "1GiB"}]}
        names = [v["name"] for v in server(pod=own)["env"]]
        assert environment(pod=own)["GOMEMLIMIT"] == "1GiB"
        assert names.count("GOMEMLIMIT") == 1

    def test_without_a_limit_there_is_none(self) -> None:
        assert "GOMEMLIMIT" not in environment()


class TestProbes:
    def test_a_server_that_recovers_is_given_half_an_hour(self) -> None:
        probe = server()["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] >= 1800
        assert probe["httpGet"]["path"] == "/varz"

    def test_no_probe_restarts_it_for_its_streams(self) -> None:
        assert server()["livenessProbe"]["httpGet"]["path"] == "/"

    @pytest.mark.parametrize(
        ("version", "path"),
        [
            ("2.9.25", "/healthz?js-enabled-only=true"),
            ("2.10.29", "/healthz?js-enabled-only=true"),
            ("2.11.17", "/healthz?js-server-only=true"),
            ("2.15.3", "/healthz?js-server-only=true"),
        ],
    )
    def test_one_broken_stream_keeps_no_client_away(self, version: str, path: str) -> None:
        assert server(version=version)["readinessProbe"]["httpGet"]["path"] == path

    def test_there_is_time_to_hand_over(self) -> None:
        assert spec_of()["terminationGracePeriodSeconds"] >= 120


def test_a_single_server_is_told_nothing_of_a_cluster() -> None:
    assert server(size=1)["command"] == [
        "/nats-server",
        "-c",
        "/etc/nats-config/server.conf",
        "-P",
        "/var/run/nats/nats.pid",
    ]
    assert "--cluster_advertise" in server(size=3)["command"]


def test_the_sidecar_reloads_changed_limits() -> None:
    sidecar = spec_of(pod={"enableConfigReload": True})["containers"][1]
    assert "/etc/nats-config/jetstream.json" in sidecar["command"]


@given(TARGETS)
def test_pods_of_others_have_nothing_of_it(cluster: Target) -> None:
    made = pod(cluster, 1)["spec"]
    assert "jetstream" not in {v["name"] for v in made["volumes"]}
    assert "fsGroupChangePolicy" not in made["securityContext"]
    assert made["containers"][0]["env"][-1]["name"] != "JETSTREAM_DIR"


@given(JETSTREAM_TARGETS)
def test_pods_with_it_have_all_of_it(cluster: Target) -> None:
    made = pod(cluster, 1)["spec"]
    claims = [v["persistentVolumeClaim"] for v in made["volumes"] if "persistentVolumeClaim" in v]
    assert claims == [{"claimName": "js-c-1"}]
    names = [v["name"] for v in made["containers"][0]["env"]]
    assert names[-1] == "JETSTREAM_DIR"
