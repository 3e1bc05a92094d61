"""The steps of the demo, in order, each of them verified."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import yaml

from demo import report, storing
from demo.clusters import Watched, apply, manifest
from demo.follow import Follower
from demo.operator import ROOT, Release, served
from demo.picture import svg
from demo.stage import Stage
from demo.teller import DemoFailed
from demo.traffic import Traffic, flowing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from demo.kubectl import Kubectl
    from demo.place import Place
    from demo.teller import Teller

OLD, NOW, NEXT = "2.0.0", "2.12.15", "2.14.10"
FIRST, SECOND = "example-nats-cluster", "nats-demo"
STEPS = 9 + storing.STEPS
OF_CLIENTS = 2 + storing.STEPS
"""Steps that need clients."""
NO_CLIENTS = """
Without clients: this machine cannot reach the pods of the cluster. The demo still queries the
version and the routes of every server, through the API server."""
PICTURE = ROOT / "build" / "demo.svg"
WARM_UP = 2.0
"""Seconds of traffic before the first change."""


async def play(place: Place, teller: Teller) -> None:
    """The whole demo; raises DemoFailed at the first thing that is not as it must be."""
    kubectl = place.kubectl
    with teller.step("Install natsctl"):
        await _prepare(place, kubectl, teller)
    stage = Stage(
        place, kubectl, teller, Follower(kubectl, "natsclusters"), Follower(kubectl, "pods")
    )
    async with _following(stage):
        if place.clients:
            await _side_by_side(stage)
        else:
            await _create(stage)
            teller.say(NO_CLIENTS)
            await _change(stage, None)
        last = f"$ kubectl get nats\n{(await kubectl.run('get', 'nats')).strip()}"
        teller.say(f"\n{last}")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(svg(teller.progress.told, last.splitlines()))
    teller.say(f"\na picture of this: {PICTURE.relative_to(ROOT)}")


async def _side_by_side(stage: Stage) -> None:
    """Servers that pass messages on, and servers that store them."""
    async with asyncio.TaskGroup() as group:
        group.create_task(storing.keep_streams(attrs.evolve(stage, teller=stage.teller.beside())))
        await _create(stage)
        await _change_under_clients(stage)


async def _prepare(place: Place, kubectl: Kubectl, teller: Teller) -> None:
    if kubectl.namespace != "default":
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kubectl.namespace}}
        await apply(kubectl, space)
    teller.say(await place.operator.start())
    await served(kubectl)
    await kubectl.run(
        *("delete", "natsclusters", FIRST, SECOND, storing.NAME),
        *("--ignore-not-found", "--cascade=foreground"),
    )


@asynccontextmanager
async def _following(stage: Stage) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(f.run()) for f in (stage.clusters, stage.pods)]
        yield
        for task in tasks:
            task.cancel()


async def _create(stage: Stage) -> None:
    teller = stage.teller
    for name, version, what in (
        (FIRST, OLD, "The first manifest of the README, from 2019: three servers, version 2.0.0"),
        (SECOND, NOW, "Another cluster with a current version: three servers, version 2.12.15"),
    ):
        with teller.step(what):
            document = manifest(f"{name}.yaml")
            teller.say(yaml.safe_dump(document, sort_keys=False).strip())
            teller.say(f"$ kubectl apply -f {name}.yaml\n{await apply(stage.kubectl, document)}")
            teller.say(await stage.watched(name).settled(3, version))
    teller.say(f"$ kubectl get nats\n{(await stage.kubectl.run('get', 'nats')).strip()}")


async def _change_under_clients(stage: Stage) -> None:
    hosts = [f"{SECOND}-{i}.{SECOND}-mgmt.{stage.kubectl.namespace}.svc" for i in range(1, 6)]
    async with flowing(hosts, present=3) as traffic:
        with stage.teller.step("Two clients on different servers start to communicate"):
            await _talking(stage, traffic)
        await _change(stage, traffic)
    with stage.teller.step("Count what the clients sent and received", figures=True):
        stage.teller.say(report.traffic(traffic, stage.teller.began))
        report.check(traffic)


async def _talking(stage: Stage, traffic: Traffic) -> None:
    await asyncio.sleep(WARM_UP)
    if not traffic.tally.acknowledged or not traffic.tally.heard:
        raise DemoFailed("expected replies and messages to flow; none came")
    for client in ("asking", "answering"):
        stage.teller.say(f"the {client} client is on {traffic.seats.pod(client)}")


async def _change(stage: Stage, traffic: Traffic | None) -> None:
    cluster = stage.watched(SECOND)
    with stage.teller.step("Scale it from 3 to 5"):
        await _scale_up(stage, cluster)
    if traffic is not None:
        traffic.seats.present = 5
    with stage.teller.step("Kill a server: its pod is deleted without a graceful shutdown"):
        await _kill(stage, cluster, traffic)
    with stage.teller.step(_upgrading(stage)):
        await _upgrade(stage, cluster)
    if traffic is not None:
        traffic.seats.present = 3
    with stage.teller.step("Scale it back to 3"):
        await _scale_down(stage, cluster)


async def _scale_up(stage: Stage, cluster: Watched) -> None:
    change = cluster.begin()
    await stage.do("scale", f"nats/{SECOND}", "--replicas=5")
    stage.teller.say(await cluster.settled(5, NOW))
    change.expect_kept(*cluster.pod_names(3))
    stage.teller.say(f"the first three servers were left alone ({SECOND}-1 to -3: same pods)")


async def _kill(stage: Stage, cluster: Watched, traffic: Traffic | None) -> None:
    """Of all servers the one with a client that answers: the worst to lose."""
    victim = traffic.seats.pod("answering") if traffic else f"{SECOND}-2"
    change, dead = cluster.begin(), await cluster.ids(victim)
    await stage.do("delete", "pod", victim, "--force", "--grace-period=0")
    await cluster.until(lambda: change.not_replaced(victim))
    stage.teller.say(await cluster.settled(5, NOW, dead))
    change.expect_gone(victim)
    change.expect_kept(*(p for p in cluster.pod_names(5) if p != victim))
    stage.teller.say(f"{victim} is a new pod; the other four were left alone")


def _upgrading(stage: Stage) -> str:
    what = f"Upgrade it from {NOW} to {NEXT}, one server at a time"
    with_loss = ", and kill the leading operator meanwhile"
    return what + (with_loss if isinstance(stage.place.operator, Release) else "")


async def _upgrade(stage: Stage, cluster: Watched) -> None:
    change = cluster.begin()
    order = list(reversed(cluster.pod_names(5)))
    patch = json.dumps({"spec": {"version": NEXT}})
    await stage.do("patch", f"nats/{SECOND}", "--type=merge", f"--patch={patch}")
    if isinstance(stage.place.operator, Release):
        await cluster.until(lambda: change.not_replaced(order[0]))
        await _lose_leader(stage, stage.place.operator)
    stage.teller.say(await cluster.settled(5, NEXT))
    change.expect_gone(*order)
    change.expect_one_at_a_time(*order)
    stage.teller.say(
        "each server was replaced once, from the highest index on; never two were down"
    )


async def _lose_leader(stage: Stage, release: Release) -> None:
    lost = await release.leader()
    await stage.do("delete", "pod", lost, "--force", "--grace-period=0")
    while (leader := await release.leader()) in ("", lost):
        stage.teller.waiting_for("another replica to lead")
        await asyncio.sleep(0.2)
    stage.teller.say(f"{leader} leads, and continues where the other stopped")


async def _scale_down(stage: Stage, cluster: Watched) -> None:
    change = cluster.begin()
    await stage.do("scale", f"nats/{SECOND}", "--replicas=3")
    stage.teller.say(await cluster.settled(3, NEXT))
    change.expect_gone(f"{SECOND}-5", f"{SECOND}-4")
    change.expect_kept(*cluster.pod_names(3))
    stage.teller.say(f"{SECOND}-5 left, then {SECOND}-4; the other three were left alone")
