"""Clusters with JetStream as users write them: good and complete."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from natsctl.api.checks.remarks import remarks
from natsctl.api.checks.unknown_fields import unknown_fields
from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.render.config.boot import boot_text
from natsctl.render.config.jetstream import jetstream_block
from natsctl.render.inputs import ConfigInputs
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.unit.render.targets import target

GI = 2**30
ROOT = Path(__file__).resolve().parents[3]
FILES = {path.stem: path for path in (ROOT / "examples").glob("jetstream*.yaml")}
EXAMPLES = sorted(FILES)


def example(name: str) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(FILES[name].read_text())
    return manifest


def made(name: str) -> Target:
    manifest = example(name)
    inputs = ConfigInputs(jetstream_key="k3y" if "encrypted" in name else "")
    return target(manifest["metadata"]["name"], inputs=inputs, **manifest["spec"])


def test_there_are_some() -> None:
    assert EXAMPLES == ["jetstream", "jetstream-encrypted", "jetstream-memory", "jetstream-zones"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_is_wrong_with_it(name: str) -> None:
    manifest = example(name)
    spec = parse_spec(manifest["spec"])
    assert validate(manifest["metadata"]["name"], spec) == ()
    assert unknown_fields(manifest["spec"]) == ()
    assert list(remarks(spec)) == []


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("jetstream", {"max_file_store": 7 * GI, "max_memory_store": 0}),
        (
            "jetstream-encrypted",
            {"max_file_store": 14 * GI, "max_memory_store": 0, "cipher": "aes", "key": "k3y"},
        ),
        (
            "jetstream-zones",
            {"max_file_store": 7 * GI, "max_memory_store": 0, "unique_tag": "zone:"},
        ),
        (
            "jetstream-memory",
            {
                "max_file_store": 0,
                "max_memory_store": GI,
                "limits": {"max_ha_assets": 500, "duplicate_window": "5m"},
            },
        ),
    ],
)
def test_servers_are_told(name: str, block: dict[str, Any]) -> None:
    assert jetstream_block(made(name)) == block
    assert "store_dir: $JETSTREAM_DIR" in boot_text(made(name))


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_server_has_a_volume(name: str) -> None:
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for index in (1, 2, 3)
        for volume in pod(made(name), index)["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert claims == [f"js-example-{name}-{index}" for index in (1, 2, 3)]


def test_streams_in_memory_leave_the_rest_of_it_to_the_server() -> None:
    (server, *_) = pod(made("jetstream-memory"), 1)["spec"]["containers"]
    assert {"name": "GOMEMLIMIT", "value": str(2 * GI * 9 // 10)} in server["env"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_first_lines_name_the_feature_gate(name: str) -> None:
    head = FILES[name].read_text().partition("apiVersion:")[0]
    assert "feature gate JetStream (alpha; chart value featureGates.jetStream)" in head


def test_servers_are_in_different_zones() -> None:
    server = pod(made("jetstream-zones"), 2)
    (spread,) = server["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["maxSkew"]) == ("topology.kubernetes.io/zone", 1)
    labels = server["metadata"]["labels"].items()
    assert spread["labelSelector"]["matchLabels"].items() <= labels
