"""What a user does to one cluster, step by step, and what has to come of each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from natsctl.model import names
from tests.unit.simulated.apiserver import ApiServer, Json
from tests.unit.simulated.clusters import cluster
from tests.unit.simulated.crashes import CLUSTER, conditions, essence, is_ready
from tests.unit.simulated.keys import REPLACE, have_second_key, rekeyed, with_keys
from tests.unit.simulated.requests import Where
from tests.unit.simulated.volumes import (
    has_volumes,
    have_grown,
    is_without_volumes,
    larger,
    replaced,
)

PASSING = frozenset(("jetstream", "podIP", names.CLAIMS_SEAL_ANNOTATION))
"""What depends on the servers that say it, and what counts how often a note was written."""
COUNTS_FOR_DATA = ("Pod", "PersistentVolumeClaim")


BUDGET: Where = ("PodDisruptionBudget", "ns", "c")


def is_settled(api: ApiServer) -> bool:
    """Whether the cluster is what its spec says, and another server could go."""
    budget = api.objects.get(BUDGET) or {"spec": {}}
    able = budget["spec"].get("maxUnavailable") == 1
    return able and has_volumes(api) and conditions(api).get("JetStream") == "True"


@attrs.frozen
class Step:
    """Something that a user does to what is at rest, and whether its end has come.

    `away`: so many servers may be asked to go at one moment. `returns`: so many may have to come
    back and go once more, because nobody noted that they held nothing. `streams` are created
    first, with so many replicas, or, before that, `deleted`.
    """

    name: str
    act: Callable[[ApiServer], object]
    is_done: Callable[[ApiServer], bool] = is_settled
    away: int = 0
    returns: int = 0
    streams: Mapping[str, int] = attrs.field(factory=dict)
    deleted: tuple[str, ...] = ()


def changes(**spec: Any) -> Callable[[ApiServer], object]:
    """The user changes the spec."""
    return lambda api: api.edit(CLUSTER, {"spec": spec})


def creates(spec: Json) -> Callable[[ApiServer], object]:
    """The user creates the cluster."""
    return lambda api: api.add(cluster(spec))


def has_stopped(api: ApiServer) -> bool:
    """Whether nothing but volumes is left."""
    return CLUSTER not in api.objects and not api.of_kind("Pod")


def steps(before: str, after: str) -> tuple[Step, ...]:
    """The story of a cluster that is created with one version of nats-server, and gets another."""
    spec = {"size": 3, "version": before, "jetstream": {}}
    pvc = {"size": "20Gi"}
    later = {**spec, "version": after, "jetstream": {"fileStore": {"pvc": pvc}}}
    leaving = {"MORE": 1, "AGAIN": 1, "AND-THREE": 3}
    return (
        Step("create", creates(spec)),
        Step("scale up", changes(size=5), streams={"ONE": 1, "THREE": 3}),
        Step("scale down", changes(size=3), away=1, returns=2, streams=leaving),
        Step("roll", changes(version=after), away=1),
        Step("grow volumes", larger),
        Step("delete", lambda api: api.delete(CLUSTER), has_stopped, away=3),
        Step("take back", creates(later)),
    )


def renewals(version: str) -> tuple[Step, ...]:
    """Each server gets an empty volume twice: the class cannot grow, and there is a new key.

    Streams with one replica move away before, but not from servers of 2.9.
    """
    one = 3 if version.startswith("2.9.") else 1
    given = {"jetstream": {"encryption": {"secret": "first"}, **REPLACE}}
    spec = {"size": 3, "version": version, **given}
    return (
        Step("create", creates_with_keys(spec)),
        Step(
            "replace volumes",
            replaced_all,
            lambda api: have_grown(api) and is_settled(api),
            away=1,
            returns=3,
            streams={"ONE": one, "THREE": 3},
        ),
        Step(
            "new key",
            lambda api: rekeyed(api, "20Gi"),
            lambda api: have_second_key(api) and is_settled(api),
            away=1,
            returns=3,
            streams={"MORE": one},
        ),
    )


def creates_with_keys(spec: Json) -> Callable[[ApiServer], None]:
    """The user creates Secrets with keys, and the cluster."""

    def act(api: ApiServer) -> None:
        with_keys(api)
        api.add(cluster(spec))

    return act


def replaced_all(api: ApiServer) -> None:
    """The user asks for more than the class can give."""
    api.fixed = True
    replaced(api)


def switches(version: str) -> tuple[Step, ...]:
    """JetStream comes, goes once nobody holds a stream, and comes back with its volumes."""
    on, off = changes(jetstream={}), changes(jetstream=None)
    return (
        Step("create", creates({"size": 3, "version": version}), is_ready),
        Step("switch on", on, away=1),
        Step("reload", changes(natsConfig={"max_pings": 3}), streams={"A": 1, "B": 3}),
        Step("switch off", off, is_without_volumes, away=1, deleted=("A", "B")),
        Step("switch back on", on, away=1),
        Step("delete", lambda api: api.delete(CLUSTER), has_stopped, away=3, streams={"C": 3}),
        Step("take back", creates({"size": 3, "version": version, "jetstream": {}})),
    )


@attrs.frozen
class End:
    """What came of a step."""

    objects: dict[Where, Json]
    deletions: Counter[str]
    """Of pods and claims."""

    @classmethod
    def of(cls, api: ApiServer) -> End:
        """What there is now, and what was deleted since that was counted anew."""
        gone = (it.partition(" ")[0] for it in api.deletions)
        counted = Counter(it for it in gone if it.startswith(COUNTS_FOR_DATA))
        objects = {where: _without(item) for where, item in _lasting(api)}
        for where in objects:
            if where[0] == "Pod":  # how often it was made is counted
                objects[where]["metadata"].pop("uid")
        return cls(objects, counted)


def _lasting(api: ApiServer) -> Iterator[tuple[Where, Json]]:
    """Without how often a budget was closed on the way."""
    for where, item in essence(api).items():
        meta = {k: v for k, v in item["metadata"].items() if k != "generation"}
        yield where, {**item, "metadata": meta} if where == BUDGET else item


def _without(content: Any) -> Any:
    """The same without what the way there decides."""
    if isinstance(content, list):
        return [_without(one) for one in content]
    if not isinstance(content, dict):
        return content
    return {key: _without(value) for key, value in content.items() if key not in PASSING}
