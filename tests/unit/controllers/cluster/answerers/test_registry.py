"""Every query is asked by somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, cast

import attrs
import pytest

from natsctl.controllers.cluster import answerers
from natsctl.controllers.cluster.answerers import registry
from natsctl.controllers.cluster.answerers.answerer import Answerer
from natsctl.controllers.cluster.answerers.registry import ANSWERERS, answer
from natsctl.controllers.cluster.cache import ClusterCache
from natsctl.controllers.cluster.discovery import defined_in
from natsctl.model.objects import Cluster, Meta
from natsctl.plan.queries import Answers, Probe, Query
from natsctl.plan.state import ClusterState
from tests.unit.controllers.cluster.classes import classes_below

CACHE = cast("ClusterCache", "the cache")
CLUSTER = Cluster(Meta(name="c", namespace="ns", uid="u"))
STATE = ClusterState(CLUSTER, CLUSTER.status, None)


@attrs.frozen
class Other(Query):
    """Another kind of question."""

    freshness: float = 1.0

    def answered_at(self, answers: Answers) -> float | None:
        raise AssertionError("whoever asks for it decided that already")


def test_every_query_has_one_answerer() -> None:
    asked = [answerer.query for answerer in defined_in(answerers, Answerer)]
    own = classes_below(Query)
    assert sorted(asked, key=str) == sorted(own, key=str)
    assert set(ANSWERERS) == own


async def test_each_answerer_gets_the_queries_of_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, set[Query]] = {}

    async def probes(those: Collection[Any], cache: ClusterCache, state: ClusterState) -> None:
        asked["probes"] = set(those)

    async def others(those: Collection[Any], cache: ClusterCache, state: ClusterState) -> None:
        asked["others"] = set(those)

    monkeypatch.setattr(
        registry, "ANSWERERS", {Probe: Answerer(Probe, probes), Other: Answerer(Other, others)}
    )
    await answer({Probe("a"), Other(), Probe("b", 2.0)}, CACHE, STATE)
    assert asked == {"probes": {Probe("a"), Probe("b", 2.0)}, "others": {Other()}}


async def test_nobody_is_asked_nothing() -> None:
    await answer((), CACHE, STATE)


async def test_a_query_that_nobody_answers_is_a_bug() -> None:
    with pytest.raises(KeyError):
        await answer([Other()], CACHE, STATE)


async def test_an_error_arrives_as_it_is_once_all_others_have_been_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log and the condition name what went wrong, and nothing of it goes on meanwhile."""
    asked: list[Query] = []

    async def fails(those: Collection[Any], cache: ClusterCache, state: ClusterState) -> None:
        raise TimeoutError

    async def slow(those: Collection[Any], cache: ClusterCache, state: ClusterState) -> None:
        await asyncio.sleep(0)
        asked.extend(those)

    monkeypatch.setattr(
        registry, "ANSWERERS", {Probe: Answerer(Probe, fails), Other: Answerer(Other, slow)}
    )
    with pytest.raises(TimeoutError):
        await answer([Probe("a"), Other()], CACHE, STATE)
    assert asked == [Other()]
