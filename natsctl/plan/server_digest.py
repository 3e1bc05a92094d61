"""The digest that proves that a server runs a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model.server_identity import server_name_of
from natsctl.plan.adoption.go_operator import is_taken_over
from natsctl.render.digest import expected_digest

if TYPE_CHECKING:
    from natsctl.model.objects import Pod
    from natsctl.render.target import Target


def server_digest(target: Target, pod: Pod) -> str | None:
    """What the server of this pod reports once it runs the target's configuration.

    None where nobody knows: one that was taken over starts with another file, and the name of a
    server, which counts among its configuration, may be the user's.
    """
    name = server_name_of(pod)
    return None if is_taken_over(pod) or not name else expected_digest(target, name)
