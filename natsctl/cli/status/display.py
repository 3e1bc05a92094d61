"""Where a command shows what changes: a terminal that is drawn anew, or lines that are added."""

from __future__ import annotations

import shutil
from typing import TextIO

import attrs

HOME, END_OF_LINE, END_OF_SCREEN, CLEAR = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"
"""ECMA-48: to the first line; erase the rest of the line, of the screen, all of it."""


@attrs.define
class Display:
    """Shows one text after the other; `shown` is what the last one was about."""

    stream: TextIO
    shown: str = ""
    _begun: bool = False

    @property
    def redraws(self) -> bool:
        """Whether it is a terminal."""
        return self.stream.isatty()

    def redraw(self, text: str) -> None:
        """Write over the last text, without a moment in which nothing is there."""
        height = shutil.get_terminal_size().lines
        lines = text.splitlines()
        if len(lines) >= height:
            hidden = len(lines) - height + 2
            lines = [*lines[: height - 2], f"({hidden} more lines)"]
        drawn = "".join(f"{line}{END_OF_LINE}\n" for line in lines)
        self.stream.write(f"{'' if self._begun else CLEAR}{HOME}{drawn}{END_OF_SCREEN}")
        self.stream.flush()
        self._begun = True

    def append(self, text: str, about: str) -> None:
        """Add a text, unless it is about what was shown last."""
        if about != self.shown:
            self.stream.write(text)
            self.stream.flush()
            self.shown = about
