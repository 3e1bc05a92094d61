"""What opens on servers made for a target."""

from natsctl.api import doors
from natsctl.api.doors import Door
from natsctl.render.clients import logins
from natsctl.render.target import Target


def doors_of(target: Target) -> tuple[Door, ...]:
    """Every listener with what it asks for, that Secrets of users tell included."""
    spec, version = target.spec, target.version
    return doors.doors(spec, version, logins(target), open_leaves=target.open_leaves)
