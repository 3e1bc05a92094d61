"""Which servers are looked at, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from natsctl.controllers.cluster.answerers.jetstream import look
from natsctl.controllers.cluster.cache import LOOKS_KEPT, ClusterCache
from natsctl.model.jetstream import Asset, Group, JetStreamReport
from natsctl.model.objects import Pod
from natsctl.nats import jetstream
from natsctl.nats.gate import Gate
from natsctl.nats.monitoring import Monitor, Place
from natsctl.plan.queries import LOOKS, JetStreamLook
from natsctl.plan.servers.server import run_id
from tests.unit.controllers.cluster.answerers.test_probe import STATE, cache_of, pod

pytestmark = pytest.mark.looptime

ASSET = Asset("APP", "orders")


async def looked(monkeypatch: pytest.MonkeyPatch, *pods: Pod, times: int = 1) -> ClusterCache:
    """The cache after some looks, one second apart; each finds one report for each server."""

    async def found(
        gate: Gate, places: Mapping[str, Place], tls: object, cluster: object
    ) -> dict[str, JetStreamReport]:
        assert (gate, tls, cluster) == (cache.monitor.gate, None, ("ns", "c"))
        await asyncio.sleep(0.5)
        assert sum(gate.allowance.kept.values()) <= len(places) * (LOOKS - 1)
        gate.allowance.take(cache.key, len(places))
        groups = {ASSET: Group(ASSET, 3)}
        return {uid: JetStreamReport(it.address, groups=groups) for uid, it in places.items()}

    monkeypatch.setattr(jetstream, "look", found)
    cache = cache_of(Monitor(), *pods)  # type: ignore[arg-type] # asks nobody here
    for _ in range(times):
        await look([JetStreamLook(), JetStreamLook(5.0)], cache, STATE)
        await asyncio.sleep(0.5)
    return cache


async def test_all_servers_of_the_cluster_are_asked_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger = pod(None, name="c-3", uid="s")
    cache = await looked(monkeypatch, pod(), pod(name="c-2", uid="q"), stranger)
    (kept,) = cache.looks
    assert set(kept.reports) == {"p", "q"}
    assert kept.reports["p"].name == "10.0.0.1"


async def test_what_is_kept_is_known_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever becomes of the cluster: others may need the room."""
    cache = await looked(monkeypatch, pod())
    assert cache.looks_end() == pytest.approx(LOOKS_KEPT - 1)
    await asyncio.sleep(LOOKS_KEPT)
    assert cache.looks_end() == 0
    cache.keep_looks(())
    assert cache.looks_end() is None


async def test_a_look_has_the_moment_before_it_and_the_runs_of_all_pods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, found = asyncio.get_running_loop().time(), pod()
    (kept,) = (await looked(monkeypatch, found)).looks
    assert kept.began == began
    assert kept.runs == {"p": run_id(found)}


async def test_only_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    began = asyncio.get_running_loop().time()
    cache = await looked(monkeypatch, pod(), times=LOOKS + 2)
    assert [kept.began - began for kept in cache.looks] == [2.0, 3.0]


async def test_what_was_said_before_a_change_of_ours_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = await looked(monkeypatch, pod(), times=2)
    first, second = cache.looks
    cache.drop_looks(first.began - 1)
    assert cache.looks == (first, second)
    cache.drop_looks(first.began)
    assert list(cache.looks) == [second]


async def test_what_is_kept_is_counted_for_all_clusters_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = await looked(monkeypatch, pod(), pod(name="c-2", uid="q"), times=LOOKS + 1)
    counted = cache.monitor.gate.allowance.kept
    assert counted == {("ns", "c"): 2 * LOOKS}
    cache.drop_looks(cache.looks[0].began)
    assert counted == {("ns", "c"): 2}
    cache.keep_looks(())
    assert counted == {}


async def test_a_look_that_ends_early_leaves_what_there_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = await looked(monkeypatch, pod())
    before = cache.looks

    async def fails(gate: Gate, *_: object) -> dict[str, JetStreamReport]:
        gate.allowance.take(cache.key, 7)
        raise asyncio.CancelledError

    monkeypatch.setattr(jetstream, "look", fails)
    with pytest.raises(asyncio.CancelledError):
        await look([JetStreamLook()], cache, STATE)
    assert cache.looks == before
    assert cache.monitor.gate.allowance.kept == {("ns", "c"): 1}
