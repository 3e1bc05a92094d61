"""What is acted on as it stands, and may surprise."""

from typing import Any

import pytest

from natsctl.api.checks.remarks import remarks
from natsctl.api.parse import parse_spec

LOW = {"websocketConfig": {"port": 443, "no_tls": True}}
BIND = {"capabilities": {"add": ["NET_BIND_SERVICE"]}}


def said(**spec: Any) -> list[str]:
    return [str(remark) for remark in remarks(parse_spec({"size": 1, **spec}))]


def template(**pod: Any) -> dict[str, Any]:
    return {"template": {"spec": pod}}


def test_a_plain_cluster_needs_no_words() -> None:
    assert said() == []


class TestGrace:
    def test_shorter_than_the_lame_duck_period(self) -> None:
        (remark,) = said(lameDuckDurationSeconds=60, **template(terminationGracePeriodSeconds=30))
        assert remark.startswith("spec.template.spec.terminationGracePeriodSeconds: is 30, so")
        assert "use 90 or more" in remark

    def test_the_usual_period_counts_too(self) -> None:
        assert "use 150 or more" in said(**template(terminationGracePeriodSeconds=60))[0]

    @pytest.mark.parametrize("seconds", [150, None])
    def test_long_enough(self, seconds: int | None) -> None:
        assert said(**template(terminationGracePeriodSeconds=seconds)) == []


class TestLowPorts:
    def test_in_the_pods_own_network(self) -> None:
        assert said(**LOW) == []

    def test_on_the_nodes_network(self) -> None:
        (remark,) = said(**LOW, **template(hostNetwork=True))
        assert remark.startswith("spec.websocketConfig.port: is 443, which")

    @pytest.mark.parametrize(
        "pod",
        [
            {"containers": [{"name": "nats", "securityContext": {"runAsUser": 0, **BIND}}]},
            {"securityContext": {"runAsUser": 0}, "containers": [{"securityContext": BIND}]},
            {"containers": [{"name": "nats", "securityContext": {"privileged": True}}]},
        ],
    )
    def test_as_somebody_who_may(self, pod: dict[str, Any]) -> None:
        assert said(**LOW, **template(hostNetwork=True, **pod)) == []

    def test_as_root_without_the_capability(self) -> None:
        pod = {"securityContext": {"runAsUser": 0}, "hostNetwork": True}
        assert len(said(**LOW, **template(**pod))) == 1


class TestAddress:
    def test_clients_are_not_told_of_a_closed_port(self) -> None:
        (remark,) = said(pod={"advertiseExternalIP": True})
        assert "set spec.pod.enableClientsHostPort" in remark

    @pytest.mark.parametrize("block", ["gatewayConfig", "leafnodeConfig"])
    def test_other_servers_are(self, block: str) -> None:
        assert said(pod={"advertiseExternalIP": True}, **{block: {"hostPort": 7522}}) == []

    def test_of_an_open_one_they_are(self) -> None:
        assert said(pod={"advertiseExternalIP": True, "enableClientsHostPort": True}) == []
        assert said(pod={"advertiseExternalIP": True}, **template(hostNetwork=True)) == []


class TestJetStream:
    @pytest.mark.parametrize("size", [0, 1, 3, 5])
    def test_odd_sizes_are_good(self, size: int) -> None:
        assert said(size=size, jetstream={}) == []

    def test_of_two_servers_neither_may_be_missing(self) -> None:
        assert said(size=2, jetstream={}) == [
            "spec.size: is 2, so neither server may be missing: JetStream needs a majority, "
            "and stops during each restart; use 3 servers"
        ]

    def test_of_four_no_more_than_of_three(self) -> None:
        assert said(size=4, jetstream={}) == [
            "spec.size: is 4, which tolerates the loss of no more servers than 3: JetStream needs "
            "a majority; use 3 or 5 servers"
        ]

    def test_without_streams_any_size_is_good(self) -> None:
        assert said(size=2) == said(size=4) == []

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("spec.operatorConfig", {"operatorConfig": {"secret": "s", "systemAccount": "A"}}),
            ("spec.auth.clientsAuthFile", {"auth": {"clientsAuthFile": "users.json"}}),
            ("spec.auth.tlsVerifyAndMap", {"auth": {"tlsVerifyAndMap": True}}),
        ],
    )
    def test_without_a_user_natsctl_moves_nothing(self, path: str, fields: dict[str, Any]) -> None:
        (remark,) = said(jetstream={}, **fields)
        assert remark.startswith(f"{path}: leaves natsctl without a user in the system account")
        assert said(**fields) == []

    def test_claims_are_kept_only_where_there_are_any(self) -> None:
        policy = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
        (remark,) = said(**policy)
        assert "has no effect without spec.jetstream" in remark
        assert said(jetstream={}, **policy) == []

    def test_leaf_nodes_tell_streams_of_both_sides_apart_by_the_domain(self) -> None:
        leaf = {"leafnodeConfig": {"hostPort": 7422}}
        (remark,) = said(jetstream={}, **leaf)
        assert remark.startswith("spec.jetstream.domain: is not set: to reach the streams of the")
        assert said(jetstream={"domain": "hub"}, **leaf) == []
        assert said(**leaf) == []
