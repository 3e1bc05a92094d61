"""Labels of Namespaces as their watch tells them, and who is woken by a change."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from natsctl.controllers.watch.namespace_labels import NamespaceLabels
from natsctl.controllers.watch.stores import label_reader
from natsctl.kube.errors import error_of
from natsctl.kube.store import Key
from natsctl.kube.transport import Transport
from natsctl.model.objects import Meta, Namespace
from natsctl.model.slim import LONGEST_LABELS, slim

C, D = ("ns", "c"), ("ns", "d")


def place(name: str, version: int = 1, **labels: str) -> Namespace:
    """As the watch tells it."""
    return slim(Namespace(Meta(name=name, resource_version=str(version), labels=labels or None)))


class Woken(list[Key]):
    """Clusters, in the order in which they were woken."""

    def taken(self) -> list[Key]:
        found = sorted(self)
        self.clear()
        return found


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def labels(woken: Woken) -> NamespaceLabels:
    return NamespaceLabels(woken.append)


def names(*given: str) -> frozenset[str]:
    return frozenset(given)


def test_nothing_is_known_before_everything_is(labels: NamespaceLabels, woken: Woken) -> None:
    assert labels.find(C, names("a", "b")) is None
    assert labels.find(D, names()) is None
    labels.replace((place("a", team="x"), place("c")), 5)
    assert woken.taken() == [C, D], "even who has nobody to select has to tell that"
    assert labels.find(C, names("a", "b")) == {"a": {"team": "x"}}
    assert labels.find(D, names("c")) == {"c": {}}
    assert len(labels) == 2


def test_a_change_wakes_whoever_looks_at_that_namespace(
    labels: NamespaceLabels, woken: Woken
) -> None:
    labels.replace((place("a"), place("b")), 5)
    labels.find(C, names("a"))
    labels.find(D, names("a", "b"))
    labels.put(place("a", 6, team="x"))
    assert woken.taken() == [C, D]
    labels.put(place("b", 7, team="x"))
    assert woken.taken() == [D]
    labels.put(place("new", 8, team="x"))
    assert woken.taken() == []
    labels.remove(place("a", 9))
    assert woken.taken() == [C, D]
    assert labels.find(C, names("a")) == {}


def test_what_is_not_about_labels_wakes_nobody(labels: NamespaceLabels, woken: Woken) -> None:
    labels.replace((place("a", team="x"),), 5)
    labels.find(C, names("a", "b"))
    labels.put(place("a", 6, team="x"))
    labels.replace((place("a", 6, team="x"),), 7)
    labels.remove(place("b", 8))
    labels.seen(9)
    assert woken.taken() == []


def test_a_new_list_tells_what_changed_meanwhile(labels: NamespaceLabels, woken: Woken) -> None:
    labels.replace((place("a", team="x"), place("b"), place("c")), 5)
    for cluster, name in ((C, "a"), (D, "b"), (("ns", "e"), "c")):
        labels.find(cluster, names(name))
    labels.replace((place("a", 6, team="y"), place("c")), 7)
    assert woken.taken() == [C, D]
    assert labels.find(C, names("a", "b")) == {"a": {"team": "y"}}


def test_who_selects_no_longer_is_not_woken(labels: NamespaceLabels, woken: Woken) -> None:
    labels.replace((place("a"),), 5)
    labels.find(C, names("a"))
    labels.forget(C)
    labels.put(place("a", 6, team="x"))
    assert woken.taken() == []


def test_where_nothing_is_watched_nothing_is_known() -> None:
    labels = NamespaceLabels()
    assert labels.find(C, names("a")) is None
    labels.replace((), 1)
    assert labels.find(C, names("a")) == {}


def test_a_namespace_with_more_labels_than_are_read_has_none(
    labels: NamespaceLabels, woken: Woken
) -> None:
    """One that was left out would be taken for one that is not there."""
    many: dict[str, Any] = {f"{i:03}": "x" * 61 for i in range(LONGEST_LABELS // 64)}
    labels.replace((place("a", **many), place("b", **many)), 5)
    labels.find(C, names("a"))
    assert labels.find(C, names("a")) == {"a": many}
    labels.put(place("a", 6, **many, more=""))
    assert woken.taken() == [C]
    assert labels.find(C, names("a")) == {}
    labels.replace((place("a", 6, **many, more=""),), 7)
    assert labels.find(C, names("a", "b")) == {}


class Api:
    """Streams these Namespaces, or refuses."""

    def __init__(self, *items: Any, status: int = 200) -> None:
        self.items, self.status = items, status
        self.asked: list[tuple[str, str]] = []

    def stream(self, path: str, params: Any, silence: float, accept: str) -> Api:
        self.asked.append((path, accept))
        return self

    async def __aenter__(self) -> Any:
        if self.status != 200:
            raise error_of(self.status, b'{"reason":"Forbidden","message":"no"}')
        return self._lines()

    async def __aexit__(self, *_: object) -> None:
        pass

    async def _lines(self) -> Any:
        for item in self.items:
            yield json.dumps({"type": "ADDED", "object": item}).encode() + b"\n"
        end = {"resourceVersion": "99", "annotations": {"k8s.io/initial-events-end": "true"}}
        line = {"type": "BOOKMARK", "object": {"metadata": end}}
        yield json.dumps(line).encode() + b"\n"


def raw(name: str, **more: Any) -> Any:
    return {"metadata": {"name": name, "uid": "u", "resourceVersion": "7", **more}}


async def test_only_metadata_is_watched_and_only_labels_are_kept(labels: NamespaceLabels) -> None:
    big = {"annotations": {f"a{i}": "x" * 5000 for i in range(40)}, "finalizers": ["y" * 5000]}
    api = Api(raw("a", labels={"team": "x"}, **big), raw("b"), {"metadata": {"labels": 1}})
    reader = label_reader(cast("Transport", api), labels)
    assert await reader._once() == "closed"
    assert reader.synced.is_set()
    assert labels.find(C, names("a", "b")) == {"a": {"team": "x"}, "b": {}}
    (path, accept), *_ = api.asked
    assert path == "/api/v1/namespaces"
    assert "as=PartialObjectMetadata" in accept
    whole = Meta(name="a", labels={"b": "c"}, annotations={"x": "y"}, uid="u", generation=3)
    assert slim(Namespace(whole)).metadata == Meta(name="a", labels={"b": "c"})


async def test_who_may_not_read_them_knows_nothing_and_waits_for_nothing(
    labels: NamespaceLabels,
) -> None:
    api = Api(status=403)
    reader = label_reader(cast("Transport", api), labels)
    assert await reader._once() == "http_403"
    assert reader.synced.is_set()
    assert labels.find(C, names("a")) is None
    api.items, api.status = (raw("a", labels={"team": "x"}),), 200
    assert await reader._once() == "closed"
    assert labels.find(C, names("a")) == {"a": {"team": "x"}}
    api.status = 403
    assert await reader._once() == "http_403"
    assert labels.find(C, names("a")) == {"a": {"team": "x"}}


def test_namespaces_that_nobody_looks_at_wake_nobody(labels: NamespaceLabels, woken: Woken) -> None:
    """However many somebody makes, labels and deletes."""
    for i in range(20):
        labels.find(("ns", f"c{i}"), names("a"))
    labels.replace([place(f"n{i}", team="x") for i in range(1000)], 5)
    assert len(woken.taken()) == 20
    for i in range(1000):
        labels.put(place(f"n{i}", i + 6, team="y"))
        labels.remove(place(f"n{i}", i + 2000))
    assert woken.taken() == []
    assert len(labels) == 0
