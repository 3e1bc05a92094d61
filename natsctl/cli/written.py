"""Data as text: the same data to a program, and nothing but text to a terminal."""

from __future__ import annotations

import json
from typing import Any

import yaml

from natsctl.model.foreign import spelt


def json_text(data: Any, indent: int | None = None) -> str:
    """JSON; what acts on a terminal, or cannot be seen there, is escaped."""
    return spelt(json.dumps(data, indent=indent, ensure_ascii=False)) + "\n"


def yaml_text(*items: Any) -> str:
    """YAML documents; if anything in them has to be escaped, all that is not ASCII is."""
    text = _dumped(items, plainly=True)
    return text if spelt(text) == text else _dumped(items, plainly=False)


def _dumped(items: Any, *, plainly: bool) -> str:
    text = yaml.safe_dump_all(items, sort_keys=False, allow_unicode=plainly, width=100)
    return str(text)
