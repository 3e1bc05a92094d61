"""What the user sees: steps with their times, and what a long one waits for."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 8.0
"""Seconds of silence after which a waiting step says what it waits for."""


WIDTH = 160
"""Characters of what is awaited; a failure tells all of them."""


class DemoFailed(Exception):
    """A step did not do what it must; the text says what was expected and what was found."""


@attrs.define
class Teller:
    """Prints; `step` counts steps and knows when the demo began (monotonic seconds)."""

    steps: int
    began: float = attrs.field(factory=time.monotonic)
    _step: int = 0
    _spoke: float = 0.0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step; when it ended well, say how long it took."""
        self._step += 1
        started = time.monotonic()
        print(f"\n[{started - self.began:5.1f} s] {self._step}/{self.steps} {title}", flush=True)
        self._spoke = started
        yield
        self.say(f"step done in {time.monotonic() - started:.1f} s")

    def say(self, text: str) -> None:
        """Print text, indented below its step."""
        self._spoke = time.monotonic()
        print("\n".join(f"          {line}" for line in text.splitlines()), flush=True)

    def waiting_for(self, what: str) -> None:
        """Say what is awaited, if nothing was said for a while."""
        now = time.monotonic()
        if now - self._spoke >= PATIENCE:
            text = what if len(what) <= WIDTH else what[: WIDTH - 3] + "..."
            self.say(f"... {now - self.began:.0f} s: waiting: {text}")
