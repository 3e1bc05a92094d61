"""What a pod has for JetStream besides its volume: the store's place and key, and spare memory."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from natsctl.api.checks.jetstream import MEMORY_SHARE
from natsctl.api.types.node import memory_limit
from natsctl.model import names
from natsctl.render.pod.environment import Variable
from natsctl.render.target import Target

MEMORY_ENV: Final = "GOMEMLIMIT"
_KEY_TEXT: Final = f"{names.STORE_KEY_ENV}_TEXT"


def jetstream_environment(
    target: Target, given: Iterable[Variable], resources: Mapping[str, Any]
) -> list[Variable]:
    """Variables after those that the user gives, of which none may replace the store's."""
    if target.spec.jetstream is None:
        return []
    return [*_memory(given, resources), *_store(target)]


def _memory(given: Iterable[Variable], resources: Mapping[str, Any]) -> Iterator[Variable]:
    """Collects garbage before the container's limit is reached, and the server is killed."""
    limit = memory_limit(resources)
    if limit and all(variable["name"] != MEMORY_ENV for variable in given):
        yield {"name": MEMORY_ENV, "value": str(limit * MEMORY_SHARE // 100)}


def _store(target: Target) -> Iterator[Variable]:
    """As nats-server reads them: configuration, in which quotes make a text of anything.

    Those of the key are single ones: nothing between them means anything but itself.
    """
    yield {"name": names.STORE_DIR_ENV, "value": f'"{names.STORE_DIR}"'}
    encryption = target.spec.jetstream.encryption if target.spec.jetstream else None
    if encryption is not None:
        source = {"name": encryption.secret, "key": encryption.key or "key"}
        yield {"name": _KEY_TEXT, "valueFrom": {"secretKeyRef": source}}
        yield {"name": names.STORE_KEY_ENV, "value": f"'$({_KEY_TEXT})'"}
