"""JetStream in the configuration: a block of its own that only pods with a volume can read."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given

from natsctl.api.types.jetstream import JetStream
from natsctl.render.config.boot import boot_text, common_lines
from natsctl.render.config.conf import server_config
from natsctl.render.config.jetstream import (
    file_limit,
    is_standalone,
    jetstream_block,
    jetstream_files,
)
from natsctl.render.config.standalone_conf import complete_text
from natsctl.render.config.system_account import may_have_jetstream
from natsctl.render.digest import config_digest, expected_digests
from natsctl.render.inputs import ConfigInputs
from natsctl.render.objects.secret import config_secret
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.unit.render.targets import JETSTREAM_TARGETS, TARGETS, target

GI = 2**30
MEMORY = {"memoryStore": {"maxSize": "1Gi"}}
KEY = {"encryption": {"secret": "js-key"}}


def block(jetstream: Any, **fields: Any) -> dict[str, Any]:
    return jetstream_block(target(jetstream=jetstream, **fields))


def limit(cluster: Target) -> int:
    return file_limit(cluster, cluster.spec.jetstream or JetStream())


class TestLimits:
    def test_both_are_always_told_in_bytes(self) -> None:
        """Otherwise servers make up their own: of the disk of the node, and of its memory."""
        assert block({}) == {"max_file_store": 7 * GI, "max_memory_store": 0}
        assert block(MEMORY | {"fileStore": {}})["max_memory_store"] == GI

    def test_of_streams_on_disk(self) -> None:
        assert block({"fileStore": {"pvc": {"size": "20Gi"}}})["max_file_store"] == 14 * GI
        assert block({"fileStore": {"maxSize": "1.5G"}})["max_file_store"] == 1_500_000_000

    def test_without_streams_on_disk(self) -> None:
        assert block(MEMORY) == {"max_file_store": 0, "max_memory_store": GI}

    def test_a_smaller_volume_than_the_spec_asks_for_counts(self) -> None:
        known = target(jetstream={}, inputs=ConfigInputs(capacity=5 * GI))
        assert limit(known) == 5 * GI * 7 // 10

    def test_no_limit_is_raised_before_all_volumes_have_grown(self) -> None:
        own = {"fileStore": {"pvc": {"size": "20Gi"}, "maxSize": "15Gi"}}
        growing = target(jetstream=own, inputs=ConfigInputs(capacity=10 * GI))
        grown = target(jetstream=own, inputs=ConfigInputs(capacity=20 * GI))
        assert limit(growing) == 10 * GI * 3 // 4
        assert limit(grown) == 15 * GI

    def test_that_stay_are_those_that_servers_have(self) -> None:
        spec = {"fileStore": {"maxSize": "3Gi"}, **MEMORY}
        kept = target(jetstream=spec, inputs=ConfigInputs(kept_file=7 * GI, kept_memory=2 * GI))
        assert jetstream_block(kept) == {
            "max_file_store": 7 * GI,
            "max_memory_store": 2 * GI,
        }
        lower = target(jetstream=spec, inputs=ConfigInputs(kept_file=GI, kept_memory=GI // 2))
        assert jetstream_block(lower) == jetstream_block(target(jetstream=spec))

    def test_by_default_are_those_of_the_oldest_server(self) -> None:
        mixed = target(jetstream={}, version="2.10.29", inputs=ConfigInputs(share=15))
        assert limit(mixed) == 10 * GI * 15 // 100

    def test_a_larger_volume_than_the_spec_asks_for_raises_none(self) -> None:
        assert limit(target(jetstream={}, inputs=ConfigInputs(capacity=12 * GI))) == 7 * GI

    @pytest.mark.parametrize(
        ("version", "share"), [("2.9.25", 15), ("2.10.29", 70), ("nightly", 70)]
    )
    def test_a_disk_never_gets_full(self, version: str, share: int) -> None:
        """2.9 has up to 5.2 times on disk of what it counts."""
        assert limit(target(jetstream={}, version=version)) == 10 * GI * share // 100


def test_all_that_a_spec_may_say() -> None:
    everything = {
        "domain": "hub",
        "uniqueTag": "zone:",
        "syncInterval": "2m",
        "encryption": {"secret": "s", "cipher": "aes"},
        "limits": {
            "maxAckPending": 1,
            "maxHaAssets": 2,
            "maxRequestBatch": 3,
            "duplicateWindow": "4m",
        },
    }
    assert block(everything) == {
        "max_file_store": 7 * GI,
        "max_memory_store": 0,
        "domain": "hub",
        "unique_tag": "zone:",
        "sync_interval": "2m",
        "cipher": "aes",
        "limits": {
            "max_ack_pending": 1,
            "max_ha_assets": 2,
            "max_request_batch": 3,
            "duplicate_window": "4m",
        },
    }


class TestFiles:
    def test_only_a_pod_knows_where_its_store_is(self) -> None:
        """A server without the variable refuses the configuration, and goes on without streams."""
        assert boot_text(target(jetstream={})).endswith(
            'include "nats.conf"\n'
            "jetstream {\n"
            'include "jetstream.json"\n'
            "store_dir: $JETSTREAM_DIR\n"
            "}\n"
        )

    def test_the_key_is_where_only_servers_look(self) -> None:
        cluster = target(jetstream=KEY, inputs=ConfigInputs(jetstream_key='s3cr"et'))
        assert jetstream_block(cluster)["key"] == 's3cr"et'
        assert "s3cr" not in boot_text(cluster) + repr(cluster)
        assert "s3cr" not in json.dumps(pod(cluster, 1))

    def test_they_are_in_the_secret(self) -> None:
        assert set(config_secret(target(jetstream={}))["data"]) == {
            "nats.conf",
            "server.conf",
            "jetstream.json",
        }
        assert "jetstream" not in server_config(target(jetstream={}))

    @given(TARGETS)
    def test_without_jetstream_there_is_nothing_of_it(self, cluster: Target) -> None:
        assert jetstream_files(cluster) == {}
        assert jetstream_block(cluster) == {}
        assert "jetstream" not in boot_text(cluster)
        assert "jetstream.json" not in config_secret(cluster)["data"]
        assert not is_standalone(cluster.spec)

    @given(JETSTREAM_TARGETS)
    def test_with_it_the_store_is_limited_and_has_a_place(self, cluster: Target) -> None:
        made = jetstream_block(cluster)
        assert type(made["max_file_store"]) is int
        assert type(made["max_memory_store"]) is int
        assert boot_text(cluster).count("store_dir: $JETSTREAM_DIR") == 1
        assert "jetstream.json" in config_secret(cluster)["data"]

    def test_pods_of_the_go_operator_have_no_volume(self) -> None:
        cluster = attrs.evolve(target(jetstream={}), kept={1: "c-1"})
        assert "jetstream" not in complete_text(cluster)
        assert "jetstream" not in "".join(common_lines(cluster))


class TestStandalone:
    def test_one_server_has_no_cluster(self) -> None:
        """With one around it, it would wait for others to choose a leader with, for ever."""
        alone = target(size=1, jetstream={})
        assert is_standalone(alone.spec)
        assert "cluster" not in server_config(alone)

    @pytest.mark.parametrize("size", [0, 2, 3])
    def test_several_have(self, size: int) -> None:
        assert "cluster" in server_config(target(size=size, jetstream={}))

    def test_so_has_one_without_streams(self) -> None:
        assert "cluster" in server_config(target(size=1))


class TestDigest:
    def test_servers_report_where_their_store_is(self) -> None:
        cluster = target(jetstream={"domain": "hub"})
        whole = {
            **server_config(cluster),
            "server_name": "n",
            "jetstream": {**jetstream_block(cluster), "store_dir": "/data"},
        }
        assert expected_digests(cluster)("n") == config_digest(whole)

    def test_its_key_is_part_of_it(self) -> None:
        one, other = (
            expected_digests(target(jetstream=KEY, inputs=ConfigInputs(jetstream_key=key)))("n")
            for key in ("a", "b")
        )
        assert None not in (one, other)
        assert one != other


def test_the_name_of_the_system_account_is_kept() -> None:
    """What streams there are is stored under it."""
    assert may_have_jetstream(target(jetstream={}).spec)
    assert not may_have_jetstream(target().spec)
