"""The file that a server starts with whose tags come from labels of its node.

It includes the configuration that all servers have, and adds tags to those that are there: a server
adds up `server_tags` in every spelling, where of one spelling only the last would count. So other
tags of all servers still change by a reload, and pods that have no such file miss nothing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.model import node_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@attrs.frozen
class TagSettings:
    """Which labels count, the file to write, and the configuration that it includes."""

    labels: tuple[str, ...]
    file: Path
    config: Path


@attrs.frozen
class Tagged:
    """The tags that were written, and the labels that the node lacks."""

    tags: tuple[str, ...]
    lacking: tuple[str, ...] = ()


def tagged(node: Mapping[str, Any], labels: Iterable[str]) -> Tagged:
    """The tags of a server on this node."""
    given = tuple(labels)
    found = node_tags.tags_of((node.get("metadata") or {}).get("labels") or {}, given)
    return Tagged(tuple(found.values()), tuple(label for label in given if label not in found))


def start_text(settings: TagSettings, tags: Iterable[str]) -> str:
    """What the file says. nats-server takes the path of an include relative to the file."""
    included = os.path.relpath(settings.config, settings.file.parent)
    added = json.dumps(list(tags))
    return f'include "{included}"\n' + (f"SERVER_TAGS: {added}\n" if added != "[]" else "")
