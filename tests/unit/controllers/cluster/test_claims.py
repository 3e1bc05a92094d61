"""Anybody may make claims and write on them: what that costs natsctl is bounded."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from typing import Any

import msgspec
import pytest

from natsctl.controllers.cluster import claims
from natsctl.controllers.cluster.claims import ReadClaims
from natsctl.controllers.runtime.computing import Computing
from natsctl.controllers.watch.stores import volume
from natsctl.model.names import MAX_SIZE
from natsctl.model.objects import Cluster, Meta, PersistentVolumeClaim
from natsctl.model.server_identity import claim_name
from natsctl.model.slim import slim
from natsctl.plan.claims import data, memory
from natsctl.plan.claims.memory import READ
from natsctl.plan.claims.note import parse_copy
from natsctl.plan.claims.stored import stored_of
from tests.unit.plan.claims.volumes import SPEC, claim, noted, uid_of, with_copy, with_data
from tests.unit.plan.world import NAME, NAMESPACE, UID

CLUSTER = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=SPEC)


def many(count: int, text: str = "") -> list[PersistentVolumeClaim]:
    """So many claims with names of servers, on each of which something else is noted."""
    like = with_data(claim(1))
    found = []
    for index in range(1, count + 1):
        made = with_copy(like, noted(index)) if not text else like
        notes = {**(made.metadata.annotations or {})}
        notes["nats.io/data"] = notes["nats.io/data"].replace("7516192768", str(index))
        notes |= {"nats.io/claims": f"{index}{text}", "nats.io/data": text} if text else {}
        meta = msgspec.structs.replace(
            made.metadata, name=claim_name(NAME, index), uid=uid_of(index), annotations=notes
        )
        found.append(slim(msgspec.structs.replace(made, metadata=meta)))
    return found


def reader() -> ReadClaims:
    return ReadClaims(partial(Computing().computed, NAMESPACE))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often notes are parsed."""
    counts = Counter[str]()

    def counted(name: str, call: Any) -> Any:
        def counting(*given: Any) -> Any:
            counts[name] += 1
            return call(*given)

        return counting

    monkeypatch.setattr(memory, "parse_copy", counted("copies", parse_copy))
    monkeypatch.setattr(data, "parse_data", counted("data", data.parse_data))
    return counts


def test_no_more_claims_count_than_a_cluster_can_have() -> None:
    kept = [each for each in many(MAX_SIZE + 50) if volume(each) is not None]
    assert len(kept) == MAX_SIZE


async def test_they_are_read_once_for_as_long_as_they_stay_the_same(
    parsed: Counter[str],
) -> None:
    there, known = many(MAX_SIZE), reader()
    first = await known.stored(CLUSTER, there, ("none", ""), b"")
    assert first == stored_of(CLUSTER, there, ("none", ""))
    parsed.clear()
    assert await known.stored(CLUSTER, list(there), ("none", ""), b"") is first
    assert not parsed
    assert await known.stored(CLUSTER, there, (noted(1), ""), b"") is not first
    edited = msgspec.structs.replace(
        there[0], metadata=msgspec.structs.replace(there[0].metadata, resource_version="2")
    )
    assert await known.stored(CLUSTER, [edited, *there[1:]], (noted(1), ""), b"") is not first
    assert (await known.stored(CLUSTER, None, (noted(1), ""), b"")).known is False


def test_few_copies_are_parsed_and_data_once_for_each_text(parsed: Counter[str]) -> None:
    assert len(stored_of(CLUSTER, many(MAX_SIZE), ("none", "")).data) == MAX_SIZE
    assert parsed == {"copies": READ, "data": MAX_SIZE}
    parsed.clear()
    same = [with_data(claim(index)) for index in (1, 2, 3)]
    stored_of(CLUSTER, same, ("none", ""))
    assert parsed == {"data": 1}


@pytest.mark.parametrize("length", [5_000, 200_000])
def test_what_is_too_long_is_not_parsed(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = list[int]()

    def loads(text: str, **_: Any) -> Any:
        lengths.append(len(text))
        raise ValueError

    monkeypatch.setattr("natsctl.model.limits.json.loads", loads)
    long = '{"fields":{"jetstream":"' + "x" * length + '"}}'
    assert stored_of(CLUSTER, many(3, long), ("none", "")).data == {}
    assert max(lengths, default=0) < 100, "of the longest, a digest is kept"


@pytest.mark.parametrize(("count", "beside"), [(3, False), (MAX_SIZE, True)])
async def test_what_is_much_is_read_beside_the_event_loop(
    count: int, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = list[str]()

    def reading(*given: Any) -> Any:
        threads.append(threading.current_thread().name)
        return stored_of(*given)

    monkeypatch.setattr(claims, "stored_of", reading)
    known = reader()
    await known.stored(CLUSTER, many(count), ("none", ""), b"")
    assert known.heavy is beside
    assert threads != [threading.main_thread().name] if beside else threads == ["MainThread"]
