"""What a pod has for JetStream besides its volume: the place of the store, and spare memory."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from natsctl.api.checks.jetstream import MEMORY_SHARE
from natsctl.api.types.node import memory_limit
from natsctl.model import names
from natsctl.render.pod.environment import Variable
from natsctl.render.target import Target

MEMORY_ENV: Final = "GOMEMLIMIT"


def jetstream_environment(
    target: Target, given: Iterable[Variable], resources: Mapping[str, Any]
) -> list[Variable]:
    """Variables after those that the user gives, of which none may replace the store's.

    nats-server reads its value as configuration, in which quotes make a text.
    """
    if target.spec.jetstream is None:
        return []
    store = {"name": names.STORE_DIR_ENV, "value": f'"{names.STORE_DIR}"'}
    return [*_memory(given, resources), store]


def _memory(given: Iterable[Variable], resources: Mapping[str, Any]) -> Iterator[Variable]:
    """Collects garbage before the container's limit is reached, and the server is killed."""
    limit = memory_limit(resources)
    if limit and all(variable["name"] != MEMORY_ENV for variable in given):
        yield {"name": MEMORY_ENV, "value": str(limit * MEMORY_SHARE // 100)}
