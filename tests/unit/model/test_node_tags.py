"""Which tags come of which labels of a node."""

from typing import Any

import pytest

from natsctl.model.node_tags import lacking, tag_name, tag_prefix, tags_of

ZONE = "topology.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("label", "name"), [(ZONE, "zone"), ("zone", "zone"), ("example.com/Rack-1", "rack-1")]
)
def test_a_tag_has_the_name_of_its_label(label: str, name: str) -> None:
    """In lowercase, as servers write it."""
    assert tag_name(label) == name
    assert tag_prefix(label) == f"{name}:"


def test_each_label_becomes_a_tag() -> None:
    labels = {ZONE: "eu-A", "rack": "r_1.x", "other": "o"}
    assert tags_of(labels, [ZONE, "rack"]) == {ZONE: "zone:eu-a", "rack": "rack:r_1.x"}


@pytest.mark.parametrize(
    "value", ["", 'a"', "a\nb", "a b", "-a", "$A", "x" * 64, "a:b", None, 7, ["a"], "\u00e9"]
)
def test_what_is_no_value_of_a_label_is_not_there(value: Any) -> None:
    assert tags_of({"zone": value}, ["zone"]) == {}
    assert tags_of({}, ["zone"]) == {}


def test_the_longest_value() -> None:
    assert tags_of({"zone": "x" * 63}, ["zone"]) == {"zone": f"zone:{'x' * 63}"}


@pytest.mark.parametrize(
    ("tags", "missing"),
    [
        (["zone:a"], ()),
        (["fast", "zone:a", "rack:b"], ()),
        (["fast"], (ZONE,)),
        (["zone", "zone:", "zones:a"], (ZONE,)),
        ([], (ZONE,)),
    ],
)
def test_of_which_labels_tags_do_not_tell(tags: list[str], missing: tuple[str, ...]) -> None:
    assert lacking(tags, [ZONE]) == missing
