"""A server with streams is stopped on fresh answers only, however slow the writes before are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.unit.simulated import process
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import condition, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.jetstream import Servers
from tests.unit.simulated.process import virtual_clock
from tests.unit.simulated.requests import Fate, Request, refusal
from tests.unit.simulated.volumes import pod, with_volumes

pytestmark = pytest.mark.looptime
BUDGET = "PodDisruptionBudget"
NEWER = {"spec": {"version": "2.14.11"}}


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    found = Servers()
    monkeypatch.setattr(process, "look", found.look)
    return found


def now() -> float:
    return asyncio.get_running_loop().time()


def tries(asked: Request) -> bool:
    """Whether it asks if a server's next pod would be accepted."""
    return asked.kind == "Pod" and "dryRun" in asked.params


def stops(asked: Request) -> bool:
    return asked.kind == "Pod" and asked.method == "DELETE"


@attrs.define
class Way:
    """The way to the API server: what becomes of requests, and when servers were stopped."""

    fate: Callable[[Request], Fate | None] = lambda _: None
    stopped: list[tuple[float, str]] = attrs.field(factory=list)

    def __call__(self, asked: Request) -> Fate:
        """The plan of the API server."""
        if stops(asked):
            self.stopped.append((now(), asked.name))
        return self.fate(asked) or Fate()


async def rolled(way: Way, check: Callable[[ApiServer], None], seconds: float) -> None:
    """A cluster gets another version; it is looked at after so many seconds, and at its end."""
    with virtual_clock():
        api = (await with_volumes()).copy()
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            before = set(uids(api).values())
            api.plan = way
            api.edit(CLUSTER, NEWER)
            await asyncio.sleep(seconds)
            check(api)
            way.fate = lambda _: None
            await at_rest(api, operator, lambda api: is_ready(api) and all_new(api, before))
            await operator.stop()


def all_new(api: ApiServer, before: set[str]) -> bool:
    return not before & set(uids(api).values())


def reads_the_budget(asked: Request) -> bool:
    return asked.kind == BUDGET and asked.method == "GET" and asked.name != ""


BUSY = refusal(503, "ServiceUnavailable", "busy")
SLOW: dict[str, tuple[Callable[[Request], bool], list[Fate]]] = {
    "the budget": (reads_the_budget, [Fate(back=12.0)]),
    "the trial": (tries, [*[Fate(back=3.9, refused=BUSY)] * 2, Fate(back=4.0)]),
}


@pytest.mark.parametrize("slow", SLOW)
async def test_nobody_is_stopped_on_answers_older_than_ten_seconds(
    servers: Servers, slow: str
) -> None:
    """What is sent before may be slow, and be tried again."""
    ages: list[float] = []
    is_slow, fates = SLOW[slow]
    left = iter(fates)

    def fate(asked: Request) -> Fate | None:
        if stops(asked):
            ages.append(now() - servers.asked[-1])
        return next(left, None) if is_slow(asked) else None

    await rolled(Way(fate), lambda _: None, seconds=40)
    assert next(left, None) is None
    assert ages
    assert max(ages) <= 10.0


async def test_nobody_is_stopped_once_another_one_is_no_longer_as_it_was_judged(
    servers: Servers,
) -> None:
    way = Way()

    def fall(api: ApiServer) -> None:
        told: Any = api.objects[pod(1)]["status"]
        unready = [{"type": "Ready", "status": "False"}]
        api.edit(pod(1), {"status": {**told, "conditions": unready}})

    with virtual_clock():
        api = (await with_volumes()).copy()

        def fate(asked: Request) -> Fate | None:
            if not tries(asked):
                return None
            servers.well = False
            fall(api)
            return Fate(back=2.0)

        way.fate = fate
        async with running(api) as operator:
            await at_rest(api, operator, is_ready)
            api.plan = way
            api.edit(CLUSTER, NEWER)
            await asyncio.sleep(20)
            await operator.stop()
    assert not servers.well, "it was about to go"
    assert way.stopped == []


@pytest.mark.parametrize(
    "error", [refusal(403, "Forbidden", "no"), refusal(503, "ServiceUnavailable", "busy")]
)
async def test_nobody_is_stopped_before_nobody_else_may_be_evicted(error: Any) -> None:
    """Other writes that fail for long hold up nothing; this one does, and is told."""

    def fate(asked: Request) -> Fate | None:
        return Fate(refused=error) if asked.kind == BUDGET and asked.writes else None

    way = Way(fate)

    def check(api: ApiServer) -> None:
        assert way.stopped == []
        assert "PodDisruptionBudget c" in condition(api, "Degraded")["message"]

    await rolled(way, check, seconds=100)
    assert [name for _, name in way.stopped] == ["c-3", "c-2", "c-1"]
