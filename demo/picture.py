"""A picture of what the demo printed: each step in a line, then the figures of the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROMPT = "$ make demo"
LINE, CHARACTER, MARGIN, BAR = 18, 7.83, 18, 30
"""Pixels: of a line, of a character of 13 pixels, around the text, of the window's upper edge."""
FAMILY = "ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace"
FONT = f'font-family="{FAMILY}" font-size="13" xml:space="preserve"'
STYLE = ".plain{fill:#c9d1d9}.step{fill:#79c0ff}.quiet{fill:#8b949e}.good{fill:#56d364}"


@attrs.frozen
class Told:
    """A step that is over; `began` and `took` are seconds, `lines` are without indentation.

    The last of the lines says how long it took.
    """

    title: str
    began: float
    took: float
    lines: Sequence[str]
    figures: bool = False
    """Whether the picture has its lines, too."""


def svg(steps: Iterable[Told], last: Sequence[str]) -> str:
    """The picture; `last` are lines below the steps."""
    lines = [("good", PROMPT), *_steps(steps), ("plain", ""), *(("plain", each) for each in last)]
    lines.append(("good", "DEMO OK"))
    width = 2 * MARGIN + CHARACTER * max(len(text) for _, text in lines)
    height = BAR + MARGIN + LINE * len(lines)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" {FONT}>',
            f"<style>{STYLE}</style>",
            '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
            *(
                f'<circle cx="{MARGIN + 20 * place}" cy="16" r="6" fill="{colour}"/>'
                for place, colour in enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))
            ),
            *(
                f'<text class="{kind}" x="{MARGIN}" y="{BAR + LINE * number}">{escape(text)}</text>'
                for number, (kind, text) in enumerate(lines, start=1)
                if text
            ),
            "</svg>\n",
        ]
    )


def _steps(steps: Iterable[Told]) -> Iterator[tuple[str, str]]:
    for step in sorted(steps, key=lambda step: step.began):
        yield "step", f"[{step.began:5.1f} s] {step.title}: {step.took:.1f} s"
        if step.figures:
            yield from (("plain", f"          {line}".rstrip()) for line in step.lines[:-1])
