"""What the documents of the repository hold: code blocks, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w.-]+\.\w+)\n")


@attrs.frozen
class Block:
    """A fenced block of code."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The name under which it is to be saved: a comment in its first line."""
        found = FILE.match(self.text)
        return found[1] if found else ""


@attrs.frozen
class Command:
    """What follows a prompt, continued lines joined, and the output that is shown with it."""

    line: str
    output: tuple[str, ...] = ()


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a document, from top to bottom."""
    return tuple(Block(m[1], m[2]) for m in BLOCK.finditer(text))


def commands(text: str) -> tuple[Command, ...]:
    """The commands of a document's console blocks."""
    return tuple(c for b in blocks(text) if b.language == "console" for c in _commands(b.text))


def _commands(text: str) -> Iterator[Command]:
    joined = re.sub(r"\\\n\s*", "", text)
    for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
        line, *output = part.splitlines()
        yield Command(line, tuple(filter(None, output)))
