"""When servers are asked of JetStream: only while a rule needs it. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

import attrs
import pytest

from natsctl.controllers.cluster import reconciler
from natsctl.controllers.cluster.answerers.registry import answer
from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.model.jetstream import Asset, Group, JetStreamReport
from natsctl.model.jetstream_look import Look
from natsctl.nats.allowance import Allowance
from natsctl.nats.gate import Gate
from natsctl.nats.monitoring import Place
from natsctl.plan import engine
from natsctl.plan.context import Context
from natsctl.plan.queries import APART, JetStreamLook, Query
from natsctl.plan.rules import rule
from natsctl.plan.rules.registry import RULES
from natsctl.plan.rules.rule import Decision, Rule
from natsctl.plan.state import ClusterState
from tests.unit.simulated import process as simulated
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import SPEC, cluster
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.process import installed, virtual_clock

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]


ASSET = Asset("APP", "orders")


@attrs.define
class Asker:
    """Servers in memory, and a rule that may need to know of their JetStream.

    `wants` is how fresh it has to be; None: it does not need to know. `seen` is what it was given.
    Each server tells of one stream, which is counted in `allowance`.
    """

    wants: float | None = None
    asked: list[float] = attrs.field(factory=list)
    servers: list[set[str]] = attrs.field(factory=list)
    seen: list[ClusterState] = attrs.field(factory=list)
    allowance: Allowance = attrs.field(factory=Allowance)

    async def look(
        self,
        node: object,
        gate: Gate,
        places: Mapping[str, Place],
        tls: object,
        cluster: tuple[str, str],
    ) -> dict[str, JetStreamReport]:
        """What `natsctl.nats.jetstream.look` does."""
        assert cluster == ("ns", "c")
        self.asked.append(asyncio.get_running_loop().time())
        self.servers.append({place.name or "" for place in places.values()})
        self.allowance = gate.allowance
        self.allowance.begin(cluster)
        await asyncio.sleep(0.3)
        assert self.allowance.take(cluster, len(places))
        groups = {ASSET: Group(ASSET, 1)}
        return {uid: JetStreamReport(it.name or "", groups=groups) for uid, it in places.items()}

    def decide(self, context: Context) -> Decision:
        """The rule."""
        self.seen.append(context.state)
        if self.wants is None:
            return Decision()
        return Decision(queries=frozenset({JetStreamLook(self.wants)}))

    def looks(self) -> tuple[Look, ...]:
        """What it was given last."""
        return self.seen[-1].jetstream

    def between(self, start: float, end: float) -> list[float]:
        """When it was asked, from one moment to another."""
        return [at for at in self.asked if start <= at < end]


@pytest.fixture
def asker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    found = Asker()
    monkeypatch.setattr(simulated, "look", found.look)
    monkeypatch.setattr(engine, "RULES", (*RULES, Rule(found.decide, rule.NOTES)))
    with virtual_clock():
        yield found


async def one() -> ApiServer:
    api = installed()
    api.add(cluster())
    return api


def touch(api: ApiServer) -> None:
    """Something about the cluster changes that means nothing."""
    api.edit(CLUSTER, {"metadata": {"labels": {"changed": str(now())}}})


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_nobody_is_asked_while_no_rule_needs_it(asker: Asker) -> None:
    """As none does for a cluster without JetStream."""
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        await asyncio.sleep(130)
    assert asker.asked == []
    assert all(state.jetstream == () for state in asker.seen)


@pytest.mark.parametrize(("freshness", "times"), [(20.0, 1), (60.0, 1), (120.0, 2)])
async def test_all_servers_are_asked_once_in_each_freshness_and_twice_if_that_is_long(
    asker: Asker, freshness: float, times: int
) -> None:
    """The look before is the first of the two, unless it is too old."""
    asker.wants = freshness
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        await asyncio.sleep(5)
        begin, rounds = now(), 5
        await asyncio.sleep(rounds * freshness)
    asked = asker.between(begin, begin + rounds * freshness)
    assert abs(len(asked) - times * rounds) <= 1
    assert all(later - before >= APART for before, later in pairwise(asked))
    assert all(len(servers) == SPEC["size"] for servers in asker.servers[-len(asked) :])


async def test_at_rest_a_cluster_is_looked_at_once_a_minute(asker: Asker) -> None:
    """With the freshness that is meant for a status, whatever minute of some hours it is."""
    asker.wants = JetStreamLook().freshness
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        begin = now()
        await asyncio.sleep(10_000)
    for start in range(60, 9_900, 7):
        assert len(asker.between(begin + start, begin + start + JetStreamLook().freshness)) == 1


async def test_a_rule_gets_two_looks_and_waits_until_it_has_them(asker: Asker) -> None:
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        asker.wants, begin = 10.0, now()
        touch(api)
        await asyncio.sleep(3)
    first, second = asker.asked
    assert begin <= first < begin + 0.5
    assert second - first == pytest.approx(APART)
    assert [look.began for look in asker.looks()] == [first, second]
    assert {said.name for look in asker.looks() for said in look.reports.values()}


async def test_looks_at_servers_that_are_no_longer_these_are_dropped(asker: Asker) -> None:
    asker.wants = 120.0
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        await asyncio.sleep(5)
        assert len(asker.looks()) == 2
        before = asker.asked[-1]
        asker.wants = None
        api.edit(CLUSTER, {"spec": {"size": 4}})
        await asyncio.sleep(20)
        assert asker.asked[-1] == before
        assert asker.looks() == ()


async def test_looks_that_nobody_wants_again_are_dropped(asker: Asker) -> None:
    asker.wants = 120.0
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        await asyncio.sleep(5)
        asker.wants = None
        await asyncio.sleep(700)
        assert asker.looks() == ()


def removed(api: ApiServer) -> None:
    api.remove(CLUSTER)


def on_its_way(api: ApiServer) -> None:
    """Somebody's finalizer keeps it."""
    meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/late"]}
    api.edit(CLUSTER, {"metadata": meta})


def taken(api: ApiServer) -> None:
    """Another installation, which lives, says that it manages it."""
    meta = {"name": "nats-operator", "namespace": "other"}
    api.add({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta})
    api.edit(CLUSTER, {"status": {"operator": "other/nats-operator"}})


@pytest.mark.parametrize("change", [removed, on_its_way, taken])
async def test_what_is_no_longer_held_is_no_longer_counted(
    asker: Asker, change: Callable[[ApiServer], None]
) -> None:
    """Others get the room at once, and what the cluster needed is not kept free for it."""
    asker.wants = 120.0
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        await asyncio.sleep(5)
        assert asker.allowance.kept == {("ns", "c"): 6}
        change(api)
        await asyncio.sleep(2)
    assert asker.allowance == Allowance()


async def test_looks_that_are_replaced_are_not_held_while_servers_are_asked(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = list[int]()

    async def noted(queries: Iterable[Query], cache: ClusterCache, state: ClusterState) -> None:
        held.append(len(state.jetstream))
        await answer(queries, cache, state)

    monkeypatch.setattr(reconciler, "answer", noted)
    asker.wants = 10.0
    api = await one()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        await asyncio.sleep(60)
    assert len(asker.looks()) == 2
    assert set(held) == {0}
