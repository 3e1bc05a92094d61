"""The key that servers encrypt their streams with, as a user's Secret has it."""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 16
LONGEST: Final = 1024
"""Characters. Servers take any number (measured); fewer can be guessed by whoever has a disk."""


def key_problem(key: bytes) -> str:
    """Why servers should not encrypt with it; empty if they may.

    What an editor adds, a line's end, would be a part of the key, and nobody would see it.
    """
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return "is not text: encode it, for example in base64"
    if not text:
        return "is empty: put the key there"
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters: use a shorter one"
    if len(text) < SHORTEST:
        return f"is shorter than {SHORTEST} characters: use a random one (openssl rand -base64 32)"
    if text.strip() != text or not text.isprintable():
        return "has a line break, a space at one end or a character that is not printable: omit it"
    return ""
