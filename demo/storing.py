"""The part of the demo in which servers store streams: no change of them loses a message."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import yaml

from demo import report
from demo.clusters import apply, manifest
from demo.publishers import publishing
from demo.teller import DemoFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from demo.clusters import Watched
    from demo.publishers import Publishers
    from demo.stage import Stage

NAME, SIZE, LARGER = "orders", 3, 5
VERSIONS = "2.12.15", "2.14.10", "2.15.3"
GROWN = "2Gi"
STEPS = 9
WARM_UP = 2.0
"""Seconds of messages before the first change."""


async def keep_streams(stage: Stage) -> None:
    """A cluster with volumes, its publishers, what happens to its servers, and what is left."""
    teller, cluster = stage.teller, stage.watched(NAME)
    with teller.step("Streams: a cluster with a volume for each server (alpha feature)"):
        await _create(stage, cluster)
    hosts = [f"{pod}.{NAME}-mgmt.{stage.kubectl.namespace}.svc" for pod in cluster.pod_names(SIZE)]
    async with publishing(hosts) as publishers:
        with teller.step("Streams: publish to one with one replica, one with three, and a bucket"):
            await _publish(stage, publishers)
        await _change(stage, cluster, publishers)
    with teller.step("Streams: compare what was acknowledged and what is stored", figures=True):
        teller.say(report.stored(publishers.streams, teller.began))
        report.check_stored(publishers.streams)


async def _change(stage: Stage, cluster: Watched, publishers: Publishers) -> None:
    step = stage.teller.step
    with step("Streams: kill the server that leads the stream with three replicas"):
        await _kill(stage, cluster, publishers)
    for old, new in pairwise(VERSIONS):
        with step(f"Streams: upgrade the servers from {old} to {new}, one at a time"):
            await _upgrade(stage, cluster, new)
    with step(f"Streams: let the volumes grow to {GROWN}"):
        await _grow(stage)
    with step(f"Streams: scale from {SIZE} to {LARGER}"):
        await _scale(stage, cluster, LARGER)
    with step(f"Streams: scale back to {SIZE}; what is on the servers that leave moves first"):
        await _scale(stage, cluster, SIZE)


async def _create(stage: Stage, cluster: Watched) -> None:
    document = manifest(f"{NAME}.yaml")
    stage.teller.say(yaml.safe_dump(document, sort_keys=False).strip())
    printed = await apply(stage.kubectl, document)
    stage.teller.say(f"$ kubectl apply -f {NAME}.yaml\n{printed}")
    stage.teller.say(await cluster.settled(SIZE, VERSIONS[0]))
    await _show_claims(stage)


async def _show_claims(stage: Stage) -> None:
    columns = "NAME:.metadata.name,STATUS:.status.phase,CAPACITY:.status.capacity.storage"
    await stage.do("get", "pvc", "-l", f"nats_cluster={NAME}", "-o", f"custom-columns={columns}")


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
    stage.teller.say(await cluster.settled(SIZE, VERSIONS[0], dead))
    change.expect_kept(*(pod for pod in cluster.pod_names(SIZE) if pod != victim))
    stage.teller.say(f"{victim} is a new pod with the volume of the old one")


async def _upgrade(stage: Stage, cluster: Watched, version: str) -> None:
    change, names = cluster.begin(), cluster.pod_names(SIZE)
    await _patch(stage, {"version": version})
    stage.teller.say(await cluster.settled(SIZE, version))
    change.expect_each_gone(*names)
    change.expect_one_at_a_time(*names)
    stage.teller.say("each server was replaced once, when all streams could do without it")


async def _grow(stage: Stage) -> None:
    await _patch(stage, {"jetstream": {"fileStore": {"pvc": {"size": GROWN}}}})
    async for small in _smaller(stage):
        stage.teller.waiting_for(f"{', '.join(small)} to grow")
    await _show_claims(stage)


async def _smaller(stage: Stage) -> AsyncIterator[list[str]]:
    """The claims that have not grown yet, once a second, while there are any."""
    while True:
        printed = await stage.kubectl.run("get", "pvc", "-l", f"nats_cluster={NAME}", "-o", "json")
        small = [
            claim["metadata"]["name"]
            for claim in json.loads(printed)["items"]
            if claim["status"].get("capacity", {}).get("storage") != GROWN
        ]
        if not small:
            return
        yield small
        await asyncio.sleep(1.0)


async def _scale(stage: Stage, cluster: Watched, size: int) -> None:
    change = cluster.begin()
    await stage.do("scale", f"nats/{NAME}", f"--replicas={size}")
    stage.teller.say(await cluster.settled(size, VERSIONS[-1]))
    change.expect_kept(*cluster.pod_names(SIZE))
    stage.teller.say(f"{NAME}-1 to -{SIZE} were left alone (same pods)")


async def _patch(stage: Stage, spec: dict[str, object]) -> None:
    patch = json.dumps({"spec": spec})
    await stage.do("patch", f"nats/{NAME}", "--type=merge", f"--patch={patch}")
