"""The part of the demo in which servers store streams: a kill and an upgrade lose no message."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import yaml

from demo import report
from demo.clusters import apply, manifest
from demo.publishers import publishing
from demo.teller import DemoFailed

if TYPE_CHECKING:
    from demo.clusters import Watched
    from demo.publishers import Publishers
    from demo.stage import Stage

NAME, SIZE = "orders", 3
OLD, NEW = "2.12.15", "2.14.10"
STEPS = 5
WARM_UP = 2.0
"""Seconds of messages before the first change."""


async def keep_streams(stage: Stage) -> None:
    """A cluster with volumes, its publishers, what happens to its servers, and what is left."""
    teller, cluster = stage.teller, stage.watched(NAME)
    with teller.step("A third cluster stores streams, each server on a volume (alpha feature)"):
        await _create(stage, cluster)
    hosts = [f"{pod}.{NAME}-mgmt.{stage.kubectl.namespace}.svc" for pod in cluster.pod_names(SIZE)]
    async with publishing(hosts) as publishers:
        with teller.step("Publish to a stream with one replica, and to one with three"):
            await _publish(stage, publishers)
        with teller.step("Kill the server that leads the stream with three replicas"):
            await _kill(stage, cluster, publishers)
        with teller.step(
            f"Upgrade it from {OLD} to {NEW}, each server once all streams can do without it"
        ):
            await _upgrade(stage, cluster)
    with teller.step("Compare what was acknowledged with what is stored"):
        teller.say(report.stored(publishers.streams, teller.began))
        report.check_stored(publishers.streams)


async def _create(stage: Stage, cluster: Watched) -> None:
    document = manifest(f"{NAME}.yaml")
    stage.teller.say(yaml.safe_dump(document, sort_keys=False).strip())
    printed = await apply(stage.kubectl, document)
    stage.teller.say(f"$ kubectl apply -f {NAME}.yaml\n{printed}")
    stage.teller.say(await cluster.settled(SIZE, OLD))
    await stage.do("get", "pvc", "-l", f"nats_cluster={NAME}")


async def _publish(stage: Stage, publishers: Publishers) -> None:
    await asyncio.sleep(WARM_UP)
    silent = [stream.name for stream in publishers.streams if not stream.acknowledged]
    if silent:
        raise DemoFailed(f"expected streams to acknowledge messages; these do not: {silent}")
    stage.teller.say("each publisher waits for the acknowledgement before its next message")


async def _kill(stage: Stage, cluster: Watched, publishers: Publishers) -> None:
    """The worst one to lose. It gets a second, so that two never use one volume."""
    leader = await publishers.leader("THREE")
    victim = await cluster.pod_of_server(leader, SIZE)
    change, dead = cluster.begin(), await cluster.ids(victim)
    await stage.do("delete", "pod", victim, "--grace-period=1")
    await cluster.until(lambda: change.not_replaced(victim))
    stage.teller.say(await cluster.settled(SIZE, OLD, dead))
    change.expect_kept(*(pod for pod in cluster.pod_names(SIZE) if pod != victim))
    stage.teller.say(f"{victim} is a new pod with the volume of the old one")


async def _upgrade(stage: Stage, cluster: Watched) -> None:
    change, names = cluster.begin(), cluster.pod_names(SIZE)
    patch = json.dumps({"spec": {"version": NEW}})
    await stage.do("patch", f"nats/{NAME}", "--type=merge", f"--patch={patch}")
    stage.teller.say(await cluster.settled(SIZE, NEW))
    change.expect_each_gone(*names)
    change.expect_one_at_a_time(*names)
    stage.teller.say("each server was replaced once; never two were down")
