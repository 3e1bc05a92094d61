"""Who may write, and until when: a coordination.k8s.io Lease.

The rules of client-go's leaderelection, with two differences. Validity counts from before the
request, not after the reply. And `writing` fences every write by it, so that a process that was
stopped for a while cannot write with a lease that has passed on meanwhile.

Never do two write, however long any request takes on its way. What a holder may write ends, in its
own process, in its kernel and in the API server, before `Timing.silence` is over, counted from
before the renewal was asked for. Others wait for `Timing.duration`, which is longer, and count from
after the reply that showed them the renewal: it was asked for before that, in any case. And who
lets the lease go first knows what became of each write.

Times in the Lease are never compared with the local clock: a holder is gone when its record has
not changed for the lease's duration, as seen here. So a wall clock that jumps changes nothing. The
clock that counts goes on while the machine is suspended: who wakes up knows that the lease is over.

A holder that others only deleted, or wrote out of the object, may not know that yet and still
write. Whoever saw it hold the lease waits as for one that fell silent; who releases says so.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn

import attrs

from natsctl.controllers.runtime import metrics
from natsctl.controllers.runtime.lease_records import Records, sound
from natsctl.kube.errors import ApiError, Conflict, Fenced, NotFound
from natsctl.kube.fence import WRITE_TIMEOUT, Permit
from natsctl.kube.resources import LEASES
from natsctl.model.times import written

RELEASED = 1
"""leaseDurationSeconds of a lease that its holder let go, as client-go writes it too."""
LONGEST = 60.0
"""Seconds of silence after which any holder is gone. Others may write years into the object."""
MOST_TRANSITIONS = 2**31 - 2
"""leaseTransitions are of 32 bits: beyond, the API server takes no claim."""
RELEASING = 2.0
"""Seconds for each request of a release. However late one is, it takes no lease from anybody: who
holds it by then has changed the object."""


class LeaseLost(Exception):
    """The lease could not be renewed in time: this process must end."""


@attrs.frozen
class Timing:
    """Seconds: how long a silent holder keeps the lease, and how often all of them try."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    renew_period: float = 2.0
    acquire_period: float = 1.0

    @property
    def silence(self) -> float:
        """Seconds from a renewal on after which nothing of its holder can be written any more.

        The rest of the duration is for what etcd may have accepted and not told yet.
        """
        return (self.renew_deadline + self.duration) / 2

    def allowance(self, left: float) -> float:
        """Seconds for a write that begins when the lease is held for `left` seconds more.

        It is given up while the lease is held. It may reach the API server at the very end of
        that time, which then takes as long again.
        """
        late = self.silence - self.renew_deadline
        return min(WRITE_TIMEOUT, left, (left + late) / 2)


def suspended() -> float:
    """Seconds that this machine was suspended since it booted; 0 where nobody counts them."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    lead = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return max(round(lead, 1), 0.0)  # the two readings are not of the same moment


@attrs.define
class Lease:
    """One candidate's view of the lease; `tried` is when it last began to ask for anything."""

    records: Records
    identity: str = attrs.field(factory=lambda: f"natsctl-{uuid.uuid4().hex[:8]}")
    name: str = "nats-operator"
    timing: Timing = attrs.field(factory=Timing)
    asleep: Callable[[], float] = suspended
    valid_until: float = 0.0
    tried: float = 0.0
    holder: str = ""
    _record: dict[str, Any] = attrs.field(factory=dict)
    _free_at: float | None = None
    _doubt: float = 0.0
    _asked: dict[str, Any] = attrs.field(factory=dict)
    _asked_at: float = 0.0

    def now(self) -> float:
        """Seconds by the clock that leases go by: the event loop's, and what it slept through."""
        return asyncio.get_running_loop().time() + self.asleep()

    def check(self) -> None:
        """Raise Fenced unless writing is allowed right now."""
        if not self.held:
            raise Fenced("the lease is not held")

    @property
    def held(self) -> bool:
        """Whether writing is allowed right now."""
        return self.now() < self.valid_until

    @contextmanager
    def writing(self) -> Iterator[Permit]:
        """Around every write: the fence (natsctl.kube.fence)."""
        self.check()
        began = self.now()
        seconds = self.timing.allowance(self.valid_until - began)
        try:
            yield Permit(seconds, lambda: began + seconds - self.now())
        except BaseException as error:
            if not _is_answer(error):
                self._doubt = max(self._doubt, began + 2 * seconds)
            raise

    @property
    def doubt(self) -> float:
        """Seconds for which a write that nobody answered may still be carried out."""
        return max(self._doubt - self.now(), 0.0)

    async def acquire(self) -> None:
        """Return once the lease is ours, however long that takes."""
        metrics.LEADER.labels(self.name).set(0)
        while not await self._try_to_acquire():  # noqa: ASYNC110 - the API server sets no Event
            await asyncio.sleep(self._pause())
        metrics.LEADER.labels(self.name).set(1)

    def _pause(self) -> float:
        """Seconds until the next look: the first after a silent holder is gone comes at once."""
        period = self.timing.acquire_period * random.uniform(0.8, 1.2)
        if self._free_at is None or self.tried >= self._free_at:
            return period
        return min(period, max(self._free_at - self.now(), 0.0))

    async def keep(self) -> NoReturn:
        """Renew for ever; raises LeaseLost when that did not work until the deadline."""
        while True:
            await asyncio.sleep(self.timing.renew_period)
            while not await self._try_to_renew():
                metrics.SLOW_PATH.labels(self.name).inc()
                if not self.held:
                    self._lose("could not be renewed in time")
                await asyncio.sleep(random.uniform(0.2, 0.6))

    async def release(self) -> bool:
        """Let the next candidate take over at once; the last thing a leader does.

        False if it was not held, or could not be released, or if a write may still be carried
        out: then it expires by itself.
        """
        if not self._record or not self.held or self.doubt:
            return False
        self.valid_until = self.tried = 0.0
        metrics.LEADER.labels(self.name).set(0)
        try:
            return await self._write_released()
        except Conflict:  # a renewal that was cut off may have been written
            return await self._read_and_write_released()
        except ApiError:
            return False

    async def abandon(self) -> bool:
        """Let go of what an attempt that was cut off may have acquired; nothing was written yet.

        False if nothing is held, as far as that can be seen.
        """
        self.valid_until = self.tried = 0.0
        metrics.LEADER.labels(self.name).set(0)
        return bool(self._asked) and await self._read_and_write_released()

    async def _read_and_write_released(self) -> bool:
        """Again, if that renewal is written only after this read."""
        for _ in range(3):
            try:
                self._record = sound(await self.records.read(RELEASING))
                return await self._write_released()
            except Conflict:
                continue
            except ApiError:
                break
        return False

    async def _write_released(self) -> bool:
        known = self._record.get("spec") or {}
        if known.get("holderIdentity") != self.identity:
            return False
        free = {"holderIdentity": "", "leaseDurationSeconds": RELEASED, "renewTime": _now()}
        await self._write(known | free, RELEASING)
        return True

    async def _try_to_acquire(self) -> bool:
        started = self.tried = self.now()
        try:
            await self._read_record()
            if not self._is_free(self.now()):
                return False
            if not self._is_ours(self.now()):
                self._asked, self._asked_at = self._claim(), started
            await self._write(self._renewal(), self.timing.renew_period)
        except ApiError:
            return False
        self._hold(started)
        return True

    async def _read_record(self) -> None:
        """Read the record; a change of it is a sign of life of who holds it.

        As late a one as can be: it may have been made right before the API server answered.
        """
        try:
            record = sound(await self.records.read(self.timing.renew_period))
        except NotFound:
            record = {}
        known, spec = self._record.get("spec") or {}, record.get("spec") or {}
        if self._free_at is None or _version(record) != _version(self._record):
            self._free_at = self._free_from(known, spec, self.now())
        self._record = record
        self.holder = spec.get("holderIdentity") or ""

    def _free_from(self, known: dict[str, Any], spec: dict[str, Any], now: float) -> float:
        """From when on nobody else can write, by the record before and the one now."""
        if spec.get("holderIdentity"):
            return now + self._patience(spec)
        if _duration(spec) == RELEASED:
            return now
        taken_away = bool(known.get("holderIdentity"))
        return max(self._free_at or now, now + taken_away * self._patience(known))

    def _patience(self, spec: dict[str, Any]) -> float:
        """A holder's own duration, within limits: others may have edited it."""
        return max(min(_duration(spec), LONGEST), self.timing.duration)

    def _is_free(self, now: float) -> bool:
        return self._is_ours(now) or now >= (self._free_at or now)

    def _is_ours(self, now: float) -> bool:
        """Whether it is what an earlier try wrote, whose reply was lost.

        Our name alone does not say so: others may have written it over a holder's. While the claim
        is that young, nobody who saw it has taken the lease since.
        """
        spec = self._record.get("spec") or {}
        same = ("holderIdentity", "acquireTime")
        known = bool(self._asked) and all(spec.get(key) == self._asked[key] for key in same)
        return known and now < self._asked_at + self.timing.duration

    def _claim(self) -> dict[str, Any]:
        before = self._record.get("spec") or {}
        now = _now()
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": round(self.timing.duration),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": _transitions(before) + bool(before),
        }

    async def _try_to_renew(self) -> bool:
        """One attempt; a conflict is looked into, since somebody may have edited the object."""
        started = self.tried = self.now()
        budget = min(self.timing.renew_period * 2, self.valid_until - started)
        if budget <= 0:
            self._lose("passed its deadline")
        try:
            async with asyncio.timeout(budget):
                await self._write(self._renewal(), budget)
        except Conflict:
            return await self._after_conflict(budget)
        except (ApiError, TimeoutError):
            return False
        self._hold(started)
        return True

    def _renewal(self) -> dict[str, Any]:
        """Our claim once more, whatever others wrote into the object since."""
        return self._asked | {"renewTime": _now()}

    async def _after_conflict(self, budget: float) -> bool:
        try:
            async with asyncio.timeout(budget):
                self._record = sound(await self.records.read(budget))
        except (ApiError, TimeoutError):
            return False
        if (self._record.get("spec") or {}).get("holderIdentity") != self.identity:
            self._lose("is held by another process")
        return False

    async def _write(self, spec: dict[str, Any], budget: float) -> None:
        meta = self._record.get("metadata") or {}
        kept = {"resourceVersion": meta["resourceVersion"]} if "resourceVersion" in meta else {}
        record = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": dict(kept),
            "spec": spec,
        }
        self._record = sound(await self.records.write(record, budget))

    def _hold(self, started: float) -> None:
        self.holder = self.identity
        self.valid_until = started + self.timing.renew_deadline

    def _lose(self, why: str) -> NoReturn:
        self.valid_until = 0.0
        metrics.LEADER.labels(self.name).set(0)
        raise LeaseLost(f"the lease {self.name} {why}")


def _is_answer(error: BaseException) -> bool:
    """Whether the API server said that it did not do it; 5xx may come too early to know."""
    return isinstance(error, ApiError) and 400 <= error.status < 500


def _version(record: dict[str, Any]) -> str:
    return str((record.get("metadata") or {}).get("resourceVersion") or "")


def _duration(spec: dict[str, Any]) -> int:
    return int(spec.get("leaseDurationSeconds") or 0)


def _transitions(spec: dict[str, Any]) -> int:
    """How often the lease was passed on; counted anew after a number that cannot be."""
    count = int(spec.get("leaseTransitions") or 0)
    return count if 0 <= count <= MOST_TRANSITIONS else 0


def _now() -> str:
    """RFC 3339 with six fractional digits: the API server takes nothing else."""
    return written(datetime.now(UTC), "microseconds")
