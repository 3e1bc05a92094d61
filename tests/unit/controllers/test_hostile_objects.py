"""Whatever is in objects: no step takes long, no memory is kept, no pass meets a bug, and a cluster
of somebody else is not touched by it.

Every kind that is read, every field of it, in watches and in replies. `make fuzz` tries more.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import tracemalloc
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from natsctl.render.objects.owned_objects import owned_kinds
from tests.compat import longest_step
from tests.hostile_json import BROKEN, DEEP, HOSTILE, NUMBERS, SCALARS, TEXTS, fuzzed
from tests.unit.controllers.hostile import (
    GOOD,
    Api,
    Where,
    World,
    bugs,
    condition,
    fresh,
    settled,
    undecodable,
)
from tests.unit.pace import allowed, without_what_was_before

pytestmark = pytest.mark.unmeasured

STEP = 0.4
"""Seconds of the processor's that one step may take: four times the aim, for cold caches."""
ALL = 3.0
"""Seconds for everything, the watches and a pass of each cluster."""
KEPT, PEAK = 4 * 2**20, 64 * 2**20
"""Bytes."""


UNREAD = [("spec", part) for part in ("containers", "volumes", "securityContext", "hostname")]
ADDED = st.sampled_from(
    [
        "managedFields",
        "finalizers",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ]
)


def paths(item: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in an object, the object itself left out."""
    inner = (
        item.items()
        if isinstance(item, dict)
        else enumerate(item)
        if isinstance(item, list)
        else ()
    )
    return [path for key, each in inner for path in [(*before, key), *paths(each, (*before, key))]]


@cache
def places() -> dict[Where, list[tuple[Any, ...]]]:
    """Every place in every object of a tenant's, but for what nobody reads of pods."""
    return {
        where: [
            path
            for path in paths(msgspec.json.decode(whole))
            if where[0] != "Pod" or path[:2] not in UNREAD
        ]
        for where, whole in sorted(settled().objects.items())
        if where[1] == "ns" or where[0] == "Namespace"
    }


def put(item: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The object with another value there; an earlier one may have taken the place away."""
    if not path:
        return value
    if isinstance(item, dict):
        return {**item, path[0]: put(item.get(path[0], {}), path[1:], value)}
    if isinstance(item, list) and isinstance(path[0], int) and path[0] < len(item):
        return [*item[: path[0]], put(item[path[0]], path[1:], value), *item[path[0] + 1 :]]
    return item


Change = tuple[tuple[Where, tuple[Any, ...]], Any, str]
PLACES = st.deferred(
    lambda: st.sampled_from(list(places())).flatmap(
        lambda where: st.tuples(st.just(where), st.sampled_from(places()[where]))
    )
)
CHANGES: st.SearchStrategy[list[Change]] = st.lists(
    st.tuples(PLACES, HOSTILE, st.sampled_from(["", "", "", "add"]) | ADDED), min_size=1, max_size=4
)


def poison(api: Api, changes: list[Change], *, late: bool) -> None:
    """Make the changes, to what is there from the beginning or to what the watch tells later."""
    wholes: dict[Where, Any] = {}
    for (where, path), value, more in changes:
        if where not in wholes:
            wholes[where] = msgspec.json.decode(api.objects[where])
            wholes[where]["metadata"]["resourceVersion"] = "600"
        if more == "add":
            path = (*path[:-1], "else")
        elif more:
            path = ("metadata", more)
        wholes[where] = put(wholes[where], path, value)
    for where, whole in wholes.items():
        if isinstance(whole, dict) and isinstance(whole.get("metadata"), dict):
            (api.late if late else api.objects)[where] = msgspec.json.encode(whole)


async def lived(api: Api) -> tuple[World, list[str]]:
    world = World(api)
    ends = await asyncio.create_task(world.watch())
    await asyncio.create_task(world.passes())
    await world.end()
    return world, ends


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@fuzzed(25)
@given(changes=CHANGES, late=st.booleans())
def test_nothing_comes_of_it(changes: list[Change], late: bool) -> None:
    settled()
    api = fresh()
    poison(api, changes, late=late)
    outlived(api)


def outlived(api: Api) -> None:
    """It was read in bounded time, no pass met a bug, and nothing was done to the other cluster."""
    before = bugs()
    started = time.thread_time()
    with without_what_was_before(), longest_step() as longest:
        world, ends = asyncio.run(lived(api))
    assert time.thread_time() - started < allowed(ALL)
    assert longest() < allowed(STEP)
    assert ends == ["closed"] * len(ends), "the watches went on to their end"
    assert bugs() == before, "every pass knew what to do"
    assert not [sent for sent in api.sent if sent[1][1:] == GOOD], "nothing was done to the other"
    assert GOOD in world.actors
    assert condition(api, GOOD, "Ready") == condition(settled(), GOOD, "Ready")
    assert [f.name for f in text_string_to_metric_families(world.metrics())]
    world.metrics().encode()


VALUES = [*SCALARS, *NUMBERS, *TEXTS, *BROKEN, *DEEP]
ROUNDS = 40
"""In each, one of so many places of each object is changed."""


@pytest.mark.parametrize("number", range(ROUNDS))
def test_every_field_of_every_kind_may_hold_anything(number: int) -> None:
    """Not only those that examples happen to be about."""
    changes: list[Change] = []
    for where, there in places().items():
        for path in there[number::ROUNDS]:
            changes.append(((where, path), VALUES[(7 * number + len(changes)) % len(VALUES)], ""))
    api = fresh()
    poison(api, changes, late=bool(number % 2))
    outlived(api)


@fuzzed(8, share=4)
@given(changes=CHANGES, late=st.booleans())
def test_nothing_of_it_is_kept(changes: list[Change], late: bool) -> None:
    settled()
    api = fresh()
    poison(api, changes, late=late)
    asyncio.run(lived(fresh()))
    gc.collect()
    tracemalloc.start()
    try:
        world, _ = asyncio.run(lived(api))
        gc.collect()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert world.actors
    assert kept < KEPT
    assert peak < PEAK


def test_the_world_is_at_rest_without_it() -> None:
    """Else nothing would be seen."""
    before = bugs(), undecodable()
    api = fresh()
    world, ends = asyncio.run(lived(api))
    assert set(ends) == {"closed"}
    assert (bugs(), undecodable()) == before
    assert api.sent == []
    assert len(world.actors) == 5
    kinds = {where[0] for where in places()}
    assert kinds == {reader.resource.kind for reader in world.readers}, "every kind that is read"
    assert kinds >= {entry.kind for entry in owned_kinds()}
    assert ("Secret", "ns", "worker-c-bound-token") in api.objects, "selected by a label"
    assert sum(map(len, places().values())) > 500
