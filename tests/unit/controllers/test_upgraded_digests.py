"""Digests of an earlier natsctl: an upgrade restarts nothing, and they give nothing away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from natsctl.model import names
from natsctl.plan.digests import CONTENTS, Digests, unbound
from natsctl.render.revision.revision import STREAM_KEY
from tests.unit.controllers.test_encryption import (
    ANOTHER,
    ENCRYPTED,
    KEY,
    OTHER,
    after,
    left_behind,
    put,
    waits,
    with_data,
)
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import cluster, uids
from tests.unit.simulated.crashes import CLUSTER, is_ready
from tests.unit.simulated.process import virtual_clock
from tests.unit.simulated.volumes import pod, volume

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]


@contextmanager
def earlier_natsctl() -> Iterator[None]:
    """Digests are the same for all clusters, and for all purposes."""
    before: dict[str, Any] = {"of": Digests.of, "seal": Digests.seal}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Digests, "of", lambda self, path, value: unbound(self.pepper, value))
        seal = property(lambda self: unbound(self.pepper, "which pepper"))
        patched.setattr(Digests, "seal", seal)
        yield
    assert {"of": Digests.of, "seal": Digests.seal} == before


def told_by_pod(api: ApiServer, index: int) -> str:
    notes = api.objects[pod(index)]["metadata"]["annotations"]
    return str(json.loads(notes[names.REVISION_ANNOTATION])[STREAM_KEY])


def told_by_claim(api: ApiServer, index: int) -> str:
    notes = api.objects[volume(index)]["metadata"]["annotations"]
    return str(json.loads(notes[names.DATA_ANNOTATION])["fields"][STREAM_KEY])


async def test_an_upgrade_restarts_nothing_and_claims_are_noted_anew() -> None:
    with virtual_clock():
        with earlier_natsctl():
            api = await with_data()
        before, noted, made = uids(api), told_by_claim(api, 1), told_by_pod(api, 1)
        assert await after(api, lambda _: None) == {KEY}
        assert uids(api) == before
        assert is_ready(api)
        assert told_by_pod(api, 1) == made
        assert told_by_claim(api, 1) != noted
        again = told_by_claim(api, 1)
        assert await after(api, lambda api: api.delete(pod(1))) == {KEY}
    assert is_ready(api)
    assert told_by_pod(api, 1) != made, "a new pod has the new form"
    assert told_by_claim(api, 1) == again
    assert again.endswith(f":{told_by_pod(api, 1)}")


async def test_a_key_that_changed_in_between_is_told_and_may_come_back() -> None:
    with virtual_clock():
        with earlier_natsctl():
            api = await with_data()
        before = uids(api)
        assert await after(api, lambda api: put(api, ANOTHER)) == {KEY}
        assert OTHER in waits(api)
        assert await after(api, lambda api: put(api, KEY)) == {KEY}
        assert waits(api) == ""
    assert uids(api) == before


async def test_volumes_of_before_are_taken_back_with_a_word_of_the_user() -> None:
    """Nobody but the user can tell: claims of a new cluster may be copies of somebody else's."""
    with virtual_clock():
        with earlier_natsctl():
            api = await left_behind()
        assert await after(api, lambda api: api.add(cluster(ENCRYPTED))) == set()
        told = waits(api)
        assert "natsctl cannot tell whether Secret js-key has the key" in told
        word = told.partition(f"{names.KEY_ANNOTATION}=")[2].partition(" ")[0]
        given = {"metadata": {"annotations": {names.KEY_ANNOTATION: word}}}
        assert await after(api, lambda api: api.edit(CLUSTER, given)) == {KEY}
    assert is_ready(api)


async def test_volumes_of_now_are_taken_back_by_the_next_cluster_of_the_name() -> None:
    with virtual_clock():
        api = await left_behind()
        assert await after(api, lambda api: api.add(cluster(ENCRYPTED))) == {KEY}
    assert is_ready(api)


def copied(api: ApiServer, digest: str) -> None:
    """Somebody notes on pods of their own what they read on those of others."""
    for index in (1, 2, 3):
        notes = api.objects[pod(index)]["metadata"]["annotations"]
        told = json.loads(notes[names.REVISION_ANNOTATION]) | {STREAM_KEY: digest}
        annotations = {names.REVISION_ANNOTATION: json.dumps(told)}
        api.edit(pod(index), {"metadata": {"annotations": annotations}})


@pytest.mark.parametrize(("tries", "found"), [(1, True), (CONTENTS, False)])
async def test_nobody_tries_more_than_a_few_keys(tries: int, found: bool) -> None:
    """Not even with a cluster of before."""
    heard = list[str]()

    async def guess(api: ApiServer) -> None:
        for key in (*(f"guess-number-{n:03}" for n in range(tries - 1)), ANOTHER):
            put(api, key)
            await asyncio.sleep(30)
            heard.append(waits(api))

    def begin(api: ApiServer) -> None:
        guessing.append(asyncio.create_task(guess(api)))

    guessing = list[asyncio.Task[None]]()
    with virtual_clock():
        with earlier_natsctl():
            theirs = told_by_pod(await with_data(ANOTHER), 1)
            api = await with_data()
        copied(api, theirs)
        await after(api, begin, seconds=30 * tries + 60)
        await guessing[0]
    *others, last = heard
    assert all(OTHER in each for each in others)
    assert (last == "") is found
