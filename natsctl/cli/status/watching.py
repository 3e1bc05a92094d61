"""Tells when something changed, by watches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from natsctl.cli.failures import failure
from natsctl.kube.errors import ApiError, Transient

if TYPE_CHECKING:
    from natsctl.kube.paths import Selection
    from natsctl.kube.resources import Resource
    from natsctl.kube.transport import Transport

STREAM = 300
"""Seconds after which the API server ends a watch, and it is opened again."""
FIRST_DELAY, LAST_DELAY = 1.0, 15.0


async def wake_on_change(
    transport: Transport,
    resource: Resource,
    namespace: str | None,
    selection: Selection,
    wake: asyncio.Event,
) -> None:
    """Set `wake` on every change of a collection, for ever; Unusable if it may not be watched.

    A watch without a resourceVersion begins with all there is, so nothing is missed between two.
    """
    params = {**selection, "watch": "true", "timeoutSeconds": str(STREAM)}
    delay = FIRST_DELAY
    while True:
        try:
            async with transport.stream(resource.path(namespace), params, STREAM + 30) as chunks:
                async for _ in chunks:
                    wake.set()
                    delay = FIRST_DELAY
        except Transient:
            wake.set()  # whoever reads then finds out, and says so
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)
        except ApiError as error:
            raise failure(error, f"watch {resource.plural}", transport.host) from error
