"""Figures on disk from the moment they are known: what fails later takes none of them away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs


@attrs.define
class Notebook:
    """The figures so far; `file` holds them as JSON."""

    file: Path
    figures: dict[str, Any] = attrs.field(factory=dict)

    def note(self, **figures: Any) -> None:
        """Add figures, and write all of them."""
        self.figures |= figures
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(self.figures, indent=2, sort_keys=True) + "\n")
        partial.rename(self.file)


def read(file: Path) -> dict[str, Any]:
    """What was noted; nothing if nothing was."""
    return dict(json.loads(file.read_text())) if file.exists() else {}
