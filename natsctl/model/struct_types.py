"""Types that several threads may read for the first time at the same moment.

msgspec works out what a Struct looks like when it is first used, and two threads that do so at once
end the process by a segmentation fault (seen with msgspec 0.22 and Python 3.11).
"""

from __future__ import annotations

from typing import Any

import msgspec


def known_to_threads(*types: Any) -> None:
    """Have msgspec know these types now: for a module to call about its own when it is imported."""
    for each in types:
        msgspec.json.Decoder(each)
