"""Members of Raft groups are known to servers by ids, which are made of the names of servers.

A server that restarted knows the names of those only that it has heard of since. Others it calls by
their ids, so that a member that is away looks like a stranger. Whoever knows a name knows the id.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_LENGTH: Final = 8
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UNNAMED: Final = re.compile(
    rf"Server name unknown at this time \(peerID: ([0-9A-Za-z]{{{_LENGTH}}})\)", re.ASCII
)


def peer_id(server_name: str) -> str:
    """The id of the server with this name, the same on all releases.

    https://github.com/nats-io/nats-server/blob/v2.12.0/server/events.go (getHashSize)
    """
    digest = hashlib.sha256(server_name.encode()).digest()
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in digest[:_LENGTH])


def unnamed(peer_id: str) -> str:
    """What a server calls a member that it has not heard of since it started."""
    return f"Server name unknown at this time (peerID: {peer_id})"


def id_of_unnamed(told: str) -> str | None:
    """The id, if this is what a server calls such a member."""
    found = _UNNAMED.fullmatch(told)
    return found[1] if found is not None else None
