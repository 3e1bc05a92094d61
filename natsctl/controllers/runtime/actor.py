"""One task per object: it alone reconciles that object, whatever kind it is of.

The mailbox is one bit: however often it is woken, the actor looks once more. The bit is cleared
before anything is read, so that a change during a pass leads to another one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from time import monotonic
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import attrs

from natsctl.controllers.runtime import metrics
from natsctl.kube.errors import ApiError, Conflict, Fenced, Stale, Transient
from natsctl.kube.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.kube.turns import Turn

log = logging.getLogger(__name__)

LEAST_PAUSE = 0.001
"""Seconds: what rounding put a hair ahead of the clock is due once the clock has moved."""
FIRST_RETRY, LAST_RETRY = 0.5, 60.0
PASS_LIMIT = 120.0
"""Seconds after which a pass is cut; every request in it has a shorter time-out of its own."""
RESYNC = 10 * 3600.0
"""Seconds after which an actor looks even if nobody woke it, as controller-runtime's does."""


@attrs.frozen
class Wait:
    """All is done for now: look again after so many seconds, or (None) when something changes."""

    seconds: float | None = None


@attrs.frozen
class Retry:
    """Something did not work and is reported: try again, each time a little later."""


class StillTrying(Exception):
    """Something did not work yet, and is looked after."""

    def __init__(self, cause: ApiError) -> None:
        super().__init__(str(cause))
        self.cause: Exception = cause


class Reconciler(Protocol):
    """What is known of one object, and done about it. `str` names it in logs."""

    def exists(self) -> bool:
        """Whether the object is there."""

    def forget(self) -> None:
        """It is gone: nothing is watched or shown for it any more."""

    async def reconcile(self, turn: Turn) -> Wait | Retry:
        """One pass. Whoever waits for others than the API server does so aside of the turn."""

    async def failed(self, error: Exception, began: float) -> None:
        """A pass that began then ended with this error: report it if that lasts."""


R = TypeVar("R", bound=Reconciler)


@attrs.define
class Actor(Generic[R]):
    """Reconciles the object with this key (namespace and name) until it is gone."""

    key: tuple[str, str]
    turns: Turns
    reconciler: R
    mailbox: asyncio.Event = attrs.field(factory=asyncio.Event)
    _attempts: int = 0
    _woken: float = 0.0

    def wake(self) -> None:
        """Something about the object changed."""
        if not self.mailbox.is_set():
            metrics.ADDS.labels(metrics.CONTROLLER).inc()
            metrics.DEPTH.labels(metrics.CONTROLLER).inc()
            self._woken = monotonic()
        self.mailbox.set()

    async def run(self, stopping: Callable[[], bool]) -> None:
        """Reconcile until the object is gone or the process stops."""
        self.wake()
        while not stopping():
            async with self.turns.turn(self.key[0]) as turn:
                self._open_mailbox()
                if not self.reconciler.exists():
                    self.reconciler.forget()
                    return
                with metrics.WORK.one_pass():
                    pause = await self._turn(turn)
            await self._sleep(pause)

    def _open_mailbox(self) -> None:
        if self.mailbox.is_set():
            metrics.DEPTH.labels(metrics.CONTROLLER).dec()
            metrics.QUEUED_SECONDS.labels(metrics.CONTROLLER).observe(monotonic() - self._woken)
        self.mailbox.clear()

    async def _sleep(self, pause: float) -> None:
        try:
            async with asyncio.timeout(max(pause, LEAST_PAUSE)):
                await self.mailbox.wait()
        except TimeoutError:
            return

    async def _turn(self, turn: Turn) -> float:
        """One pass, whatever happens in it; how long to sleep at most."""
        again: float | None
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(PASS_LIMIT):
                again = self._next(await self.reconciler.reconcile(turn))
            result = "success" if again is None else "requeue_after"
        except Fenced:  # the lease is over, and whoever keeps it ends this process
            again, result = self._retry(), "requeue_after"
        except Exception as error:
            # A bug met by one object must not end the process for all the others.
            again, result = await self._after(error, began)
        metrics.RECONCILES.labels(metrics.CONTROLLER, result).inc()
        return RESYNC * random.uniform(0.8, 1.2) if again is None else again

    def _next(self, outcome: Wait | Retry) -> float | None:
        if isinstance(outcome, Retry):
            return self._retry()
        self._attempts = 0
        return outcome.seconds

    async def _after(self, error: Exception, began: float) -> tuple[float, str]:
        """What a pass ended with is tried again, and reported if it lasts; when, and its result."""
        cause = error
        if isinstance(error, StillTrying):
            cause = error.cause
        else:
            await self.reconciler.failed(error, began)
        if isinstance(cause, Conflict | Stale):
            return self._retry(), "requeue_after"
        self._log(cause)
        metrics.ERRORS.labels(metrics.CONTROLLER).inc()
        return max(self._retry(), getattr(cause, "retry_after", None) or 0), "error"

    def _log(self, error: Exception) -> None:
        match error:
            case Transient():
                log.warning("%s: %s; trying again", self, error)
            case ApiError():
                log.error("%s: %s", self, error)
            case TimeoutError():
                metrics.TIMEOUTS.labels(metrics.CONTROLLER).inc()
                log.error("%s: reconciliation took longer than %.0f s", self, PASS_LIMIT)
            case _:
                metrics.PANICS.labels(metrics.CONTROLLER).inc()
                log.error("%s: %s", self, type(error).__name__, exc_info=error)

    def _retry(self) -> float:
        self._attempts += 1
        metrics.RETRIES.labels(metrics.CONTROLLER).inc()
        ceiling = min(FIRST_RETRY * 2.0 ** min(self._attempts - 1, 10), LAST_RETRY)
        return ceiling * random.uniform(0.8, 1.2)

    def __str__(self) -> str:
        return str(self.reconciler)
