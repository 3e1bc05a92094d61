"""What the user sees: steps with their times, and what a long one waits for.

Two tracks of the demo may run side by side. What belongs to a step is printed in one piece when the
step ends, so that steps of two tracks do not mix.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from demo.picture import Told

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 8.0
"""Seconds of silence after which a waiting step says what it waits for."""


WIDTH = 160
"""Characters of what is awaited; a failure tells all of them."""
INDENT = " " * 10


class DemoFailed(Exception):
    """A step did not do what it must; the text says what was expected and what was found."""


@attrs.define
class Progress:
    """Of all tracks: how many steps there are and were, and when somebody last said something."""

    steps: int
    began: float = attrs.field(factory=time.monotonic)
    told: list[Told] = attrs.field(factory=list)
    spoke: float = 0.0

    def show(self, text: str) -> None:
        """Print, and remember when."""
        self.spoke = time.monotonic()
        print(text, flush=True)


@attrs.define
class Teller:
    """Tells of one track; `began` is when the demo did (monotonic seconds)."""

    progress: Progress
    _title: str = ""
    _said: list[str] | None = None

    @classmethod
    def of(cls, steps: int) -> Teller:
        """The first teller of a demo of so many steps."""
        return cls(Progress(steps))

    def beside(self) -> Teller:
        """A teller for another track of the same demo."""
        return Teller(self.progress)

    @property
    def began(self) -> float:
        """When the demo began."""
        return self.progress.began

    @contextmanager
    def step(self, title: str, *, figures: bool = False) -> Iterator[None]:
        """Tell of a step when it ends, well or not; how long it took, if it ended well.

        The picture of the demo has what is said in a step of `figures`.
        """
        started = time.monotonic()
        self._title, self._said = title, []
        try:
            yield
            self.say(f"step done in {time.monotonic() - started:.1f} s")
        finally:
            took = time.monotonic() - started
            said = tuple(line.removeprefix(INDENT) for line in self._said)
            self.progress.told.append(Told(title, started - self.began, took, said, figures))
            number = f"{len(self.progress.told)}/{self.progress.steps}"
            heading = f"\n[{started - self.began:5.1f} s] {number} {title}"
            self.progress.show("\n".join([heading, *self._said]))
            self._title, self._said = "", None

    def say(self, text: str) -> None:
        """Text of the step, indented below it; at once if there is no step."""
        lines = [f"{INDENT}{line}".rstrip() for line in text.splitlines()]
        if self._said is None:
            self.progress.show("\n".join(lines))
        else:
            self._said += lines

    def waiting_for(self, what: str) -> None:
        """Say at once what is awaited, if nobody said anything for a while."""
        now = time.monotonic()
        if now - self.progress.spoke >= PATIENCE:
            text = what if len(what) <= WIDTH else what[: WIDTH - 3] + "..."
            step = f"{self._title}: " if self._title else ""
            self.progress.show(f"... {now - self.began:.0f} s: {step}waiting: {text}")
