"""The objects that stand for a cluster as long as it exists, pods aside."""

from collections.abc import Callable
from typing import Final

from natsctl.api.fields import Json
from natsctl.render.objects.network_policy import network_policy
from natsctl.render.objects.secret import config_secret
from natsctl.render.objects.services import client_service, management_service_object
from natsctl.render.target import Target

# In the order in which they are created: a pod needs all of them.
STANDING_BUILDERS: Final[tuple[Callable[[Target], Json | None], ...]] = (
    network_policy,
    client_service,
    management_service_object,
    config_secret,
)


def owned_objects(target: Target) -> tuple[Json, ...]:
    """Every object of a cluster except its pods."""
    made = (build(target) for build in STANDING_BUILDERS)
    return tuple(manifest for manifest in made if manifest is not None)
