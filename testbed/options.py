"""What a testbed is asked to be."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`nodes` real nodes (none with `control_plane_only`), and a fake one with `kwok`."""

    nodes: int = 1
    control_plane_only: bool = False
    kwok: bool = False

    @property
    def controllers(self) -> bool:
        """Whether controller-manager and scheduler run."""
        return self.kwok or not self.control_plane_only

    def covers(self, other: Options) -> bool:
        """Whether a testbed with these options serves who asks for the others."""
        return (
            self.nodes >= other.nodes
            and self.kwok >= other.kwok
            and self.control_plane_only == other.control_plane_only
        )

    def __str__(self) -> str:
        size = f"{self.nodes} node{'s' if self.nodes != 1 else ''}"
        return ("control plane only" if self.control_plane_only else size) + (
            ", kwok" if self.kwok else ""
        )


def write(options: Options, file: Path) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(options)))
    partial.rename(file)


def read(file: Path) -> Options | None:
    """The options of a finished start, or None if there was none."""
    try:
        return Options(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
