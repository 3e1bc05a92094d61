"""What servers with JetStream could not run, would lose data with, or would stand still with."""

from typing import Any

import pytest
from hypothesis import given

from natsctl.api.checks.jetstream import jetstream_problems
from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.api.release import meant_version
from natsctl.api.version import ServerVersion
from tests.unit.api.strategies import JETSTREAM_VERSIONS, jetstream_specs, valid_specs

LIMITED = {"resources": {"limits": {"memory": "1000Mi"}}}


def said(jetstream: Any = None, **fields: Any) -> list[str]:
    """What the checks of JetStream say."""
    spec = parse_spec({"size": 3, "jetstream": jetstream or {}, **fields})
    return [str(p) for p in jetstream_problems(spec, meant_version(spec))]


def files(**store: Any) -> list[str]:
    return said({"fileStore": store})


def memory(size: str, **fields: Any) -> list[str]:
    return said({"memoryStore": {"maxSize": size}}, **fields)


def container(**fields: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"name": "a"}, {"name": "nats", **fields}]}}}


def test_a_plain_spec_is_good() -> None:
    assert said() == []
    assert said({"fileStore": {"pvc": {"size": "20Gi"}}, "domain": "hub"}) == []


@given(jetstream_specs())
def test_good_specs_have_no_problem(raw: dict[str, Any]) -> None:
    assert validate("c", parse_spec(raw)) == ()


@given(valid_specs(JETSTREAM_VERSIONS))
def test_specs_without_it_hear_nothing_of_it(raw: dict[str, Any]) -> None:
    spec = parse_spec(raw)
    assert list(jetstream_problems(spec, meant_version(spec))) == []


class TestVersion:
    @pytest.mark.parametrize("version", ["2.0.0", "2.8.4"])
    def test_old_releases_have_none(self, version: str) -> None:
        assert said(version=version) == [
            f"spec.jetstream: requires nats-server 2.9.0 or later, not {version}; use a later "
            "version"
        ]

    @pytest.mark.parametrize("version", ["2.9.25", "2.15.3", "nightly"])
    def test_others_have(self, version: str) -> None:
        assert said(version=version) == []

    def test_what_nobody_knows_is_not_taken_for_the_newest(self) -> None:
        (problem,) = said(version="latest")
        assert problem == (
            "spec.jetstream: requires a known release of nats-server, which the tag 'latest' does "
            "not identify; set spec.serverVersion to the release in the image"
        )
        assert said(version="latest", serverVersion="2.14.10") == []

    def test_what_the_servers_tell_counts(self) -> None:
        spec = parse_spec({"size": 3, "version": "latest", "jetstream": {}})
        told = ServerVersion.of_release("latest", "2.14.10")
        assert list(jetstream_problems(spec, told)) == []


class TestSizes:
    @pytest.mark.parametrize("size", ["0", "0Gi"])
    def test_nothing_has_no_size(self, size: str) -> None:
        expected = f"is '{size}'; use more than 0"
        assert files(pvc={"size": size}) == [f"spec.jetstream.fileStore.pvc.size: {expected}"]
        assert files(maxSize=size) == [f"spec.jetstream.fileStore.maxSize: {expected}"]
        assert memory(size) == [f"spec.jetstream.memoryStore.maxSize: {expected}"]

    def test_an_empty_text_is_no_size(self) -> None:
        (problem,) = files(pvc={"size": ""})
        assert problem.startswith('spec.jetstream.fileStore.pvc.size: "" is not a valid quantity')

    def test_nor_is_what_kubernetes_cannot_hold(self) -> None:
        (problem,) = files(pvc={"size": "9000E"})
        assert problem.startswith("spec.jetstream.fileStore.pvc.size: ")

    @pytest.mark.parametrize("limit", ["7.5Gi", "1Mi", "8053063680"])
    def test_a_limit_leaves_space_on_the_volume(self, limit: str) -> None:
        assert files(pvc={"size": "10Gi"}, maxSize=limit) == []

    @pytest.mark.parametrize("limit", ["10Gi", "7681Mi"])
    def test_one_that_does_not(self, limit: str) -> None:
        """Users of the Helm chart have such: its limit is the size of the volume."""
        assert files(pvc={"size": "10Gi"}, maxSize=limit) == [
            f"spec.jetstream.fileStore.maxSize: is {limit}, more than 75 % of the volume (10Gi); "
            "servers need more space than they count, and a full disk stops JetStream: "
            "use 7680Mi or less, or a larger volume"
        ]

    def test_of_a_tiny_volume(self) -> None:
        assert "use 750 or less" in files(pvc={"size": "1000"}, maxSize="1000")[0]


class TestMemory:
    @pytest.mark.parametrize(
        "fields", [{"pod": LIMITED}, container(**LIMITED), {"pod": LIMITED} | container()]
    )
    def test_streams_in_memory_fit_into_the_container(self, fields: dict[str, Any]) -> None:
        assert memory("900Mi", **fields) == []
        assert memory("901Mi", **fields) == [
            "spec.jetstream.memoryStore.maxSize: is 901Mi, more than 90 % of the memory that the "
            "server container may use (1000Mi); use 900Mi or less, or raise the limit"
        ]

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"pod": {"resources": {"limits": {"cpu": 1}}}},
            {"pod": {"resources": {"limits": {"memory": "lots"}}}},
            container(resources="odd"),
            container(resources={"limits": "odd"}),
            {"template": {"spec": {"containers": "odd"}}},
            {"template": {"spec": "odd"}},
        ],
    )
    def test_without_a_limit_anything_may(self, fields: dict[str, Any]) -> None:
        """What has no shape is told elsewhere."""
        assert memory("900Gi", **fields) == []


class TestNames:
    @pytest.mark.parametrize("domain", ["ACK", "FC", "SNAPSHOT", "EVENT"])
    def test_some_domains_are_the_servers_own(self, domain: str) -> None:
        assert said({"domain": domain}) == [
            f"spec.jetstream.domain: '{domain}' is reserved by nats-server; use another name"
        ]

    def test_a_unique_tag_comes_from_the_node(self) -> None:
        (problem,) = said({"uniqueTag": "zone:"})
        assert problem.startswith("spec.jetstream.uniqueTag: no server has a tag with this prefix")
        assert said({"uniqueTag": "zone:"}, serverTagsFromNode=["example.com/zone"]) == []

    def test_a_key_is_in_a_secret(self) -> None:
        assert said({"encryption": {"secret": ""}}) == [
            "spec.jetstream.encryption.secret: is required; set it to the name of the Secret with "
            "the key"
        ]
        assert said({"encryption": {"secret": "s", "key": "k"}}) == []

    def test_there_are_two_ciphers(self) -> None:
        spec = parse_spec(
            {"size": 3, "jetstream": {"encryption": {"secret": "s", "cipher": "rot13"}}}
        )
        told = [str(p) for p in validate("c", spec)]
        assert told == ["spec.jetstream.encryption.cipher: is 'rot13'; use one of chacha, aes"]


class TestDurations:
    @pytest.mark.parametrize("interval", ["always", "2m", "0", ""])
    def test_how_often_disks_are_synced(self, interval: str) -> None:
        assert said({"syncInterval": interval}) == []

    def test_from_some_release_on(self) -> None:
        assert said({"syncInterval": "always"}, version="2.9.25") == [
            "spec.jetstream.syncInterval: nats-server 2.9.25 does not support it; omit "
            "syncInterval, or use version 2.10.0 or later"
        ]

    def test_never_is_no_duration(self) -> None:
        (problem,) = said({"syncInterval": "never"})
        assert problem.startswith("spec.jetstream.syncInterval: 'never' is not a valid duration")

    @pytest.mark.parametrize(("window", "good"), [("100ms", True), ("99ms", False), ("0", False)])
    def test_no_stream_has_a_shorter_window(self, window: str, good: bool) -> None:
        found = said({"limits": {"duplicateWindow": window}})
        wrong = f"spec.jetstream.limits.duplicateWindow: is '{window}'; use 100ms or more, or "
        assert found == ([] if good else [f"{wrong}omit it"])


class TestLinks:
    def test_gateways_would_make_one_jetstream_of_two(self) -> None:
        (problem,) = said(gatewayConfig={"name": "g", "hostPort": 7522})
        assert problem == (
            "spec.gatewayConfig: cannot be used together with spec.jetstream: gateways make one "
            "JetStream of both sides, and one of them loses its streams; use spec.leafnodeConfig, "
            "with a different spec.jetstream.domain on each side"
        )

    def test_so_would_routes(self) -> None:
        (problem,) = said(extraRoutes=[{"cluster": "other"}])
        assert problem.startswith("spec.extraRoutes: cannot be used together with spec.jetstream")

    def test_leaf_nodes_do_not(self) -> None:
        assert (
            said({"domain": "leaf"}, leafnodeConfig={"remotes": [{"url": "nats://h:7422"}]}) == []
        )

    def test_streams_are_stored_under_the_name_of_the_system_account(self) -> None:
        (problem,) = said(operatorConfig={"secret": "s"})
        assert problem.startswith("spec.operatorConfig.systemAccount: is required with")
        assert said(operatorConfig={"secret": "s", "systemAccount": "A"}) == []


class TestMounts:
    @pytest.mark.parametrize(
        "path",
        [
            *("/data", "/data/", "/data/.", "//data", "/data/jetstream", "/data/../data/x"),
            *("//data/jetstream", "/etc/nats-config/server.conf", "/etc/nats-config/..data"),
        ],
    )
    def test_nothing_is_mounted_over_store_or_configuration(self, path: str) -> None:
        mounts = [{"name": "v", "mountPath": path}]
        spec = parse_spec({"size": 3, "jetstream": {}, "pod": {"volumeMounts": mounts}})
        (problem,) = validate("c", spec)
        assert str(problem) == (
            f"spec.pod.volumeMounts[0].mountPath: {path} is reserved for the operator; use another "
            "mount path"
        )

    @pytest.mark.parametrize("path", ["/database", "/var/data"])
    def test_elsewhere_anything_may_be(self, path: str) -> None:
        mounts = [{"name": "v", "mountPath": path}]
        spec = parse_spec({"size": 3, "jetstream": {}, "pod": {"volumeMounts": mounts}})
        assert validate("c", spec) == ()

    def test_without_jetstream_there_too(self) -> None:
        paths = ("/data/jetstream", "/etc/nats-config/extra.conf")
        mounts = [{"name": "v", "mountPath": path} for path in paths]
        spec = parse_spec({"size": 3, "pod": {"volumeMounts": mounts}})
        assert list(validate("c", spec)) == []
