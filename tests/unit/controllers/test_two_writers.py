"""Never do two write: over all interleavings of slow requests, in virtual time.

What counts is when the API server carries a write out, not when somebody believes to lead.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsctl.controllers.runtime.lease import Lease, Timing
from natsctl.kube.errors import NotFound
from tests.unit.controllers.legs import Witness, kind_of, replica
from tests.unit.simulated.requests import NEVER, Fate, Plan, Request

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]

QUICK = Fate(0.01, 0.01, 0.01)
LAST = 8.0
"""When the holder's last renewal is asked for, at about."""


def slow(seconds: float) -> tuple[Fate, ...]:
    """Requests that take as long as they may, on each leg in turn and on all of them."""
    long, third = seconds - 0.05, seconds / 3 - 0.02
    return (
        Fate(there=long),
        Fate(work=long),
        Fate(back=long),
        Fate(there=third, work=third, back=third),
    )


def until_the_end(share: float, work: float) -> Plan:
    """A write that uses up this share of its time on the way, and this much in the API server."""
    return lambda asked: Fate(asked.seconds * share, asked.seconds * work, 0.01)


RENEWALS = (QUICK, *slow(4.0))
LOOKS = (QUICK, *slow(2.0))
CLAIMS = (QUICK, *slow(1.9)[1:3])
WRITES = (
    until_the_end(0.0, 0.01),
    until_the_end(0.99, 0.89),
    until_the_end(0.99, 0.0),
    until_the_end(0.5, 0.89),
)


def holder(renewal: Fate, write: Plan) -> Plan:
    """Quick at first; then one renewal goes like this, and no other arrives."""
    renewed: list[str] = []

    def plan(asked: Request) -> Fate:
        kind = kind_of(asked)
        if kind == "write":
            return write(asked)
        if asyncio.get_running_loop().time() < began + LAST:
            return QUICK
        renewed.append(kind)
        return renewal if len(renewed) == 1 else Fate(there=NEVER)

    began = asyncio.get_running_loop().time()
    return plan


def standby(look: Fate, claim: Fate) -> Plan:
    """Looks go like this while there is something to see, then quickly: nothing else delays it."""
    kinds = {"lease": claim, "write": QUICK}
    began = asyncio.get_running_loop().time()

    def plan(asked: Request) -> Fate:
        kind = kind_of(asked)
        seeing = asyncio.get_running_loop().time() < began + LAST + 7
        return (look if seeing else QUICK) if kind == "look" else kinds[kind]

    return plan


async def succession(first: Plan, second: Plan, kind: Callable[..., Lease] = Lease) -> Witness:
    """One leads and falls silent, another follows; what the API server saw."""
    witness, began = Witness(), asyncio.get_running_loop().time()
    lives = [asyncio.create_task(replica(witness, "a", first, kind).live())]
    await asyncio.sleep(1)
    lives.append(asyncio.create_task(replica(witness, "b", second, kind).live()))
    while len(witness.claims) < 2 and asyncio.get_running_loop().time() - began < 60:  # noqa: ASYNC110 - virtual
        await asyncio.sleep(1)
    await asyncio.sleep(5)
    await ended(lives)
    return witness


async def ended(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("renewal", RENEWALS, ids=str)
@pytest.mark.parametrize("write", WRITES, ids=["quick", "late, slow", "late", "slow"])
async def test_no_write_is_carried_out_once_another_leads(renewal: Fate, write: Plan) -> None:
    """However the last renewal, the looks of the other, its claim and the last writes go."""
    for look, claim in itertools.product(LOOKS, CLAIMS):
        random.seed(f"{renewal} {look} {claim}")
        witness = await succession(holder(renewal, write), standby(look, claim))
        assert not witness.intruders
        assert [who for _, who in witness.claims] == ["a", "b"]


async def test_who_waits_leads_within_17_seconds_of_a_sudden_end() -> None:
    """Waiting longer is what never two leaders may not cost."""
    for look in range(12):
        random.seed(look)
        witness = Witness()
        first, second = replica(witness, "a", standby(QUICK, QUICK)), None
        life = asyncio.create_task(first.live())
        second = asyncio.create_task(replica(witness, "b", standby(QUICK, QUICK)).live())
        await asyncio.sleep(20 + look / 6)
        died = asyncio.get_running_loop().time()
        await ended([life])
        await asyncio.sleep(20)
        await ended([second])
        (_, (led, who)) = witness.claims
        assert who == "b"
        assert led - died < 17


class Flat(Timing):
    """As it was: each write has the same time, however little of the lease is left."""

    def allowance(self, left: float) -> float:
        return 4.5


class CountsFromBefore(Lease):
    """As it was, too: the duration counts from before the look that showed a renewal."""

    async def _read_record(self) -> None:
        before = self.now()
        try:
            record = await self.records.read(self.timing.renew_period)
        except NotFound:
            record = {}
        known, found = self._record.get("spec") or {}, record.get("spec") or {}
        if found != known or self._free_at is None:
            self._free_at = self._free_from(known, found, before)
        self._record = record
        self.holder = found.get("holderIdentity") or ""


@pytest.mark.parametrize(
    ("kind", "write"),
    [(Lease, until_the_end(0.99, 0.89)), (CountsFromBefore, until_the_end(0.01, 0.89))],
)
async def test_this_model_finds_what_other_rules_let_through(
    kind: type[Lease], write: Plan
) -> None:
    found = []
    for look in (*LOOKS, Fate(back=1.9)):
        random.seed(1)
        earlier = partial(kind, timing=Flat())
        witness = await succession(holder(QUICK, write), standby(look, QUICK), earlier)
        found += witness.intruders
    assert found


SECONDS = st.sampled_from([0.0, 0.01, 0.4, 0.99, 1.3, 1.9, 2.1, 3.9, 4.4, NEVER])
REQUESTS = st.lists(st.builds(Fate, SECONDS, SECONDS, SECONDS), max_size=25)


def scripted(legs: list[Fate]) -> Plan:
    """One after the other as told, then quick."""
    rest = iter(legs)
    return lambda _: next(rest, QUICK)


@settings(max_examples=12, deadline=None)
@given(st.tuples(REQUESTS, REQUESTS, REQUESTS), st.integers())
async def test_whatever_happens_to_any_request_never_two_write(
    courses: tuple[list[Fate], ...], seed: int
) -> None:
    random.seed(seed)
    witness = Witness()

    async def live(who: str, legs: list[Fate]) -> None:
        course = scripted(legs)
        for term in itertools.count():
            await replica(witness, f"{who}{term}", course).live()

    lives = [asyncio.create_task(live(who, legs)) for who, legs in zip("abc", courses, strict=True)]
    await asyncio.sleep(60)
    await ended(lives)
    assert not witness.intruders
    assert witness.writes
