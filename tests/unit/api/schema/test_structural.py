from collections.abc import Mapping
from typing import Any

from attrs import frozen

from natsctl.api.fields import Rule, camel, described
from natsctl.api.schema.structural import object_schema


@frozen
class Leaf:
    """A leaf."""

    colour: str | None = described("Its colour.", default=None, enum=("green", "red"))


@frozen
class Tree:
    """A tree.

    And more of it.
    """

    height: int = described("How high.", rules=(Rule("self > 0", "write more than 0"),))
    wide_crown: bool = described("How wide.", default=False)
    age: float | None = described("How old.", default=None, minimum=0)
    latin_name: str = described("What botanists say.", default="", json="latin", max_length=9)
    leaves: tuple[Leaf, ...] = described(
        "What it bears.", default=(), max_items=3, item_rules=(Rule("has(self.colour)", "paint"),)
    )
    owner: Leaf | None = described("Whose it is.", default=None, open=True)
    labels: Mapping[str, str] = described("What hangs on it.", factory=dict)
    birds: Mapping[str, str] = described(
        "Who lives there.", factory=dict, max_items=2, max_length=5, nulls=True
    )
    soil: Mapping[str, Any] = described("Below.", factory=dict, native={"type": "object"})


LEAF = {"colour": {"type": "string", "enum": ["green", "red"], "description": "Its colour."}}


def test_a_class_is_an_object_described_by_its_first_line() -> None:
    schema = object_schema(Tree)
    assert schema["type"] == "object"
    assert schema["description"] == "A tree."
    assert schema["required"] == ["height"]


def test_every_attribute_is_a_property() -> None:
    assert object_schema(Tree)["properties"] == {
        "height": {
            "type": "integer",
            "format": "int64",
            "description": "How high.",
            "x-kubernetes-validations": [{"rule": "self > 0", "message": "write more than 0"}],
        },
        "wideCrown": {"type": "boolean", "description": "How wide."},
        "age": {"type": "number", "minimum": 0, "description": "How old."},
        "latin": {"type": "string", "maxLength": 9, "description": "What botanists say."},
        "leaves": {
            "type": "array",
            "maxItems": 3,
            "description": "What it bears.",
            "items": {
                "type": "object",
                "description": "A leaf.",
                "properties": LEAF,
                "x-kubernetes-validations": [{"rule": "has(self.colour)", "message": "paint"}],
            },
        },
        "owner": {
            "type": "object",
            "description": "Whose it is.",
            "properties": LEAF,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "labels": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "What hangs on it.",
        },
        "birds": {
            "type": "object",
            "maxProperties": 2,
            "additionalProperties": {"type": "string", "maxLength": 5, "nullable": True},
            "description": "Who lives there.",
        },
        "soil": {"type": "object", "description": "Below."},
    }


def test_names_in_manifests_are_camel_case() -> None:
    assert camel("max_control_line") == "maxControlLine"
    assert camel("size") == "size"
