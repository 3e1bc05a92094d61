"""SHA-256 without OpenSSL, which hashlib loads: a third of the memory of a small process."""

from __future__ import annotations

from typing import Final

try:
    from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore] # Python 3.12 and up
except ImportError:
    from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore] # Python 3.11

__all__ = ["READ_FROM", "sha256"]

READ_FROM: Final = "CPython 3.11 to 3.13"
