"""Tags that servers have because of labels of their nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from natsctl.model.names import LABEL_WORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_LABELS: Final = 16
"""Labels that a spec may name."""
_VALUE: Final = re.compile(LABEL_WORD, re.ASCII)


def tag_name(label: str) -> str:
    """What a tag is called after: the last part of a label's key. Servers write it in lowercase."""
    return label.rpartition("/")[2].lower()


def tag_prefix(label: str) -> str:
    """How the tag of a label begins, as `uniqueTag` takes it."""
    return f"{tag_name(label)}:"


def tags_of(node_labels: Mapping[str, object], wanted: Iterable[str]) -> dict[str, str]:
    """Label -> tag, for those that a node has.

    What Kubernetes allows as no label's value is as if it were not there: the tags stand in a
    configuration, where anything else could say more.
    """
    values = {label: node_labels.get(label) for label in wanted}
    return {
        label: f"{tag_prefix(label)}{value.lower()}"
        for label, value in values.items()
        if isinstance(value, str) and _VALUE.fullmatch(value)
    }


def lacking(tags: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The labels of which none of these tags tells."""
    names = {name for name, colon, value in (tag.partition(":") for tag in tags) if colon and value}
    return tuple(label for label in wanted if tag_name(label) not in names)
