"""Whoever may write Leases plants anything: no candidate crashes, none waits for ever, and no two
lead. One thing is believed: a holder's word that it let go.
"""

from __future__ import annotations

import asyncio
import copy
import json
from contextlib import suppress
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.controllers.runtime.lease import RELEASED, Lease, LeaseLost
from natsctl.controllers.runtime.lease_records import KubernetesRecords
from natsctl.kube.errors import Transient
from natsctl.kube.transport import Response
from tests.hostile_json import SMALL, fuzzed, raw
from tests.unit.controllers.leases import Memory, candidate, held, now

pytestmark = pytest.mark.looptime

INT32 = 2**31 - 1
WHO = st.sampled_from(["", "a", "b", "c", "x" * 100_000, "\x1b[2J\u202e", None])
MOMENTS = st.sampled_from(
    ["2020-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "noon", "", None]
)
SECONDS = st.sampled_from([0, 2, 15, 3600, INT32, -1, None])
COUNTS = st.sampled_from([0, 7, INT32 - 1, INT32, -1, -INT32, None])
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "holderIdentity": WHO,
        "leaseDurationSeconds": SECONDS,
        "acquireTime": MOMENTS,
        "renewTime": MOMENTS,
        "leaseTransitions": COUNTS,
        "strategy": st.just("OldestEmulationVersion"),
        "preferredHolder": WHO,
    },
)
PLANTS = st.lists(st.tuples(st.integers(1, 80), SPECS | st.none()), max_size=6)
"""When, and what is written over the Lease then; None: it is deleted."""


def plant(memory: Memory, spec: dict[str, Any] | None) -> None:
    """What somebody writes over the Lease; None: it is deleted."""
    if memory.record is not None:
        memory.delete() if spec is None else memory.edit(**spec)


@attrs.define
class Watched(Lease):
    """Looks whether anybody else leads when it begins to, or goes on."""

    others: list[Lease] = attrs.field(factory=list)

    def _hold(self, started: float) -> None:
        Lease._hold(self, started)
        held = [other.identity for other in self.others if other.held]
        assert len(held) == 1, f"{held} lead at {now():.2f}"


async def living(lease: Lease) -> None:
    """Lead, lose, and begin anew, as a process that its kubelet starts again."""
    while True:
        await lease.acquire()
        with suppress(LeaseLost):
            await lease.keep()
        lease._record, lease._free_at, lease._asked = {}, None, {}


@fuzzed(25)
@given(plants=PLANTS)
async def test_never_two_lead_and_in_the_end_one_does(plants: list[Any]) -> None:
    memory, loop = Memory(), asyncio.get_running_loop()
    leases: list[Lease] = []
    leases += [candidate(memory, name, kind=Watched, others=leases) for name in "abc"]
    for at, spec in plants:
        loop.call_later(at, plant, memory, spec)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(living(lease)) for lease in leases]
        await asyncio.sleep(180)
        assert sum(lease.held for lease in leases) == 1
        for task in tasks:
            task.cancel()


async def taken(memory: Memory, lease: Lease) -> float:
    """Seconds until a candidate has the Lease."""
    begun = now()
    async with asyncio.timeout(600):
        await lease.acquire()
    return now() - begun


async def test_years_that_somebody_wrote_are_not_waited_for() -> None:
    memory, _ = await held()
    memory.edit(leaseDurationSeconds=INT32, holderIdentity="nobody")
    assert 14 < await taken(memory, candidate(memory, "b")) < 65


async def test_a_holder_does_not_renew_what_others_wrote() -> None:
    """Else those who come after it would wait for as long as that says."""
    memory, lease = await held()
    keeping = asyncio.create_task(lease.keep())
    memory.edit(leaseDurationSeconds=INT32, acquireTime=None, strategy="x")
    await asyncio.sleep(5)
    keeping.cancel()
    assert lease.held
    assert memory.spec["leaseDurationSeconds"] == 15
    assert "strategy" not in memory.spec


@pytest.mark.parametrize("count", [INT32, INT32 - 1, -INT32])
async def test_a_count_at_its_end_keeps_nobody_out(count: int) -> None:
    memory, _ = await held()
    memory.edit(leaseTransitions=count, holderIdentity="")
    assert await taken(memory, candidate(memory, "b")) < 17


async def test_who_finds_its_own_name_there_did_not_write_it() -> None:
    memory, first = await held()
    second = candidate(memory, "b")
    taking = asyncio.create_task(second.acquire())
    await asyncio.sleep(3)
    memory.edit(holderIdentity="b")
    keeping = asyncio.create_task(first.keep())
    while not taking.done():
        assert not (first.held and second.held)
        await asyncio.sleep(0.05)
    assert not first.held
    keeping.cancel()
    with suppress(LeaseLost, asyncio.CancelledError):
        await keeping


async def test_an_old_claim_that_somebody_writes_again_is_none() -> None:
    """Its reply was lost, another one took the lease over, and then it is there once more."""
    memory = Memory()
    first, second = candidate(memory, "a"), candidate(memory, "b")
    memory.fault = "lost"
    trying = asyncio.create_task(first.acquire())
    await asyncio.sleep(0.5)
    memory.fault, claim = "", copy.deepcopy(memory.record)
    trying.cancel()
    await second.acquire()
    assert claim is not None
    keeping = asyncio.create_task(second.keep())
    memory.edit(**claim["spec"])
    taking = asyncio.create_task(first.acquire())
    for _ in range(400):
        assert not (first.held and second.held)
        await asyncio.sleep(0.05)
    for task in (keeping, taking):
        task.cancel()
    await asyncio.gather(keeping, taking, trying, return_exceptions=True)


async def test_a_release_is_believed_and_whoever_leads_notices_the_forged_one() -> None:
    """Nothing in the object can tell it from a true one. It costs the holder its lead."""
    memory, first = await held()
    second = candidate(memory, "b")
    keeping = asyncio.create_task(first.keep())
    taking = asyncio.create_task(second.acquire())
    await asyncio.sleep(5)
    memory.edit(holderIdentity="", leaseDurationSeconds=RELEASED)
    await taking
    await asyncio.sleep(first.timing.renew_period + 0.1)
    assert not first.held
    with pytest.raises(LeaseLost):
        await keeping


PARTS = st.sampled_from(
    [
        *(("spec", key) for key in ("holderIdentity", "leaseDurationSeconds", "leaseTransitions")),
        *(("spec", key) for key in ("acquireTime", "renewTime", "strategy")),
        *(("metadata", key) for key in ("resourceVersion", "managedFields", "annotations")),
        ("spec",),
        ("metadata",),
        ("else",),
    ]
)
GOOD = {
    "metadata": {"name": "l", "resourceVersion": "5"},
    "spec": {"holderIdentity": "x", "leaseDurationSeconds": 15, "leaseTransitions": 3},
}


class Bytes:
    """Gives the same bytes for every request."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def request(self, *_: Any, **__: Any) -> Response:
        await asyncio.sleep(0.01)
        return Response(200, self.body)


def changed(part: tuple[str, ...], value: Any) -> bytes:
    whole: Any = json.loads(json.dumps(GOOD))
    *way, last = part
    inner = whole
    for key in way:
        inner = inner[key]
    inner[last] = value
    return msgspec.json.encode(whole)


@fuzzed(60)
@given(part=PARTS, value=SMALL)
async def test_whatever_the_answer_is_nobody_crashes(part: tuple[str, ...], value: Any) -> None:
    await tried(changed(part, value))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"7", b"\xff", b"[" * 5000, b'{"spec":' * 5000]
)
async def test_an_answer_that_is_no_lease_crashes_nobody(body: bytes) -> None:
    await tried(body)


def records_of(body: bytes) -> KubernetesRecords:
    """A Lease on a server that says only this."""
    transport: Any = Bytes(body)
    return KubernetesRecords(transport, "ns", "l")


async def tried(body: bytes) -> None:
    """All that a lease does, for a minute each, on a server that says only this."""
    lease = Lease(records_of(body), identity="a")
    with suppress(TimeoutError):
        await asyncio.wait_for(lease.acquire(), 60)
    if lease.held:
        with suppress(LeaseLost, TimeoutError):
            await asyncio.wait_for(lease.keep(), 60)
    await lease.release()
    await lease.abandon()


async def test_what_is_no_lease_may_be_one_at_the_next_look() -> None:
    records = records_of(b"<html>")
    with pytest.raises(Transient, match="not a Lease"):
        await records.read(1)
    deep = changed(("metadata", "managedFields"), raw('{"a":' * 5000 + "1" + "}" * 5000))
    records = records_of(deep)
    assert (await records.read(1))["spec"] == GOOD["spec"]
