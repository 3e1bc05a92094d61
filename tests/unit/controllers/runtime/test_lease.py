"""The lease in virtual time: never two holders, and never long without one."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsctl.controllers.runtime.lease import Lease, LeaseLost, suspended
from natsctl.kube.errors import Fenced
from tests.unit.controllers.leases import FAULTS, QUICK, Memory, candidate, failing, held, now
from tests.unit.simulated.requests import Fate, Request

pytestmark = pytest.mark.looptime


async def test_the_first_candidate_gets_it_at_once() -> None:
    memory = Memory()
    lease = candidate(memory, "a")
    with pytest.raises(Fenced):
        lease.check()
    await lease.acquire()
    lease.check()
    assert lease.held
    spec = memory.spec
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("a", 15)
    assert spec["leaseTransitions"] == 0
    assert len(spec["renewTime"].partition(".")[2]) == len("123456Z")


async def test_it_is_valid_from_before_the_request() -> None:
    memory = Memory()
    lease = candidate(memory, "a")
    started = now()
    await lease.acquire()
    assert lease.valid_until == pytest.approx(started + 10, abs=0.001)


async def test_a_kept_lease_stays_valid_and_is_not_taken() -> None:
    memory, first = await held()
    second = candidate(memory, "b")
    keeping = asyncio.create_task(first.keep())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second.acquire(), 3600)
    first.check()
    keeping.cancel()


async def test_a_released_lease_is_taken_within_two_seconds() -> None:
    memory, first = await held()
    second = candidate(memory, "b")
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(5)
    released = now()
    await first.release()
    with pytest.raises(Fenced):
        first.check()
    await waiting
    assert now() - released < 2
    assert memory.spec["leaseTransitions"] == 1


async def test_a_renewal_that_the_end_cut_off_does_not_hinder_the_release() -> None:
    """It was written, and nobody heard the reply: the object is newer than its holder knows."""
    memory, first = await held()
    second = candidate(memory, "b")
    waiting = asyncio.create_task(second.acquire())
    keeping = asyncio.create_task(first.keep())
    memory.fault = "lost"
    await asyncio.sleep(first.timing.renew_period + 0.1)
    keeping.cancel()
    memory.fault = ""
    released = now()
    assert await first.release()
    await waiting
    assert now() - released < 2


async def test_a_renewal_that_is_written_while_the_lease_goes_does_not_hinder_that() -> None:
    """The release reads the object anew, and meanwhile it changes once more."""
    memory, first = await held()

    memory.touch()
    asyncio.get_running_loop().call_later(0.025, memory.touch)
    assert await first.release()


@pytest.mark.parametrize("fault", ["", "lost"])
async def test_who_is_stopped_while_the_lease_becomes_theirs_lets_it_go(fault: str) -> None:
    """The API server has written it, and the one who asked ends before the answer is there."""
    memory = Memory()
    first, second = candidate(memory, "a"), candidate(memory, "b")
    acquiring = asyncio.create_task(first.acquire())
    memory.fault = fault
    while memory.record is None:  # noqa: ASYNC110 - the memory sets no Event
        await asyncio.sleep(0.001)
    acquiring.cancel()
    memory.fault = ""
    stopped = now()
    assert await first.abandon()
    assert not first.held
    await second.acquire()
    assert now() - stopped < 2


async def test_who_never_asked_for_the_lease_has_nothing_to_let_go() -> None:
    memory, _ = await held()
    requests, standby = memory.requests, candidate(memory, "b")
    assert not await standby.abandon()
    assert memory.requests == requests
    assert memory.spec["holderIdentity"] == "a"


async def test_what_another_holds_by_now_is_not_released() -> None:
    memory, first = await held()
    memory.edit(holderIdentity="b")
    before = memory.record
    assert not await first.release()
    assert memory.record == before
    assert not first.held


@pytest.mark.parametrize("delay", [0.0, 0.7, 1.9])
async def test_a_silent_holder_is_replaced_within_17_seconds(delay: float) -> None:
    memory, first = await held()
    second = candidate(memory, "b")
    await asyncio.sleep(delay)
    died = now()
    await second.acquire()
    assert 10 < now() - died < 17
    assert first.valid_until < now()


async def test_a_standby_waits_no_longer_than_it_has_to() -> None:
    """The lease's duration from when it saw the last renewal, at most one look after that one."""
    for step in range(60):
        memory, first = await held()
        second = candidate(memory, "b")
        keeping, taking = asyncio.create_task(first.keep()), asyncio.create_task(second.acquire())
        await asyncio.sleep(10 + step / 30)
        keeping.cancel()
        last = first.valid_until - first.timing.renew_deadline
        await taking
        assert 15 <= now() - last < 15 + 1.2 + 0.1


@pytest.mark.parametrize("fault", ["error", "hang"])
async def test_renewals_that_fail_until_the_deadline_lose_it(fault: str) -> None:
    memory, lease = await held()
    until = lease.valid_until
    memory.fault = fault
    with pytest.raises(LeaseLost):
        await lease.keep()
    assert now() == pytest.approx(until, abs=1.0)
    with pytest.raises(Fenced):
        lease.check()


@pytest.mark.parametrize("fault", ["error", "hang"])
async def test_the_fence_closes_at_the_deadline_whatever_the_renewal_does(fault: str) -> None:
    memory, lease = await held()
    memory.fault = fault
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(lease.valid_until - now() + 0.001)
    with pytest.raises(Fenced):
        lease.check()
    with suppress(LeaseLost):
        await keeping


async def test_a_failure_shorter_than_the_deadline_is_survived() -> None:
    memory, lease = await held()
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(1)
    memory.fault = "error"
    await asyncio.sleep(5)
    memory.fault = ""
    await asyncio.sleep(60)
    lease.check()
    keeping.cancel()


async def test_a_renewal_whose_reply_was_lost_is_repeated() -> None:
    memory, lease = await held()
    keeping = asyncio.create_task(lease.keep())
    memory.fault = "lost"
    await asyncio.sleep(4)
    memory.fault = ""
    await asyncio.sleep(60)
    lease.check()
    keeping.cancel()


async def test_an_edit_of_the_object_by_somebody_is_survived() -> None:
    memory, lease = await held()
    memory.touch()
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(60)
    lease.check()
    keeping.cancel()


async def test_a_stolen_lease_is_lost_at_once() -> None:
    memory, lease = await held()
    memory.edit(holderIdentity="b")
    with pytest.raises(LeaseLost, match="another process"):
        await asyncio.wait_for(lease.keep(), 5)


async def test_a_conflict_that_cannot_be_looked_into_counts_as_a_failure() -> None:
    memory, blind = Memory(), [False]
    lease = candidate(memory, "a", lambda asked: FAULTS["error" if unseen(asked) else ""])

    def unseen(asked: Request) -> bool:
        return blind[0] and asked.method == "GET"

    await lease.acquire()
    memory.touch()
    blind[0] = True
    with pytest.raises(LeaseLost):
        await lease.keep()


@pytest.mark.parametrize("fault", ["error", "hang"])
async def test_a_release_that_cannot_look_into_a_conflict_leaves_the_lease_to_expire(
    fault: str,
) -> None:
    memory, conflicts = Memory(), itertools.count()
    lease = candidate(memory, "a", lambda asked: FAULTS[fault if met(asked) else ""])

    def met(asked: Request) -> bool:
        return asked.method == "GET" and next(conflicts) > 0

    await lease.acquire()
    memory.touch()
    assert not await lease.release()
    assert not lease.held
    assert memory.spec["holderIdentity"] == "a"


async def test_a_release_that_others_are_always_faster_than_is_given_up() -> None:
    memory, lease = await held()

    def touched(asked: Request) -> Fate:
        if asked.method == "PUT":
            memory.touch()
        return QUICK

    memory.api.plan = touched
    assert not await lease.release()
    assert memory.spec["holderIdentity"] == "a"


async def test_a_process_that_stood_still_past_its_deadline_may_not_write() -> None:
    """Suspended, or blocked: when it goes on, the first thing it meets is the fence."""
    _, lease = await held()
    keeping = asyncio.create_task(lease.keep())
    lease.valid_until -= 10
    with pytest.raises(Fenced):
        lease.check()
    with pytest.raises(LeaseLost):
        await keeping


@pytest.mark.parametrize("jump", [-3600.0, 3600.0 * 24 * 365])
async def test_a_wall_clock_that_jumps_changes_nothing(
    jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither does the holder lose the lease, nor does a candidate take it from him."""
    memory, first = await held()
    second = candidate(memory, "b")
    keeping = asyncio.create_task(first.keep())
    waiting = asyncio.create_task(second.acquire())
    for hop in range(1, 20):
        moment = datetime.now(UTC) + timedelta(seconds=hop * jump / 20)
        monkeypatch.setattr("natsctl.controllers.runtime.lease.datetime", Clock(moment))
        await asyncio.sleep(7)
        first.check()
    assert not waiting.done()
    keeping.cancel()
    left = now()
    await waiting
    assert 12 < now() - left < 17


@attrs.frozen
class Clock:
    """A wall clock that goes on from a moment."""

    moment: datetime

    def now(self, zone: tzinfo) -> datetime:
        return (self.moment + timedelta(seconds=now())).astimezone(zone)


async def test_who_was_suspended_past_his_deadline_may_not_write() -> None:
    """The event loop's clock stood still meanwhile; that of the machine did not."""
    nap = [0.0]
    _, lease = await held(asleep=lambda: nap[0])
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(30)
    lease.check()
    nap[0] = 60.0
    with pytest.raises(Fenced):
        lease.check()
    with pytest.raises(LeaseLost, match="passed its deadline"):
        await keeping


def test_time_asleep_never_runs_backwards() -> None:
    assert 0 <= suspended() <= suspended() + 0.1


async def test_whoever_lives_tries_again_and_again() -> None:
    """Whether it works or not: a standby that finds a holder, a leader whom nobody answers."""
    memory, first = await held()
    second = candidate(memory, "b")
    waiting = asyncio.create_task(second.acquire())
    keeping = asyncio.create_task(first.keep())
    for fault in ("", "hang", "", "error", ""):
        memory.fault = fault
        await asyncio.sleep(5)
        assert now() - second.tried < 6
        assert now() - first.tried < 6
    waiting.cancel()
    keeping.cancel()


async def test_nobody_releases_what_he_does_not_hold() -> None:
    memory = Memory()
    lease = candidate(memory, "a")
    assert not await lease.release()
    assert memory.requests == 0
    await lease.acquire()
    memory.fault = "error"
    assert not await lease.release()  # it expires by itself
    assert not lease.held


async def test_an_acquisition_whose_reply_was_lost_is_finished_and_not_waited_out() -> None:
    """The record names us: nobody else can hold it."""
    memory = Memory(fault="lost")
    lease = candidate(memory, "a")
    waiting = asyncio.create_task(lease.acquire())
    await asyncio.sleep(0.5)
    assert not lease.held
    memory.fault = ""
    started = now()
    await waiting
    assert now() - started < 2
    lease.check()


SPOILT = st.lists(
    st.tuples(st.sampled_from(["", "", "error", "hang", "late"]), st.integers(1, 20)), max_size=12
)


@attrs.define
class Wire:
    """One candidate's own way to the API server, which fails by itself."""

    memory: Memory
    fault: str = ""

    def candidate(self, name: str) -> Exclusive:
        """Who goes that way."""
        return candidate(self.memory, name, failing(lambda: self.fault), kind=Exclusive)


class Exclusive(Lease):
    """A lease that looks, whenever it gets to be held longer, whether anybody else still is."""

    others: list[Exclusive]

    def _hold(self, started: float) -> None:
        super()._hold(started)
        assert not any(other.held for other in self.others if other is not self)


async def struggle(wires: list[Wire], faults: list[list[tuple[str, int]]]) -> list[Exclusive]:
    """Candidates that compete through their own failing networks, then in peace for a minute."""
    leases = [w.candidate(n) for w, n in zip(wires, "abc", strict=True)]

    async def live(lease: Exclusive) -> None:
        while True:
            await lease.acquire()
            with suppress(LeaseLost):
                await lease.keep()

    async def spoil(wire: Wire, plan: list[tuple[str, int]]) -> None:
        for wire.fault, seconds in plan:
            await asyncio.sleep(seconds)
        wire.fault = ""

    for lease in leases:
        lease.others = leases
    living = [asyncio.create_task(live(lease)) for lease in leases]
    await asyncio.gather(*(spoil(w, f) for w, f in zip(wires, faults, strict=True)))
    await asyncio.wait(living, timeout=60, return_when=asyncio.FIRST_EXCEPTION)
    for task in living:
        if task.done():
            task.result()
        task.cancel()
    return leases


@settings(max_examples=25, deadline=None)
@given(st.tuples(SPOILT, SPOILT, SPOILT))
async def test_through_failing_networks_never_two_hold_it_and_in_the_end_one_does(
    faults: tuple[list[tuple[str, int]], ...],
) -> None:
    memory = Memory()
    leases = await struggle([Wire(memory) for _ in range(3)], list(faults))
    assert sum(lease.held for lease in leases) == 1


async def test_of_many_candidates_at_most_one_may_write_at_any_time() -> None:
    """For half an hour in which the holder dies or stops, over and over."""
    memory = Memory()
    leases = [candidate(memory, name) for name in "abc"]

    async def live(lease: Lease, ways: str) -> None:
        for way in ways * 20:
            await lease.acquire()
            keeping = asyncio.create_task(lease.keep())
            await asyncio.sleep(11)
            keeping.cancel()
            if way == "r":
                await lease.release()
            await asyncio.sleep(3)

    async def watch() -> None:
        while True:
            assert sum(lease.held for lease in leases) <= 1
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    living = [
        asyncio.create_task(live(x, w)) for x, w in zip(leases, ["rk", "kr", "rr"], strict=True)
    ]
    await asyncio.wait([watching, *living], timeout=1800, return_when=asyncio.FIRST_EXCEPTION)
    assert not watching.done()
    for task in (watching, *living):
        task.cancel()
