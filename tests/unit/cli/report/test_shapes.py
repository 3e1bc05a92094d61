"""What a report may show is listed, and the list is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from natsctl.api.schema.crds import crds
from natsctl.cli.report.collector import SHAPES
from natsctl.cli.report.redact import Redactor
from natsctl.cli.report.shapes import (
    NAME,
    NUMBER,
    QUANTITY,
    TIME,
    Each,
    Fields,
    Many,
    Shape,
    paths,
    visible,
)
from natsctl.cli.report.shown_clusters import CLUSTER, ROLE
from natsctl.cli.report.shown_objects import EVENT, LEASE, SECRET
from natsctl.cli.report.shown_values import (
    SHOWN_ANNOTATIONS,
    SHOWN_FLAGS,
    SHOWN_LABELS,
    SHOWN_VARIABLES,
)
from natsctl.model.bound_tokens import EXPIRES, RENEW_AFTER, SWITCH_AT
from tests.integration.test_report_fields import ALL

eyes = Redactor(b"key")
DOCUMENT = Path(__file__).parents[4] / "docs" / "commands.md"


@pytest.mark.parametrize(
    "name",
    sorted(
        (SHOWN_ANNOTATIONS - {EXPIRES, RENEW_AFTER, SWITCH_AT})
        | SHOWN_FLAGS
        | SHOWN_LABELS
        | SHOWN_VARIABLES
    ),
)
def test_what_is_shown_of_labels_and_the_like_is_told(name: str) -> None:
    assert f"`{name}`" in DOCUMENT.read_text()


def test_every_kind_of_object_has_a_canary_in_each_field() -> None:
    """Where an API server is: a kind that a report reads and that is not there would be missed."""
    planted = [shape for _, _, shape in ALL.values()]
    read = [*SHAPES.values(), CLUSTER, EVENT, LEASE, SECRET]
    assert [shape for shape in read if shape not in planted] == []


def leaves(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Every field of a schema that is no object itself."""
    for name, inner in schema.get("properties", {}).items():
        yield from leaves(inner, f"{path}.{name}")
    if "items" in schema:
        yield from leaves(schema["items"], f"{path}[]")
    elif "properties" not in schema:
        yield path


@pytest.mark.parametrize(("crd", "shape"), [*zip(crds(), (CLUSTER, ROLE), strict=True)])
def test_all_that_natsctl_writes_into_a_status_is_shown(crd: dict[str, Any], shape: Shape) -> None:
    """But for a copy of the spec, which is shown where it stands."""
    (version,) = crd["spec"]["versions"]
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    written = set(leaves(status, "status"))
    assert len(written) > 5
    assert written - set(paths(shape)) - {"status.acceptedSpec"} == set()


def test_every_field_has_a_path() -> None:
    shape = Fields({"a": Many(Fields({"b": NUMBER})), "c": Each(NAME), "d": NAME})
    assert list(paths(shape)) == ["a[].b", "c.*", "d"]


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        (NAME, ["a.b/c-1", "docker.io/nats:2.12@sha256:1f", "10.0.0.1", "/etc/x"]),
        (QUANTITY, ["100m", "1.5Gi", "2e3", "5", "1m30.5s", "242µs"]),
        (TIME, ["2026-11-23T11:00:00Z", "2026-11-23T11:00:00.123456+01:00"]),
    ],
)
def test_forms(shape: Shape, shown: list[str]) -> None:
    for text in shown:
        assert visible(shape, text, eyes) == text
        assert visible(shape, f"{text} and more", eyes) == "***"


def test_what_is_empty_stays() -> None:
    shape = Fields({"a": NAME, "b": Many(NAME)})
    assert visible(shape, {"a": "", "b": [], "c": None, "d": {}}, eyes) == {
        "a": "",
        "b": [],
        "c": "***",
        "d": "***",
    }
