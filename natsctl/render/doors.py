"""What opens on servers made for a target."""

from natsctl.api.checks import doors
from natsctl.api.checks.doors import Door
from natsctl.render.config.clients import logins, only_user
from natsctl.render.target import Target


def doors_of(target: Target) -> tuple[Door, ...]:
    """Every listener with what it asks for, that Secrets of users tell included."""
    spec, version = target.spec, target.version
    return doors.doors(
        spec,
        version,
        logins(target),
        open_leaves=target.open_leaves,
        one_user=only_user(target) is not None,
    )
