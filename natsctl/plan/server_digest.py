"""The digest that proves that a server runs a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model.server_identity import server_name_of
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.render.digest import expected_digests

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.model.objects import Pod
    from natsctl.render.target import Target


def server_digests(target: Target) -> Callable[[Pod], str | None]:
    """Pod -> what its server reports once it runs the target's configuration.

    None where nobody knows: one that was taken over starts with another file, and the name of a
    server, which counts among its configuration, may be the user's.
    """
    by_name = expected_digests(target)

    def digest(pod: Pod) -> str | None:
        name = server_name_of(pod)
        return None if is_taken_over(pod) or not name else by_name(name)

    return digest
