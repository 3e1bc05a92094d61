"""The digest that proves that a server runs a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model.server_identity import server_name_of
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.render.digest import expected_digests

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.plan.servers.server import Server
    from natsctl.render.target import Target


def server_digests(target: Target) -> Callable[[Server], str | None]:
    """Server -> what it reports once it runs the target's configuration.

    None where nobody knows: one that was taken over starts with another file, and the name of a
    server, which counts among its configuration, may be the user's.
    """
    own = expected_digests(target)
    earlier = target.earlier
    made = {it.suffix: expected_digests(target.with_key(it)) for it in earlier.values()}

    def digest(server: Server) -> str | None:
        name, known = server_name_of(server.pod), earlier.get(server.index)
        if is_taken_over(server.pod) or not name:
            return None
        return own(name) if known is None else made[known.suffix](name)

    return digest
