"""What a process does when it starts beside clusters at rest: little, and nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from natsctl.controllers.cluster import reconciler
from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.model.objects import Cluster
from natsctl.plan import engine
from natsctl.plan.actions import Plan
from natsctl.plan.decisions import Judged
from natsctl.plan.state import ClusterState
from tests.unit.controllers.virtual import Flight, flight, now

CLUSTER = "NatsCluster", "ns", "mine"

pytestmark = pytest.mark.looptime


async def ready(found: Flight, name: str = "mine") -> None:
    await found.until(lambda: found.condition(name, "Ready").get("status") == "True")


async def test_a_cluster_at_rest_takes_one_pass_and_two_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One to find out whom to ask, one with the answers; nothing is written."""
    counts = Counter[str]()

    def counted(of: type, name: str) -> None:
        call: Callable[..., Any] = getattr(of, name)

        def wrapped(*given: Any, **named: Any) -> Any:
            counts[name] += 1
            return call(*given, **named)

        monkeypatch.setattr(of, name, wrapped)

    async with flight() as found:
        await found.create("mine")
        await ready(found)
        world = found.world
    for of, name in ((reconciler.ClusterReconciler, "reconcile"), (ClusterCache, "state")):
        counted(of, name)
    world.requests.clear()
    async with flight(world) as found:
        (actor,) = found.fleet.actors.values()
        await found.until(lambda: actor.reconciler.actor_metrics.cluster is not None)
        shown = actor.reconciler.actor_metrics.cluster
        assert shown is not None
        assert [server.ready for server in shown.servers] == [True] * 3
    assert counts == {"reconcile": 1, "state": 2}
    assert world.requests == []


async def test_a_change_while_a_pass_decides_is_not_met_with_the_status_of_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That would be refused, and tried again later."""
    raced = list[float]()
    async with flight() as found:

        def raced_plan(state: ClusterState, known: Judged) -> Plan:
            decided = engine.plan(state, known)
            if not decided.queries and not decided.stages and not raced:
                raced.append(now())
                edited = found.world.api.edit(CLUSTER, {"spec": {"paused": True}})
                found.shared.stores.clusters.put(msgspec.convert(edited, Cluster))
            return decided

        monkeypatch.setattr(reconciler, "plan", raced_plan)
        await found.create("mine")
        await ready(found)
        assert found.status("mine")["controlPaused"]
        patches = [path for _, method, path in found.world.requests if method == "PATCH"]
        assert len(patches) == 2
    assert raced
