"""What a report may show is listed, and the list is told."""

from pathlib import Path

import pytest

from natsctl.cli.report.redact import Redactor
from natsctl.cli.report.shapes import (
    NAME,
    NUMBER,
    QUANTITY,
    TIME,
    Each,
    Fields,
    Many,
    paths,
    visible,
)
from natsctl.cli.report.shown_values import (
    SHOWN_ANNOTATIONS,
    SHOWN_FLAGS,
    SHOWN_LABELS,
    SHOWN_VARIABLES,
)
from natsctl.model.bound_tokens import EXPIRES, RENEW_AFTER, SWITCH_AT

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
def test_forms(shape: object, shown: list[str]) -> None:
    for text in shown:
        assert visible(shape, text, eyes) == text  # type: ignore[arg-type]
        assert visible(shape, f"{text} and more", eyes) == "***"  # type: ignore[arg-type]


def test_what_is_empty_stays() -> None:
    shape = Fields({"a": NAME, "b": Many(NAME)})
    assert visible(shape, {"a": "", "b": [], "c": None, "d": {}}, eyes) == {
        "a": "",
        "b": [],
        "c": "***",
        "d": "***",
    }
