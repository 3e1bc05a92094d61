"""Whatever is in objects: no step takes long, no memory is kept, no pass meets a bug, and a cluster
of somebody else is not touched by it.

Every kind that is read, every field of it, in watches and in replies. `make fuzz` tries more.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import os
import time
import tracemalloc
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.operator.hostile import (
    GOOD,
    Api,
    Where,
    World,
    bugs,
    condition,
    fresh,
    longest_step,
    settled,
    undecodable,
)

EXAMPLES = int(os.environ.get("NATSCTL_FUZZ_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
STEP = 0.4
"""Seconds of the processor's that one step may take: four times the aim, for cold caches."""
ALL = 3.0
"""Seconds for everything, the watches and a pass of each cluster."""
KEPT, PEAK = 4 * 2**20, 64 * 2**20
"""Bytes."""


def raw(text: str | bytes) -> msgspec.Raw:
    return msgspec.Raw(text.encode() if isinstance(text, str) else text)


def nested(levels: int, inner: str = "1") -> msgspec.Raw:
    return raw('{"a":[' * levels + inner + "]}" * levels)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


USERS = '{"users":[{"username":"%s","password":"p"}]}'
SCALARS = [None, True, False, 0, -1, 1.5, 2**31, 2**63 - 1, [], {}, [None], {"": None}, [[]]]
NUMBERS = [raw(text) for text in ("9" * 30, "9" * 5000, "1e400", "-1e400", "1e-400", "NaN", "-0.0")]
TEXTS = [
    *(
        "",
        " ",
        "x" * 300,
        "x" * 100_000,
        "\n",
        "a\u0000b",
        "\u0663",
        "\u202e",
        "\ufeff",
        "9" * 5000,
    ),
    *("../../x/secrets/y", "x?watch=true", "a/b/c", "%2e", "Infinity", "-1", "0x10", "1e9"),
    *("2020-13-45", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2020-01-01"),
    *("2020-01-01T00:00:00", "2020-01-01T00:00:00Z 2020-01-01T00:00:00Z", "noon"),
    *("[" * 5000, '{"a":' * 5000, '{"version": [[]], "cluster.joined": {}}', "[]", "null", "{}"),
    *("!!!", "AAA", coded("[" * 5000), coded(USERS % "\\ud800"), coded(USERS % "a\\u0000")),
    *(coded(USERS % ("x" * 50_000)), coded("NaN"), coded('{"timeout": 1e400}'), coded("9" * 5000)),
    coded(
        '{"users": '
        + json.dumps([{"username": str(i), "password": "p"} for i in range(6000)])
        + "}"
    ),
    coded("-----BEGIN CERTIFICATE-----" * 2000),
    coded("-----BEGIN PRIVATE KEY-----\n" * 2000),
]
BROKEN = [raw('"\\ud800"'), raw(b'"\xff"'), raw('{"a":1,"a":[2]}'), raw('"\\u0000"')]
DEEP = [nested(levels) for levels in (20, 40, 400, 1000, 4500)]
MANY = [
    list(range(30_000)),
    [{}] * 3000,
    [{"name": "nats"}] * 2000,
    [{"kind": "NatsCluster", "name": "c", "uid": "x", "controller": True}] * 2000,
    {str(i): "x" for i in range(5000)},
    {"x" * 300 + str(i): "y" * 300 for i in range(1000)},
    [{"name": "h", "url": f"nats://h{i}:1"} for i in range(300)],
    [{"cluster": f"c{i}"} for i in range(300)],
]
UNREAD = [("spec", part) for part in ("containers", "volumes", "securityContext", "hostname")]
HOSTILE = st.one_of(*map(st.sampled_from, (SCALARS, NUMBERS, TEXTS, BROKEN, DEEP, MANY)))
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
        if where[1] == "ns"
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


@SETTINGS
@given(changes=CHANGES, late=st.booleans())
def test_nothing_comes_of_it(changes: list[Change], late: bool) -> None:
    settled()
    before = bugs()
    api = fresh()
    poison(api, changes, late=late)
    started = time.thread_time()
    with longest_step() as longest:
        world, ends = asyncio.run(lived(api))
    assert time.thread_time() - started < ALL
    assert longest() < STEP
    assert ends == ["closed"] * len(ends), "the watches went on to their end"
    assert bugs() == before, "every pass knew what to do"
    assert not [sent for sent in api.sent if sent[1][1:] == GOOD], "nothing was done to the other"
    assert GOOD in world.actors
    assert condition(api, GOOD, "Ready") == condition(settled(), GOOD, "Ready")
    assert [f.name for f in text_string_to_metric_families(world.metrics())]
    world.metrics().encode()


@settings(SETTINGS, max_examples=EXAMPLES // 4 or 8)
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
    assert len(world.actors) == 4
    kinds = {where[0] for where in api.objects}
    assert kinds >= {"NatsCluster", "NatsServiceRole", "Pod", "Service", "Secret", "NetworkPolicy"}
    assert sum(map(len, places().values())) > 500
