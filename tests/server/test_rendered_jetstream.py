"""Every server line with JetStream accepts what is rendered for it, and has every limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from natsctl.api.checks.validate import validate
from natsctl.render.config.jetstream import jetstream_block
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.server import servers
from tests.server.layout import below
from tests.unit.render.targets import target

pytestmark = pytest.mark.server

MI = 2**20
SPECS: dict[str, dict[str, Any]] = {
    "plain": {"jetstream": {}},
    "single": {"size": 1, "jetstream": {}},
    "sizes": {
        "jetstream": {
            "fileStore": {"pvc": {"size": "100Mi"}, "maxSize": "60Mi"},
            "memoryStore": {"maxSize": "10Mi"},
        }
    },
    "memory": {"jetstream": {"memoryStore": {"maxSize": "10Mi"}}},
    "domain": {"jetstream": {"domain": "hub"}, "serverTags": ["zone:a"]},
    "limits": {
        "jetstream": {
            "limits": {
                "maxAckPending": 100,
                "maxHaAssets": 10,
                "maxRequestBatch": 5,
                "duplicateWindow": "1m",
            }
        }
    },
}
TAGGED: dict[str, Any] = {
    "jetstream": {"uniqueTag": "zone:"},
    "serverTags": ["fast"],
    "serverTagsFromNode": ["topology.kubernetes.io/zone", "rack"],
}
STORING = tuple(v for v in servers.VERSIONS if tuple(map(int, v.split("."))) >= (2, 9))
VERSIONS = pytest.mark.parametrize("version", STORING)
KINDS = pytest.mark.parametrize("kind", SPECS)


def rendered(version: str, kind: str) -> Target:
    cluster = target(version=version, **SPECS[kind])
    assert validate("c", cluster.spec) == ()
    return cluster


@VERSIONS
@KINDS
def test_a_server_starts_and_takes_over_every_limit(
    version: str, kind: str, tmp_path: Path
) -> None:
    cluster = rendered(version, kind)
    with servers.running(cluster, 1, tmp_path, servers.NOBODY) as server:
        config = server.ask("/jsz")["config"]
    block = jetstream_block(cluster)
    assert config["max_storage"] == block["max_file_store"]
    assert config.get("max_memory", 0) == block["max_memory_store"]
    assert config.get("domain") == block.get("domain")
    assert config["store_dir"] == str(below(tmp_path, "/data/jetstream"))


@VERSIONS
def test_it_has_the_tags_of_all_servers_and_those_of_its_node(version: str, tmp_path: Path) -> None:
    with servers.running(target(version=version, **TAGGED), 1, tmp_path, servers.NOBODY) as server:
        assert set(server.ask("/varz")["tags"]) == {"fast", "zone:eu-1", "rack:eu-1"}
        told = server.ask("/jsz")["config"].get("unique_tag")
    assert told == (None if version.startswith("2.9.") else "zone:")


@VERSIONS
@pytest.mark.parametrize("kind", ["plain", "single"])
def test_probes_answer_that_it_starts_and_lives(version: str, kind: str, tmp_path: Path) -> None:
    """Alone, one of three has no meta leader: it is alive and has started all the same."""
    cluster = rendered(version, kind)
    container = pod(cluster, 1)["spec"]["containers"][0]
    paths = [container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe")]
    with servers.running(cluster, 1, tmp_path, servers.NOBODY) as server:
        assert [server.status(path) for path in paths] == [200, 200]
        ready = container["readinessProbe"]["httpGet"]["path"]
        assert kind != "single" or servers.wait_for(lambda: server.status(ready) == 200)
