"""The text that notes which servers held nothing when they left: `5=c-5-5c1e77aa`.

And with which claims, in the same form, by their uids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from natsctl.model.names import MAX_SIZE

Departed = Mapping[int, str]
"""Names of servers, or uids of claims, by index."""
_ENTRY: Final = re.compile(r"([1-9][0-9]{0,2})=([-a-z0-9]{1,128})", re.ASCII)


def departed_text(note: Departed) -> str:
    """What is written."""
    return ",".join(f"{index}={name}" for index, name in sorted(note.items()))


def departed_in(text: str) -> dict[int, str]:
    """What is read; anything else in it counts as nothing, because others can write there, too."""
    found = (_ENTRY.fullmatch(part) for part in text.split(",")[:MAX_SIZE])
    return {int(entry[1]): entry[2] for entry in found if entry is not None}
