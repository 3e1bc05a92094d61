"""Two replicas and a roll, while something breaks: one leads, no step is repeated or skipped.

Each replica is a process behind a proxy of its own, which knows what that replica wrote and when.
How long the other may take is in docs/high-availability.md.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from aiohttp import web

from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, NotFound
from natsctl.kube.resources import CLUSTERS, LEASES
from testbed import control_plane, layout, namespaces, processes
from tests.inside import MARK
from tests.integration.conftest import condition, nats, until
from tests.integration.proxy import Fault
from tests.integration.replicas import Pretender, Replica, replica

RELEASED, SILENT = 12.0, 60.0
"""Seconds until the other leads, at most: less than the lease lasts where it was let go, and what a
busy machine may take where its holder fell silent. The unit tests tell the times exactly."""
BURST = 4.0
"""Seconds of a fault that passes, less than a leader may be without an answer."""
PASSES = 8.0
"""Seconds that a leader may be without an answer for sure."""
AWAY = 20.0
"""Seconds after which the lease has run out even for who renewed it last."""
SLEEP = 30.0
RENEWED = 12.0
"""Seconds within which a leader has renewed the lease, or knows that it is not the leader."""
SILENCE = 5.0
"""Seconds at least between what a leader wrote last and another's first write, where the first
neither died nor released the lease."""
MINUTE, HOUR = 60, 3600
LEASE = "nats-operator"
VERSION = "2.9.25"


@attrs.define
class Scene:
    """A cluster of three that is being rolled; `first` leads, `second` stands by."""

    first: Replica
    second: Replica
    pods: Pretender
    client: Client
    namespace: str
    began: float = 0.0
    away: float = 0.0
    """Seconds that it took the machine to start the API server again."""

    async def roll(self) -> None:
        """Change what restarts every server, and wait until the first one went."""
        template = {"metadata": {"annotations": {"example.test/change": "1"}}}
        await self.client.patch(CLUSTERS, self.namespace, "x", {"spec": {"template": template}})
        await until(self._first_gone)
        self.began = time.monotonic()

    async def _first_gone(self) -> bool:
        return bool(self.pods.deleted)

    async def lease(self) -> dict[str, Any]:
        """The Lease object."""
        return await self.client.raw(LEASES, self.namespace, LEASE)

    async def answered(self) -> bool:
        """Whether the API server answers."""
        with suppress(ApiError):
            return bool(await self.lease())
        return False

    async def settled(self, seconds: float = 60.0) -> None:
        """Wait until the cluster is what its spec says."""

        async def check() -> bool:
            try:
                cluster = await self.client.raw(CLUSTERS, self.namespace, "x")
                found = [
                    (await condition(self.client, self.namespace, "x", kind)).get("status")
                    for kind in ("Ready", "Progressing")
                ]
            except ApiError:
                return False
            seen = (cluster.get("status") or {}).get("observedGeneration")
            current = seen == cluster["metadata"]["generation"]
            return current and found == ["True", "False"]

        await until(check, seconds)

    def rolled_once(self) -> None:
        """Each server went once, from the highest on, and came back once."""
        assert self.pods.deleted == ["x-3", "x-2", "x-1"]
        assert sorted(self.pods.created) == sorted(["x-1", "x-2", "x-3"] * 2)

    def one_after_the_other(self) -> None:
        """Once the second wrote, the first never did again."""
        assert self.second.writes
        assert max(w.at for w in self.first.writes) < min(w.at for w in self.second.writes)


@pytest.fixture
async def scene(
    client: Client, namespace: str, kubeconfig: str, tmp_path: Path
) -> AsyncIterator[Scene]:
    """A cluster that runs, managed by the first of two replicas."""
    async with AsyncExitStack() as stack:
        pods = Pretender(client, namespace)
        pretending = asyncio.create_task(pods.run())
        stack.callback(pretending.cancel)
        start = stack.enter_async_context
        first = await start(replica(kubeconfig, namespace, tmp_path / "first.log"))
        await first.until_leading(20)
        second = await start(replica(kubeconfig, namespace, tmp_path / "second.log"))
        found = Scene(first, second, pods, client, namespace)
        await client.create(CLUSTERS, nats("x", namespace, size=3, version=VERSION))
        await found.settled()
        yield found


@pytest.mark.parametrize(
    ("number", "limit", "status"),
    [(signal.SIGTERM, RELEASED, 0), (signal.SIGKILL, SILENT, -signal.SIGKILL)],
    ids=["SIGTERM", "SIGKILL"],
)
async def test_a_leader_that_ends_is_followed(
    scene: Scene, number: signal.Signals, limit: float, status: int
) -> None:
    await scene.roll()
    scene.first.process.send_signal(number)
    await scene.second.until_leading(limit)
    assert await scene.first.until_ended(5) == status
    await scene.settled()
    scene.rolled_once()
    scene.one_after_the_other()


async def test_a_leader_that_nobody_hears_ends_and_is_followed(scene: Scene) -> None:
    """Cut off from the API server: it may not write any more before the other one does."""
    await scene.roll()
    scene.first.proxy.black = True
    await scene.second.until_leading(SILENT)
    scene.first.proxy.black = False
    assert await scene.first.until_ended(15) == 1
    await scene.settled()
    scene.rolled_once()
    scene.one_after_the_other()


async def test_a_leader_that_stood_still_writes_nothing_when_it_wakes_up(scene: Scene) -> None:
    """Its event loop was blocked for so long that somebody else leads."""
    await scene.roll()
    scene.first.process.send_signal(signal.SIGSTOP)
    await scene.second.until_leading(SILENT)
    await scene.settled()
    await asyncio.sleep(max(0.0, scene.began + SLEEP - time.monotonic()))
    woken = time.monotonic()
    scene.first.process.send_signal(signal.SIGCONT)
    assert await scene.first.until_ended(15) == 1
    # What it had sent before it fell asleep may only now have reached the API server.
    late = [write for write in scene.first.writes if write.at > woken]
    assert late == []
    scene.rolled_once()
    scene.one_after_the_other()


async def test_an_api_server_that_is_away_for_longer_than_the_lease_lasts(scene: Scene) -> None:
    """The leader ends, the standby lives on, and leads when it is back.

    It saw the last renewal: else it would have to count from when it sees that one.
    """
    await scene.roll()
    for one in both(scene):
        one.proxy.before = answering(503)
        one.proxy.cut_streams()
        await until(
            partial(_asked_for_the_lease_twice, scene.second, len(scene.second.proxy.reads))
        )
    assert await scene.first.until_ended(SILENT) == 1
    await asyncio.sleep(max(0.0, scene.began + AWAY - time.monotonic()))
    for one in both(scene):
        one.proxy.before = None
    await scene.second.until_leading(RELEASED)
    assert scene.second.process.returncode is None
    await scene.settled()
    scene.rolled_once()
    scene.one_after_the_other()


@pytest.mark.parametrize("holder", ["thief", ""], ids=["another", "nobody"])
async def test_a_leader_that_somebody_writes_out_of_the_lease_ends(
    scene: Scene, holder: str
) -> None:
    """The other waits as long as for a holder that fell silent: the first does not know at once."""
    await scene.roll()
    await scene.client.patch(LEASES, scene.namespace, LEASE, {"spec": {"holderIdentity": holder}})
    assert await scene.first.until_ended(RENEWED) == 1
    leading = await scene.second.until_leading(SILENT)
    await scene.settled()
    scene.rolled_once()
    # It may have come to the end of the roll before it knew.
    assert max(write.at for write in scene.first.writes) < leading - SILENCE


async def _asked_for_the_lease_twice(one: Replica, since: int) -> bool:
    return sum(path.endswith(LEASE) for _, path in one.proxy.reads[since:]) >= 2


Break = Callable[[Scene], Awaitable[None]]


def both(scene: Scene) -> tuple[Replica, Replica]:
    return scene.first, scene.second


def answering(status: int, **headers: str) -> Fault:
    """Refuses everything."""

    def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    return refuse


async def busy(scene: Scene) -> None:
    """The API server is overloaded, and says when to come back."""
    await _for_a_while(scene, answering(429, **{"Retry-After": "1"}))


async def broken(scene: Scene) -> None:
    """It answers every request with an error."""
    await _for_a_while(scene, answering(500))


async def _for_a_while(scene: Scene, fault: Fault) -> None:
    for one in both(scene):
        one.proxy.before = fault
        one.proxy.cut_streams()
    await asyncio.sleep(BURST)
    for one in both(scene):
        one.proxy.before = None


async def slow(scene: Scene) -> None:
    """Every answer takes a second, until the roll is over."""
    for one in both(scene):
        one.proxy.delay = 1.0


async def closed(scene: Scene) -> None:
    """Every watch ends, five times."""
    for _ in range(5):
        for one in both(scene):
            one.proxy.cut_streams()
        await asyncio.sleep(0.3)


async def restarted(scene: Scene) -> None:
    """The API server is killed, etcd is compacted, and another one starts: 410 for every watch."""
    testbed = layout.Testbed(os.environ[MARK])
    old = processes.recorded(testbed, API_SERVER)
    assert old is not None
    command = Path(f"/proc/{old.pid}/cmdline").read_text().rstrip("\0").split("\0")
    os.kill(old.pid, signal.SIGKILL)
    killed = time.monotonic()
    while old.alive():  # noqa: ASYNC110 - the kernel sets no Event
        await asyncio.sleep(0.01)
    for one in both(scene):
        one.proxy.cut_streams()
    await asyncio.to_thread(compact)
    group = control_plane.group(testbed)
    namespaces.start(testbed, namespaces.CONTROL_PLANE, API_SERVER, command, group)
    await until(scene.answered)
    scene.away = time.monotonic() - killed


async def deleted(scene: Scene) -> None:
    """Somebody deletes the Lease; the leader makes it again."""
    old = await scene.lease()
    await scene.client.delete(LEASES, scene.namespace, LEASE, old["metadata"]["uid"])

    async def again() -> bool:
        with suppress(NotFound):
            found = await scene.lease()
            same = bool(found["spec"]["holderIdentity"] == old["spec"]["holderIdentity"])
            return same and bool(found["metadata"]["uid"] != old["metadata"]["uid"])
        return False

    await until(again, RENEWED)


async def jumped(scene: Scene) -> None:
    """The leader's wall clock is set an hour ahead, the other's an hour back, and right again."""
    for ahead in (HOUR, -HOUR, 0):
        scene.first.clock.set(ahead)
        scene.second.clock.set(-ahead)
        await until(partial(_renewed, scene, ahead), RENEWED)


async def _renewed(scene: Scene, ahead: int) -> bool:
    """Whether the lease was renewed by a clock that is so many seconds ahead."""
    told = datetime.fromisoformat((await scene.lease())["spec"]["renewTime"])
    return abs((told - datetime.now(UTC)).total_seconds() - ahead) < MINUTE


API_SERVER = "kube-apiserver"


def compact() -> None:
    """Let etcd forget every revision but the last."""
    revision = int(_etcd("range", {"key": "AA=="})["header"]["revision"])
    _etcd("compaction", {"revision": revision, "physical": True})


def _etcd(call: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{control_plane.ETCD}/v3/kv/{call}", data=msgspec.json.encode(body), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        answer: dict[str, Any] = msgspec.json.decode(reply.read())
        return answer


@pytest.mark.parametrize("fault", [busy, broken, slow, closed, restarted, deleted, jumped])
async def test_what_passes_is_survived(scene: Scene, fault: Break) -> None:
    """The leader stays the leader, the standby lives, and the roll goes on where it was.

    A busy machine may take longer to start an API server than a leader waits for one.
    """
    await scene.roll()
    await fault(scene)
    await scene.settled()
    scene.rolled_once()
    if scene.away > PASSES and scene.second.writes:
        scene.one_after_the_other()
        return
    assert scene.second.writes == []
    assert [one.process.returncode for one in both(scene)] == [None, None]
    told = [await one.metrics() for one in both(scene)]
    assert [EFFECT[fault] in text for text in told] == [True, True]


EFFECT: dict[Break, str] = {
    busy: 'reason="http_429"',
    broken: 'reason="http_500"',
    slow: "natsctl_",
    closed: 'reason="lost"',
    restarted: 'reason="gone"',
    deleted: "natsctl_",
    jumped: "natsctl_",
}
"""What the replicas' metrics show of a fault that only they can tell of: it did happen."""
