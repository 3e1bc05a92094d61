"""The whole process gives servers volumes, and never an empty one for one that was lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from natsctl.model import names
from tests.unit.simulated import process
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import SPEC as PLAIN
from tests.unit.simulated.clusters import cluster, condition, settled, uids
from tests.unit.simulated.crashes import CLUSTER, at_rest, is_ready, running
from tests.unit.simulated.jetstream import Servers
from tests.unit.simulated.process import installed, virtual_clock, writes
from tests.unit.simulated.requests import Fate, Request, refusal
from tests.unit.simulated.volumes import (
    SECRET,
    SPEC,
    note,
    pod,
    server_names,
    volume,
    volumes,
    with_volumes,
    with_volumes_left,
)
from tests.unit.simulated.watches import Change

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]
KIND = "PersistentVolumeClaim"
REFUSED = SPEC | {"version": "2.8.4"}


def told(api: ApiServer) -> tuple[str, str]:
    found = condition(api, "VolumesReady")
    return found["status"], found["reason"]


async def test_servers_get_volumes_before_they_start() -> None:
    with virtual_clock():
        api = await with_volumes()
    assert list(volumes(api)) == ["js-c-1", "js-c-2", "js-c-3"]
    assert told(api) == ("True", "AllVolumesBound")
    made = [(r.kind, r.method) for r in writes(api) if r.kind in (KIND, "Secret", "Pod")]
    steps = [each for each, before in zip(made, [None, *made], strict=False) if each != before]
    assert steps[:3] == [("Secret", "POST"), ("Secret", "PATCH"), (KIND, "POST")]
    assert set(steps[3:-1]) == {("Secret", "PATCH"), (KIND, "PATCH")}
    assert steps[-1] == ("Pod", "POST")


@pytest.mark.parametrize("spec", [PLAIN, REFUSED], ids=["without JetStream", "refused"])
async def test_who_has_no_volumes_asks_nothing_about_them(
    spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    asked: list[Request] = []

    def plan(request: Request) -> Fate:
        asked.append(request)
        return Fate()

    api = installed()
    api.plan = plan
    api.add(cluster(PLAIN, name="other"))
    api.add(cluster(spec))
    with virtual_clock():
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            await asyncio.sleep(30)
            await process.stop()
    assert [r for r in asked if r.kind == KIND] == []
    assert any(r.kind == "Pod" for r in asked)
    assert condition(api, "VolumesReady") == {}


async def changed(api: ApiServer, act: Any, seconds: float = 30) -> ApiServer:
    """What becomes of a cluster at rest once somebody did this; nobody leads any more."""
    with virtual_clock():
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            act(api)
            await asyncio.sleep(seconds)
            await at_rest(api, process, lambda _: True)
            await process.stop()
    return api


async def test_a_lost_volume_stays_lost_and_its_server_down() -> None:
    with virtual_clock():
        api = await with_volumes()

    def lose(api: ApiServer) -> None:
        api.remove(volume(2))
        api.delete(pod(2))

    await changed(api, lose)
    assert list(volumes(api)) == ["js-c-1", "js-c-3"]
    assert list(uids(api)) == ["c-1", "c-3"]
    assert told(api) == ("False", "VolumeMissing")


async def test_the_user_may_have_it_empty_and_only_once() -> None:
    with virtual_clock():
        api = await with_volumes()
    lost = volumes(api)["js-c-2"]

    def lose(api: ApiServer) -> None:
        api.remove(volume(2))
        api.delete(pod(2))

    await changed(api, lose)
    token = f"js-c-2={lost[:6]}"
    assert f"{names.NEW_VOLUME_ANNOTATION}={token}" in condition(api, "VolumesReady")["message"]
    given = {"metadata": {"annotations": {names.NEW_VOLUME_ANNOTATION: token}}}
    await changed(api, lambda api: api.edit(CLUSTER, given))
    assert is_ready(api)
    assert volumes(api)["js-c-2"] != lost
    await changed(api, lose)
    assert list(volumes(api)) == ["js-c-1", "js-c-3"]


def make_ready(api: ApiServer, index: int, *, ready: bool) -> None:
    """What the kubelet says of a server's pod."""
    found = [{"type": "Ready", "status": str(ready)}]
    status = api.objects[pod(index)]["status"]
    api.edit(pod(index), {"status": {**status, "conditions": found}})


async def test_an_empty_one_is_made_and_used_only_while_the_others_can_do_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever comes between: another server may fall behind once the volume is made."""
    others = Servers(well=False)
    monkeypatch.setattr(process, "look", others.look)
    with virtual_clock():
        api = (await with_volumes()).copy()
        token = f"js-c-2={volumes(api)['js-c-2'][:6]}"
        accept = {"metadata": {"annotations": {names.NEW_VOLUME_ANNOTATION: token}}}

        def falls(change: Change) -> None:
            if change.where == volume(2) and change.before is None:
                make_ready(api, 3, ready=False)

        async with running(api) as operator:
            await at_rest(api, operator, lambda _: True)
            api.remove(volume(2))
            api.delete(pod(2))
            api.edit(CLUSTER, accept)
            await asyncio.sleep(100)
            assert list(volumes(api)) == ["js-c-1", "js-c-3"]
            assert "that you accepted has to wait" in condition(api, "VolumesReady")["message"]
            api.listeners.append(falls)
            others.well = True
            await asyncio.sleep(100)
            assert list(volumes(api)) == ["js-c-1", "js-c-2", "js-c-3"]
            assert list(uids(api)) == ["c-1", "c-3"]
            assert told(api) == ("False", "VolumeEmpty")
            make_ready(api, 3, ready=True)
            await at_rest(api, operator, is_ready)
            await operator.stop()
    assert list(uids(api)) == ["c-1", "c-2", "c-3"]
    notes = api.objects[volume(2)]["metadata"]["annotations"]
    assert names.REPLACES_ANNOTATION not in notes


async def test_volumes_are_taken_back_with_the_names_under_which_they_hold_data() -> None:
    with virtual_clock():
        api = await with_volumes_left()
        left = volumes(api)
        claim = api.objects[volume(1)]["metadata"]
        assert len(left) == 3
        assert "ownerReferences" not in claim
        api.add(cluster(SPEC))
        await settled(api)
    assert volumes(api) == left
    assert server_names(api)[0] == claim["annotations"][names.SERVER_NAME_ANNOTATION]
    uid = api.objects[CLUSTER]["metadata"]["uid"]
    taken = api.objects[volume(1)]["metadata"]
    assert taken["annotations"][names.CLUSTER_UID_ANNOTATION] == uid
    assert taken["annotations"][names.SERVER_NAME_ANNOTATION] == server_names(api)[0]
    assert uid[:8] not in server_names(api)[0]


@pytest.mark.parametrize(
    ("change", "back", "path"),
    [
        ({"size": 2}, {"size": 3}, "spec.size"),
        ({"version": "2.9.15"}, {"version": SPEC["version"]}, "spec.version"),
        (
            {"jetstream": {"domain": "hub"}},
            {"jetstream": {"domain": None}},
            "spec.jetstream.domain",
        ),
        ({"clusterName": "other"}, {"clusterName": None}, "spec.clusterName"),
    ],
)
async def test_volumes_are_taken_back_only_by_a_spec_that_fits(
    change: dict[str, Any], back: dict[str, Any], path: str
) -> None:
    with virtual_clock():
        api = await with_volumes_left()
        left = {name: api.objects[(KIND, "ns", name)] for name in volumes(api)}
        api.add(cluster(SPEC | change))
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            await asyncio.sleep(30)
            assert condition(api, "SpecAccepted")["status"] == "False"
            assert f"{path}: is" in condition(api, "SpecAccepted")["message"]
            assert not uids(api)
            assert {name: api.objects[(KIND, "ns", name)] for name in volumes(api)} == left
            api.edit(CLUSTER, {"spec": back})
            await at_rest(api, process, is_ready)
            await process.stop()
    assert len(uids(api)) == len(volumes(api)) == 3


async def test_volumes_go_with_the_cluster_if_the_spec_says_so_by_then() -> None:
    with virtual_clock():
        api = await with_volumes()
    policy = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
    await changed(api, lambda api: api.edit(CLUSTER, {"spec": policy}))
    assert len(api.objects[volume(1)]["metadata"]["ownerReferences"]) == 1
    policy["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain"}
    await changed(api, lambda api: api.edit(CLUSTER, {"spec": policy}))
    assert api.objects[volume(1)]["metadata"].get("ownerReferences", []) == []
    policy["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Delete"}
    await changed(api, lambda api: api.edit(CLUSTER, {"spec": policy}))
    await changed(api, lambda api: api.delete(CLUSTER))
    assert volumes(api) == {}


async def test_the_note_outlives_changes_of_the_configuration() -> None:
    """An apply takes away what it does not name."""
    with virtual_clock():
        api = await with_volumes()
    before = note(api)
    assert before.count("=") == 3
    for level in (True, False):
        await changed(
            api, lambda api, on=level: api.edit(CLUSTER, {"spec": {"natsConfig": {"debug": on}}})
        )
        assert note(api) == before


async def test_the_note_is_written_again_with_the_secret() -> None:
    with virtual_clock():
        api = await with_volumes()
    before = note(api)
    await changed(api, lambda api: api.delete(SECRET))
    assert note(api) == before


async def test_a_volume_that_was_lost_with_the_secret_stays_lost() -> None:
    """Its claims remember it, and without them the status."""
    for left in ((1, 3), ()):
        with virtual_clock():
            api = await with_volumes()

        def lose(api: ApiServer, left: tuple[int, ...] = left) -> None:
            for index in {1, 2, 3} - set(left):
                api.remove(volume(index))
                api.delete(pod(index))
            api.delete(SECRET)

        await changed(api, lose)
        assert len(volumes(api)) == len(uids(api)) == len(left)
        assert told(api) == ("False", "VolumeMissing")


async def test_a_strangers_volume_is_left_alone_until_it_is_handed_over() -> None:
    api = installed()
    mine = {"kind": KIND, "apiVersion": "v1", "metadata": {"name": "js-c-2", "namespace": "ns"}}
    mine["spec"] = {"resources": {"requests": {"storage": "10Gi"}}}
    with virtual_clock():
        api.add(mine)
        api.add(cluster(SPEC))
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            await asyncio.sleep(30)
            assert uids(api) == {}, "the first servers of a cluster start together"
            message = condition(api, "Degraded")["message"]
            assert "PersistentVolumeClaim js-c-2: does not have the labels" in message
            assert "label it app=nats,nats_cluster=c" in message
            labels = {"app": "nats", "nats_cluster": "c"}
            api.edit(volume(2), {"metadata": {"labels": labels}})
            await at_rest(api, process, is_ready)
            await process.stop()
    assert list(uids(api)) == ["c-1", "c-2", "c-3"]


async def test_a_missing_right_is_told_and_holds_up_nobody_else() -> None:
    allowed = False

    def plan(request: Request) -> Fate:
        if request.kind == KIND and not allowed:
            return Fate(refused=refusal(403, "Forbidden", "no"))
        return Fate()

    api = installed()
    api.plan = plan
    with virtual_clock():
        api.add(cluster(SPEC))
        api.add(cluster(PLAIN, name="other"))
        async with running(api) as process:
            await at_rest(api, process, lambda _: True)
            await asyncio.sleep(30)
            assert told(api) == ("Unknown", "VolumesNotRead")
            assert "rbac.persistentVolumeClaims" in condition(api, "Degraded")["message"]
            assert list(uids(api)) == ["other-1", "other-2", "other-3"]
            allowed = True
            await asyncio.sleep(150)
            await at_rest(api, process, is_ready)
            await process.stop()
    assert len(volumes(api)) == 3


async def test_what_somebody_writes_on_a_claim_costs_one_write_and_is_put_right() -> None:
    with virtual_clock():
        api = await with_volumes()
    before, told = note(api), api.objects[volume(2)]["metadata"]["annotations"]
    written = len(writes(api))

    def edit(api: ApiServer) -> None:
        annotations = {names.CLAIMS_ANNOTATION: "uid-of-c:1=abcdef,9=abcdef"}
        api.edit(volume(2), {"metadata": {"annotations": annotations}})

    await changed(api, edit)
    repaired = [(r.kind, r.name) for r in writes(api)[written:] if r.kind in (KIND, "Secret")]
    assert repaired == [(KIND, "js-c-2")]
    assert (note(api), api.objects[volume(2)]["metadata"]["annotations"]) == (before, told)
    assert told[names.CLAIMS_SEAL_ANNOTATION]


async def test_notes_stay_what_they_are_beside_another_configuration() -> None:
    """The Secret is applied as a whole."""
    with virtual_clock():
        api = await with_volumes()
    seal = api.objects[SECRET]["metadata"]["annotations"][names.CLAIMS_SEAL_ANNOTATION]
    await changed(api, lambda api: api.edit(CLUSTER, {"spec": {"natsConfig": {"debug": True}}}))
    assert api.objects[SECRET]["metadata"]["annotations"][names.CLAIMS_SEAL_ANNOTATION] == seal
