"""How long a write may take, what is known of it, and how long others wait, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from natsctl.controllers.runtime.lease import Timing
from natsctl.kube.errors import Conflict, Transient
from natsctl.kube.fence import WRITE_TIMEOUT
from tests.unit.controllers.leases import candidate, held, now
from tests.unit.simulated.requests import Fate

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("left", [0.001, 0.5, 1.0, 2.4, 4.0, 6.4, 6.6, 8.0, 10.0])
def test_a_write_that_passed_the_fence_ends_before_the_lease_may_pass_on(left: float) -> None:
    """Here while the lease is held; over there, where it may begin at the end of that, in time."""
    timing = Timing()
    allowed = timing.allowance(left)
    began = timing.renew_deadline - left
    assert 0 < allowed <= WRITE_TIMEOUT
    assert began + allowed <= timing.renew_deadline
    assert began + 2 * allowed <= timing.silence < timing.duration


def test_a_lease_that_is_renewed_in_time_leaves_every_write_its_whole_time() -> None:
    timing = Timing()
    assert timing.allowance(timing.renew_deadline - timing.renew_period - 1) == WRITE_TIMEOUT


async def test_a_lease_is_not_let_go_while_a_write_may_still_be_carried_out() -> None:
    """Whoever takes it would write beside that one."""
    _, lease = await held()
    with pytest.raises(Transient), lease.writing() as permit:
        raise Transient(0, "ConnectionLost", "timed out")
    assert lease.doubt == pytest.approx(2 * permit.seconds, abs=0.1)
    assert not await lease.release()
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(lease.doubt)
    assert await lease.release()
    keeping.cancel()


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (Conflict(409, "Conflict", "changed"), True),
        (Transient(429, "TooManyRequests", "later"), True),
        (Transient(500, "InternalError", "etcdserver: request timed out"), False),
        (asyncio.CancelledError(), False),
    ],
)
async def test_what_became_of_a_write_is_known_by_the_answer(
    error: BaseException, known: bool
) -> None:
    _, lease = await held()
    with pytest.raises(type(error)), lease.writing():
        raise error
    assert (lease.doubt == 0) is known


async def test_a_permit_counts_down_by_the_clock_of_the_lease() -> None:
    """A machine that was suspended since sends nothing any more."""
    nap = [0.0]
    _, lease = await held(asleep=lambda: nap[0])
    with lease.writing() as permit:
        await asyncio.sleep(1)
        assert permit.left() == pytest.approx(permit.seconds - 1)
        nap[0] = 60.0
        assert permit.left() < 0


@pytest.mark.parametrize("seconds", [0.0, 1.0, 1.9])
async def test_a_look_that_took_long_makes_nobody_impatient(seconds: float) -> None:
    """What it shows may have been written right before the answer."""
    memory, _ = await held()
    second = candidate(memory, "b", lambda _: Fate(there=0.01, back=seconds))
    taking = asyncio.create_task(second.acquire())
    await asyncio.sleep(seconds + 0.1)
    assert second._free_at == pytest.approx(now() - 0.1 + 15, abs=0.2)
    taking.cancel()
