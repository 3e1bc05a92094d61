"""How the process starts, leads and ends, whatever it may not do."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import attrs
import pytest

from natsctl.controllers import supervisor
from natsctl.controllers.cluster import reconciler
from natsctl.controllers.cluster.identity import PUBLIC, SECRET, SEED
from natsctl.controllers.runtime import computing
from natsctl.controllers.runtime.crd_revision import SchemaTooOld
from natsctl.controllers.runtime.lease import LeaseLost
from natsctl.model import names
from natsctl.plan import actions as planning
from natsctl.plan import engine
from natsctl.plan.decisions import Judged
from natsctl.plan.state import ClusterState
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, settled, three_servers, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import (
    SETTINGS,
    Line,
    Process,
    encoded,
    installed,
    virtual_clock,
    writes,
)
from tests.unit.simulated.requests import Fate, Plan, Request, lost_reply, refusal, well

pytestmark = pytest.mark.looptime

LEASE = ("Lease", "ns", "nats-operator")
KEY = ("Secret", "ns", SECRET)
CRD = ("CustomResourceDefinition", "", "natsclusters.nats.io")
SERIES = 'natsctl_cluster_info{nats_namespace="ns",nats_cluster="c"'
FORBIDDEN = Fate(refused=refusal(403, "Forbidden", "no right"))


def refusing(fate: Fate, *meant: tuple[str, str]) -> Plan:
    """A fate for requests of these methods and kinds."""
    return lambda asked: fate if (asked.method, asked.kind) in meant else well(asked)


def leases_taken(api: ApiServer) -> str:
    """Who holds the lease."""
    return str(api.objects[LEASE]["spec"]["holderIdentity"])


@pytest.mark.parametrize("revision", ["0", "", None])
async def test_it_does_not_start_with_definitions_that_are_too_old(revision: str | None) -> None:
    with virtual_clock():
        api = installed()
        notes = {names.SCHEMA_REVISION_ANNOTATION: revision}
        api.edit(CRD, {"metadata": {"annotations": notes}})
        process = Process(Line(api), Node(api))
        process.start()
        error = await process.ended()
        assert isinstance(error, SchemaTooOld)
        assert "natsctl crds | kubectl apply" in str(error)
        assert LEASE not in api.objects


async def test_nor_without_them() -> None:
    with virtual_clock():
        api = installed()
        api.remove(CRD)
        process = Process(Line(api), Node(api))
        process.start()
        assert "is not installed" in str(await process.ended())


async def test_a_namespaced_installation_that_may_not_read_them_starts() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster())
        api.plan = refusing(FORBIDDEN, ("GET", CRD[0]))
        settings = attrs.evolve(SETTINGS, cluster_scoped=False)
        async with running(api, settings=settings) as process:
            await at_rest(api, process, is_ready)


async def test_a_namespaced_installation_leaves_other_namespaces_alone() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster())
        api.add(cluster(name="d", namespace="elsewhere"))
        settings = attrs.evolve(SETTINGS, cluster_scoped=False)
        async with running(api, settings=settings) as process:
            await at_rest(api, process, is_ready)
        assert {asked.namespace for asked in writes(api)} == {"ns"}


async def test_a_standby_that_is_stopped_leaves_the_lease_to_its_holder() -> None:
    with virtual_clock():
        api = installed()
        async with running(api) as first:
            await at_rest(api, first, lambda _: True)
            second = Process(Line(api), first.node, "second")
            second.start()
            await asyncio.sleep(30)
            assert all(not check() for check in second.probes[1].values())
            await second.stop()
            assert first.leads()
            await asyncio.sleep(10)
            assert first.leads()


async def test_who_is_stopped_before_everything_is_known_has_written_nothing() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster())
        api.plan = lambda asked: Fate(there=60) if asked.kind == "Pod" else well(asked)
        async with running(api) as process:
            await asyncio.sleep(5)
            assert any(check() for check in process.probes[1].values())
            await process.stop()
        assert writes(api) == []
        assert LEASE not in api.objects


async def test_the_next_leads_soon_after_a_stop_and_finds_nothing_to_do() -> None:
    with virtual_clock():
        api = await three_servers()
        before = len(writes(api))
        async with running(api, name="second") as second:
            await asyncio.sleep(4)
            assert second.leads()
            await at_rest(api, second, is_ready)
        assert len(writes(api)) == before


async def test_who_cannot_renew_ends_and_says_why() -> None:
    with virtual_clock():
        api = installed()
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            api.plan = refusing(Fate(refused=lost_reply()), ("PUT", "Lease"))
            error = await process.ended()
        assert isinstance(error, LeaseLost)


async def test_a_lease_that_ends_before_the_first_write_ends_the_process() -> None:
    """Reading the operator's Secret took too long: whoever leads by now makes another one."""
    with virtual_clock():
        api = installed()
        api.remove(KEY)
        api.plan = late_key
        async with running(api) as process:
            error = await process.ended()
        assert isinstance(error, LeaseLost)
        assert "before the first write" in str(error)
        assert KEY not in api.objects


def late_key(asked: Request) -> Fate:
    return Fate(there=11.0) if asked.where == KEY else well(asked)


async def test_the_secret_of_the_operator_is_made_once() -> None:
    with virtual_clock():
        api = installed()
        api.remove(KEY)
        api.add(cluster())
        await settled(api)
        data = api.objects[KEY]["data"]
        assert set(data) == {SEED, PUBLIC}
        async with running(api, name="second") as process:
            await at_rest(api, process, is_ready)
        assert api.objects[KEY]["data"] == data


async def test_a_secret_without_a_key_is_given_one() -> None:
    with virtual_clock():
        api = installed()
        api.edit(KEY, {"data": {SEED: encoded("nonsense")}})
        api.add(cluster())
        await settled(api)
        assert api.objects[KEY]["data"][SEED] != encoded("nonsense")


async def test_without_the_right_to_that_secret_servers_are_restarted_for_changes() -> None:
    """Nobody can ask them to reload."""
    with virtual_clock():
        api = installed()
        api.plan = lambda asked: FORBIDDEN if asked.where == KEY else well(asked)
        api.add(cluster({"size": 1, "version": "2.11.4"}))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            before = uids(api)
            api.edit(CLUSTER, {"spec": {"natsConfig": {"debug": True}}})
            await at_rest(api, process, is_ready)
        assert uids(api) != before


async def test_labels_of_namespaces_count_for_an_installation_that_reads_them() -> None:
    """A role that selects namespaces is for the accounts in those, as soon as they are labelled."""
    with virtual_clock():
        api = installed()
        api.add(cluster({"size": 1, "version": "2.11.4", "auth": {"enableServiceAccounts": True}}))
        for namespace in ("team", "else"):
            api.add({"kind": "Namespace", "metadata": {"name": namespace}})
            meta: dict[str, Any] = {"name": "worker", "namespace": namespace}
            api.add({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        selection = {"selector": {"matchLabels": {"nats": "yes"}}}
        meta = {"name": "worker", "namespace": "ns", "labels": {"nats_cluster": "c"}}
        spec = {"permissions": {}, "serviceAccountNamespaces": selection}
        api.add({"kind": "NatsServiceRole", "metadata": meta, "spec": spec})
        settings = attrs.evolve(SETTINGS, selectors=True)
        async with running(api, settings=settings) as process:
            await asyncio.sleep(10)
            assert tokens(api) == []
            api.edit(("Namespace", "", "team"), {"metadata": {"labels": {"nats": "yes"}}})
            await asyncio.sleep(60)
            assert tokens(api) == ["team"]
            api.edit(("Namespace", "", "team"), {"metadata": {"labels": {"nats": None}}})
            await asyncio.sleep(60)
            await at_rest(api, process, lambda _: True)
        assert tokens(api) == []
        assert condition(api, "ConfigAccepted")["reason"] == "NobodyAllowed"


def tokens(api: ApiServer) -> list[str]:
    """The namespaces of Secrets with tokens."""
    return [where[1] for where in api.objects if where[2].endswith("-bound-token")]


async def test_a_leader_shows_its_clusters_and_a_standby_none() -> None:
    with virtual_clock():
        api = await three_servers()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            assert SERIES in await process.series()
            second = Process(Line(api), process.node, "second")
            second.start()
            await asyncio.sleep(5)
            assert SERIES not in await second.series()
            await second.stop()


async def test_passes_under_way_when_the_process_stops_may_finish_or_are_cut() -> None:
    """The lease is let go in any case, once nothing more can come of what was sent."""
    with virtual_clock():
        api = await three_servers()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.plan = refusing(Fate(there=60.0), ("PATCH", "Secret"))
            api.edit(CLUSTER, {"spec": {"natsConfig": {"debug": True}}})
            await asyncio.sleep(0.5)
            began = asyncio.get_running_loop().time()
            await process.stop()
            assert asyncio.get_running_loop().time() - began < 20
        assert leases_taken(api) == ""


async def test_a_leader_of_many_clusters_never_keeps_its_event_loop_from_the_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned_by_round = [0]

    def counted(state: ClusterState, known: Judged) -> planning.Plan:
        if not planned_by_round[-1]:
            asyncio.get_running_loop().call_soon(planned_by_round.append, 0)
        planned_by_round[-1] += 1
        return engine.plan(state, known)

    with virtual_clock():
        api = installed()
        for number in range(40):
            api.add(cluster(name=f"c{number}"))
        async with running(api) as process:
            await asyncio.sleep(60)
            await process.stop()
        monkeypatch.setattr(reconciler, "plan", counted)
        async with running(api):
            await asyncio.sleep(30)
    assert sum(planned_by_round) >= 80
    assert max(planned_by_round) <= supervisor.AT_ONCE


async def test_what_clusters_need_is_computed_where_nothing_else_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever namespaces have to compute: not in the threads of the event loop."""
    where, plan = set[str](), engine.plan

    def noted(state: ClusterState, known: Judged) -> planning.Plan:
        where.add(threading.current_thread().name.partition("_")[0])
        return plan(state, known)

    monkeypatch.setattr(computing, "LIGHT", -1)
    monkeypatch.setattr(reconciler, "plan", noted)
    with virtual_clock():
        api = installed()
        api.add(cluster())
        await settled(api)
    assert where == {"clusters"}
