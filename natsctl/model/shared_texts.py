"""Texts that are told again and again, kept once: names and ids of servers in answers of others.

Each of 999 servers names all others, and each of thousands of streams its members. So answers would
take many times the memory without this.

What Python interns goes with its last user, but not in every build: CPython 3.12.0 to 3.12.6
keep it for ever, and so do builds without a global lock. There, whoever invents names would fill
the memory, so only those that were told lately are kept.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LATELY: Final = 8_192
"""Texts that are kept where interned ones stay for ever: about 2 MiB of them."""
LONGEST: Final = 128
"""Characters of a text that is kept there. An id has 56."""
_IMMORTAL: Final = 2**20
"""References that no text has which ever goes."""


def sharing(references: Callable[[str], int] = sys.getrefcount) -> Callable[[str], str]:
    """A function that returns a text that is kept, and equals the one that it is given."""
    probe = sys.intern("".join(("natsctl: ", "does it go?")))
    return _lately() if references(probe) > _IMMORTAL else sys.intern


def _lately() -> Callable[[str], str]:
    @lru_cache(maxsize=LATELY)
    def known(text: str) -> str:
        return text

    return lambda text: known(text) if len(text) <= LONGEST else text


shared: Final = sharing()
"""The same text, kept once for all who have it."""
