"""How attrs attributes carry what the JSON schema says of them.

An attribute's JSON name is its name in camelCase unless `json` gives another; the other facts
are OpenAPI keywords of the field itself, and of its items where it is a list of strings. Only
`effect`, what a change of it costs, is no part of the schema.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import attrs
from attrs import Attribute, frozen

from natsctl.api.effects import Effect
from natsctl.api.problems import shown

Json = dict[str, Any]
_KEY: Final = "natsctl"


@frozen
class Rule:
    """A CEL expression over `self` and the sentence a user reads when it is false."""

    cel: str
    message: str


@frozen
class Text:
    """What a text stands for: `an object` and how such a thing is written.

    `pattern` is of the whole text; an empty text is always as good as none. What has no pattern
    is checked by a function of its own, or is the user's own words.
    """

    what: str
    help: str = ""
    pattern: str = ""
    max_length: int | None = None

    def problem(self, text: str) -> str | None:
        """What is wrong with it, as far as pattern and length tell."""
        if self.max_length is not None and len(text) > self.max_length:
            return f"is longer than {self.max_length} characters"
        if self.pattern and text and not re.fullmatch(self.pattern, text, re.ASCII):
            return f"{shown(text)} is not {self.what}; {self.help}"
        return None


@frozen
class Facts:
    """What is said of one field besides its type.

    `native` is the schema of an object of Kubernetes, or of each in a list, and `kind` its type.
    `nulls` has the API server keep nulls in a map, so that they can be told: it drops them else.
    """

    description: str
    effect: Effect | None = None
    text: Text | None = None
    json: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    max_items: int | None = None
    enum: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    item_rules: tuple[Rule, ...] = ()
    native: Mapping[str, Any] | None = None
    kind: str = ""
    open: bool = False
    nulls: bool = False

    @property
    def longest(self) -> int | None:
        """How many characters a text may have."""
        return self.max_length or (self.text.max_length if self.text else None)


def described(
    description: str,
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    **facts: Any,
) -> Any:
    """An attribute of the API with its description and the other facts of its schema."""
    metadata = {_KEY: Facts(description, **facts)}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata)
    return attrs.field(default=default, metadata=metadata)


def facts(attribute: "Attribute[Any]") -> Facts:
    """The facts of an attribute made by `described`."""
    known: Facts = attribute.metadata[_KEY]
    return known


def json_name(attribute: "Attribute[Any]") -> str:
    """The attribute's name in manifests."""
    return facts(attribute).json or camel(attribute.name)


@cache
def camel(snake: str) -> str:
    """`max_control_line` as `maxControlLine`: names of attributes, of which there are so many."""
    return re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), snake)


@cache
def fields_of(cls: type) -> tuple[tuple[str, "Attribute[Any]"], ...]:
    """JSON name and attribute of every field, types resolved, in the order of the class."""
    return tuple((json_name(each), each) for each in attrs.fields(attrs.resolve_types(cls)))
