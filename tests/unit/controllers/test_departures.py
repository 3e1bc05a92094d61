"""The whole process takes servers with streams away: what they hold moves first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from natsctl.model import names
from natsctl.plan.claims.data import parse_data
from natsctl.plan.claims.note import parse_note
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, condition, events
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import Process, installed, virtual_clock
from tests.unit.simulated.requests import Fate, Request, refusal
from tests.unit.simulated.streams import Streams
from tests.unit.simulated.volumes import SECRET, SPEC, pod, volume

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]


def five(version: str = "2.14.10") -> ApiServer:
    api = installed()
    api.add(cluster({**SPEC, "size": 5, "version": version}))
    return api


def streams_of(process: Process) -> Streams:
    return process.node.streams["ns", "c"]


def server(api: ApiServer, index: int) -> str:
    """What the server of this index calls itself."""
    uid = str(api.objects[CLUSTER]["metadata"]["uid"])
    return f"c-{index}-{uid[:8]}"


def resized(api: ApiServer, size: int) -> None:
    api.edit(CLUSTER, {"spec": {"size": size}})


def pods(api: ApiServer) -> list[str]:
    return sorted(found["metadata"]["name"] for found in api.of_kind("Pod"))


def departed(api: ApiServer) -> str:
    return str(api.objects[SECRET]["metadata"]["annotations"].get(names.DEPARTED_ANNOTATION, ""))


def note(api: ApiServer, key: tuple[str, str, str], name: str) -> str:
    return str(api.objects[key]["metadata"]["annotations"].get(name, ""))


def noted(api: ApiServer, key: tuple[str, str, str]) -> list[int]:
    """Which servers are noted there to have had a volume."""
    text = note(api, key, names.CLAIMS_ANNOTATION).rpartition(":")[2]
    return sorted(parse_note(text) or ())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - time is virtual
        await asyncio.sleep(0.01)


async def test_streams_move_servers_leave_and_members_are_forgotten() -> None:
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            one, two, three, four, five_ = (server(api, index) for index in range(1, 6))
            streams = streams_of(process)
            streams.held |= {"ORDERS": [three, four, five_], "LOG": [five_], "OTHER": [four]}
            (leader,) = [it for it in process.node.servers.values() if it.name == five_]
            leader.leads = True
            resized(api, 3)
            await at_rest(api, process, is_ready)
            await process.stop()
    assert pods(api) == ["c-1", "c-2", "c-3"]
    assert {name for held in streams.held.values() for name in held} <= {one, two, three}
    assert sorted(streams.held["ORDERS"]) == [one, two, three]
    assert streams.removed == {four, five_}
    assert streams.asked[:3] == [
        "ACCOUNT.STREAM.MOVE.A.LOG",
        "ACCOUNT.STREAM.MOVE.A.ORDERS",
        "SERVER.REMOVE",
    ]
    assert "SteppingDown" in events(api)
    assert streams.asked[-1] == "SERVER.REMOVE"
    assert departed(api) == ""
    assert volume(5) in api.objects, "volumes stay"
    assert noted(api, SECRET) == noted(api, volume(1)) == noted(api, volume(5)) == [1, 2, 3]
    told = [parse_data(note(api, volume(index), names.DATA_ANNOTATION)) for index in range(1, 6)]
    assert [data.size for data in told if data] == [3] * 5
    assert "ScalingDown" in events(api)


async def test_servers_that_left_empty_are_new_when_they_come_back_without_their_volumes() -> None:
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            resized(api, 3)
            await until(lambda: noted(api, volume(5)) == [1, 2, 3])
            await at_rest(api, process, is_ready)
            api.delete(volume(4))
            api.delete(volume(5))
            resized(api, 5)
            await until(lambda: {volume(4), volume(5)} <= api.objects.keys())
            await at_rest(api, process, is_ready)
            await process.stop()
    assert len(pods(api)) == 5
    assert noted(api, SECRET) == [1, 2, 3, 4, 5]


DELETE = {"whenScaled": "Delete"}
DELETED = names.DEPARTED_VOLUMES_ANNOTATION


def that_deletes(**more: object) -> ApiServer:
    """Five servers whose volumes go with them."""
    api = installed()
    spec = {**SPEC, "size": 5, "persistentVolumeClaimRetentionPolicy": DELETE, **more}
    api.add(cluster(spec))
    return api


def claims_deleted(api: ApiServer) -> list[str]:
    """Names of claims, in the order in which they were deleted."""
    gone = (it.partition(" ")[0] for it in api.deletions)
    return [it.rpartition("/")[2] for it in gone if it.startswith("PersistentVolumeClaim")]


async def test_volumes_of_servers_that_left_go_if_the_spec_says_so() -> None:
    """One after the other, and servers of these indexes are new ones when they come again."""
    with virtual_clock():
        api = that_deletes()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            streams_of(process).held |= {"LOG": [server(api, 5)], "OTHER": [server(api, 4)]}
            resized(api, 3)
            await at_rest(api, process, is_ready)
            assert claims_deleted(api) == ["js-c-5", "js-c-4"]
            assert streams_of(process).removed == {server(api, 4), server(api, 5)}
            assert noted(api, SECRET) == noted(api, volume(1)) == [1, 2, 3]
            assert DELETED not in api.objects[SECRET]["metadata"]["annotations"]
            assert "DeletingVolume" in events(api)
            assert condition(api, "VolumesReady")["reason"] == "AllVolumesBound"
            resized(api, 5)
            await at_rest(api, process, is_ready)
            await process.stop()
    assert len(pods(api)) == 5
    assert noted(api, SECRET) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("moment", range(6))
async def test_scaling_up_in_the_middle_of_that_makes_a_new_server(moment: int) -> None:
    """At each of these moments; where its claim is still there, it stays."""
    with virtual_clock():
        api = that_deletes()
        reached: list[Callable[[], bool]] = [
            lambda: bool(departed(api)),
            lambda: pod(5) not in api.objects,
            lambda: bool(streams.removed),
            lambda: noted(api, SECRET) == [1, 2, 3, 4],
            lambda: claims_deleted(api) == ["js-c-5"],
            lambda: claims_deleted(api) == ["js-c-5"] and not departed(api),
        ]
        async with running(api) as process:
            streams = streams_of(process)
            await at_rest(api, process, is_ready)
            first = api.objects[volume(5)]["metadata"]["uid"]
            resized(api, 4)
            await until(reached[moment])
            resized(api, 5)
            await at_rest(api, process, is_ready)
            await process.stop()
    assert len(pods(api)) == 5
    assert (departed(api), noted(api, SECRET)) == ("", [1, 2, 3, 4, 5])
    assert DELETED not in api.objects[SECRET]["metadata"]["annotations"]
    assert (api.objects[volume(5)]["metadata"]["uid"] == first) == (claims_deleted(api) == [])


async def test_volumes_stay_without_the_permission_to_delete_them_and_servers_leave() -> None:
    def forbids(asked: Request) -> Fate:
        refused = asked.method == "DELETE" and asked.kind == "PersistentVolumeClaim"
        return Fate(refused=refusal(403, "Forbidden", "no") if refused else None)

    with virtual_clock():
        api = that_deletes()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            api.plan = forbids
            resized(api, 3)
            await at_rest(api, process, is_ready)
            await process.stop()
    assert pods(api) == ["c-1", "c-2", "c-3"]
    assert {volume(4), volume(5)} <= api.objects.keys()
    message = condition(api, "VolumesReady")["message"]
    assert message.startswith("js-c-4, js-c-5 of removed servers are kept")
    assert "rbac.deletePersistentVolumeClaims" in message


async def test_no_volume_goes_of_a_server_that_went_away_by_itself() -> None:
    """It comes back with it, leaves empty, and only then it goes."""
    with virtual_clock():
        api = that_deletes()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            last = server(api, 5)
            streams_of(process).held["LOG"] = [last]
            process.node.silent.add("c-2")  # nothing begins
            resized(api, 4)
            await asyncio.sleep(10)
            api.delete(pod(5))
            await asyncio.sleep(60)
            assert claims_deleted(api) == []
            process.node.silent.clear()
            await at_rest(api, process, is_ready)
            await process.stop()
            assert streams_of(process).held["LOG"] != [last]
    assert claims_deleted(api) == ["js-c-5"]


async def test_nor_of_one_that_never_ran() -> None:
    with virtual_clock():
        api = that_deletes(size=3)
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            process.node.full = True
            resized(api, 4)
            await asyncio.sleep(60)
            resized(api, 3)
            await at_rest(api, process, is_ready)
            await process.stop()
    assert pods(api) == ["c-1", "c-2", "c-3"]
    assert (claims_deleted(api), volume(4) in api.objects) == ([], True)


async def test_servers_that_were_lost_before_they_were_empty_get_no_empty_volumes() -> None:
    """Neither then nor after a time in which nothing needed them."""
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            streams_of(process).held["LOG"] = [server(api, 5)]
            process.node.silent.add("c-2")  # nothing begins
            resized(api, 3)
            await asyncio.sleep(10)
            for index in (4, 5):
                api.delete(volume(index))
                api.delete(pod(index))
            await asyncio.sleep(60)
            assert noted(api, SECRET) == noted(api, volume(1)) == [1, 2, 3, 4, 5]
            resized(api, 5)
            await asyncio.sleep(60)
            await process.stop()
    assert api.objects.keys().isdisjoint({volume(4), volume(5), pod(4), pod(5)})
    assert condition(api, "VolumesReady")["reason"] == "VolumeMissing"


async def test_a_server_that_goes_away_with_what_it_holds_comes_back_first() -> None:
    """As with an eviction by the kubelet in the middle of the way."""
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            last = server(api, 5)
            streams_of(process).held["LOG"] = [last]
            process.node.silent.add("c-2")  # nothing begins
            resized(api, 4)
            await asyncio.sleep(10)
            api.delete(pod(5))
            await asyncio.sleep(5)
            process.node.silent.clear()
            await at_rest(api, process, is_ready)
            await process.stop()
            assert streams_of(process).held["LOG"] != [last]
            assert streams_of(process).removed == {last}
    assert pods(api) == ["c-1", "c-2", "c-3", "c-4"]


async def test_servers_that_a_quorum_lacks_come_back_before_they_leave() -> None:
    """c-3 is lost with its volume, and the two that are to leave went away, too."""
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            await process.stop()
        api.delete(volume(3))
        for index in (3, 4, 5):
            api.delete(pod(index))
        resized(api, 3)
        node = Node(api, counts=True)
        async with running(api, node=node) as process:
            await until(lambda: pods(api) == ["c-1", "c-2", "c-4", "c-5"])
            await asyncio.sleep(60)
            assert condition(api, "VolumesReady")["reason"] == "VolumeMissing"
            token = condition(api, "VolumesReady")["message"].partition(names.NEW_VOLUME_ANNOTATION)
            value = token[2].lstrip("=").split()[0].rstrip(".;,'\"")
            annotations = {names.NEW_VOLUME_ANNOTATION: value}
            api.edit(CLUSTER, {"metadata": {"annotations": annotations}})
            await until(lambda: is_ready(api) and pods(api) == ["c-1", "c-2", "c-3"])
            await process.stop()
        assert node.streams["ns", "c"].removed == {server(api, 4), server(api, 5)}


async def test_one_that_is_gone_with_its_volume_is_forgotten_once_somebody_says_so() -> None:
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            process.node.silent.add("c-2")  # nothing begins
            resized(api, 4)
            await asyncio.sleep(10)
            api.delete(volume(5))
            api.delete(pod(5))
            process.node.silent.clear()
            await asyncio.sleep(60)
            assert streams_of(process).removed == set()
            message = condition(api, "Progressing")["message"]
            assert "c-5 is gone with its volume before it was empty" in message
            key, value = message.partition("annotate the cluster: ")[2].split()[0].split("=")
            api.edit(CLUSTER, {"metadata": {"annotations": {key: value}}})
            await at_rest(api, process, is_ready)
            assert streams_of(process).removed == {server(api, 5)}
            await process.stop()
    assert noted(api, SECRET) == [1, 2, 3, 4, 5], "a new volume needs another decision"


async def test_nothing_moves_that_has_no_place() -> None:
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            streams_of(process).held["ALL"] = [server(api, index) for index in range(1, 6)]
            resized(api, 3)
            await asyncio.sleep(60)
            await process.stop()
            assert streams_of(process).asked == []
    assert len(pods(api)) == 5
    message = condition(api, "Progressing")["message"]
    assert "stream A/ALL has more replicas than servers would remain" in message


async def test_more_servers_than_there_is_room_for_are_taken_back() -> None:
    with virtual_clock():
        api = installed()
        api.add(cluster({**SPEC, "size": 3, "version": "2.14.10"}))
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            process.node.full = True
            resized(api, 5)
            await asyncio.sleep(60)
            assert pods(api) == ["c-1", "c-2", "c-3", "c-4", "c-5"]
            resized(api, 3)
            await at_rest(api, process, is_ready)
            await process.stop()
        assert streams_of(process).asked == []
    assert pods(api) == ["c-1", "c-2", "c-3"]
    assert volume(5) in api.objects, "volumes stay"


async def test_servers_that_cannot_leave_because_of_their_version_are_upgraded() -> None:
    """They leave after that: nobody has to take the smaller size back."""
    with virtual_clock():
        api = five("2.9.25")
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            last = server(api, 5)
            streams_of(process).held["LOG"] = [last]
            resized(api, 3)
            await asyncio.sleep(60)
            assert "it leaves once all servers run 2.10" in condition(api, "Progressing")["message"]
            process.node.observe_from_now()
            api.edit(CLUSTER, {"spec": {"version": "2.10.29"}})
            await until(lambda: is_ready(api) and len(pods(api)) == 3)
            await process.stop()
            assert streams_of(process).held["LOG"] != [last]
            assert streams_of(process).removed == {last, server(api, 4)}
            assert process.node.most_away == 1
    told = [parse_data(note(api, volume(index), names.DATA_ANNOTATION)) for index in range(1, 6)]
    assert [data.version for data in told if data] == ["2.10.29"] * 5


async def test_scaling_up_in_the_middle_turns_back() -> None:
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            last = server(api, 5)
            streams_of(process).held |= {f"S{i:02}": [last] for i in range(20)}
            resized(api, 3)
            await until(lambda: bool(streams_of(process).asked))
            resized(api, 5)
            await at_rest(api, process, is_ready)
            await asyncio.sleep(60)
            assert len(streams_of(process).asked) <= 8
            await process.stop()
    assert len(pods(api)) == 5
    assert departed(api) == ""


async def late(api: ApiServer, moment: Callable[[], bool]) -> list[str]:
    """Who holds a stream in the end that was put on c-5 at this moment of its way out."""
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        last = server(api, 5)
        resized(api, 4)
        await until(moment)
        streams_of(process).held["LATE"] = [last]
        await at_rest(api, process, is_ready)
        assert last in streams_of(process).removed
        await process.stop()
    assert len(pods(api)) == 4
    return [name for name in streams_of(process).held["LATE"] if name != last]


async def test_a_stream_that_comes_at_the_last_moment_is_seen() -> None:
    def is_closed() -> bool:
        return all(it["spec"]["maxUnavailable"] == 0 for it in api.of_kind("PodDisruptionBudget"))

    with virtual_clock():
        api = five()
        assert await late(api, is_closed)


async def test_so_is_one_that_comes_while_the_server_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """The note is taken back, and the server comes back with what it holds."""
    monkeypatch.setattr("tests.unit.simulated.nodes.STOPS", 20.0)
    with virtual_clock():
        api = five()
        assert await late(api, lambda: bool(departed(api)))


async def test_a_process_that_ends_before_the_note_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody knows then whether the server was empty: it comes back, and leaves again."""
    with virtual_clock():
        api = five()
        async with running(api) as process:
            await at_rest(api, process, is_ready)
            last = server(api, 5)
            await process.stop()
        api.delete(pod(5))
        resized(api, 4)
        async with running(api) as process:
            streams_of(process).held["LOG"] = [last]
            await at_rest(api, process, is_ready)
            assert streams_of(process).removed == {last}
            assert streams_of(process).held["LOG"] != [last]
            await process.stop()
    assert (len(pods(api)), departed(api)) == (4, "")
