"""The store against what an API server holds, whatever order news of it arrives in."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from natsctl.kube.store import Key, Store
from natsctl.model.objects import Meta, Pod
from natsctl.model.slim import slim
from tests.unit.examples import examples

NAMES = st.sampled_from("ab")
CLUSTERS = st.sampled_from(["c", "d", ""])


def pod(name: str, version: int, uid: str, cluster: str) -> Pod:
    labels = {"nats_cluster": cluster} if cluster else None
    meta = Meta(name=name, namespace="ns", uid=uid, resource_version=str(version), labels=labels)
    return slim(Pod(meta))  # as the reflector decodes them


class Truth(RuleBasedStateMachine):
    """An API server, a watch that is behind it, and replies to our own writes that come late."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Key] = []
        self.store: Store[Pod] = Store(self.told.append)
        self.version = 0
        self.real: dict[str, Pod] = {}
        self.watch: list[tuple[str, Pod]] = []
        self.replies: list[Pod] = []
        self.shown: dict[str, int] = {}

    def commit(self, name: str, cluster: str, *, ours: bool) -> None:
        self.version += 1
        held = self.real.get(name)
        uid = held.metadata.uid if held else f"{name}-{self.version}"
        made = pod(name, self.version, uid, cluster)
        self.real[name] = made
        self.watch.append(("put", made))
        if ours:
            self.replies.append(made)

    @rule(name=NAMES, cluster=CLUSTERS, ours=st.booleans())
    def write(self, name: str, cluster: str, ours: bool) -> None:
        self.commit(name, cluster, ours=ours)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        held = self.real.pop(name, None)
        if held is not None:
            self.version += 1
            label = held.metadata.label("nats_cluster") or ""
            last = pod(name, self.version, held.metadata.uid, label)
            self.watch.append(("remove", last))

    @rule(count=st.integers(1, 4))
    def hear(self, count: int) -> None:
        """The watch comes further, in order."""
        for kind, item in self.watch[:count]:
            getattr(self.store, kind)(item)
            if kind == "remove" and self.shown.get(item.metadata.name, 0) <= item.version:
                self.shown.pop(item.metadata.name, None)
        del self.watch[:count]

    @rule(data=st.data())
    def reply(self, data: st.DataObject) -> None:
        """A reply of any age arrives, also one of an object that is long gone."""
        if self.replies:
            index = data.draw(st.integers(0, len(self.replies) - 1))
            self.store.learn(self.replies.pop(index))

    @rule()
    def list_anew(self) -> None:
        """What the watch had not told yet, it does not tell any more."""
        self.watch.clear()
        self.shown.clear()
        self.store.replace(self.real.values(), self.version)

    @rule()
    def bookmark(self) -> None:
        if not self.watch:
            self.store.seen(self.version)

    @invariant()
    def it_is_equal_once_everything_was_told(self) -> None:
        if not self.watch:
            held = {name: self.store.get(("ns", name)) for _, name in self.store.keys()}  # noqa: SIM118 - a Store is no dict
            assert held == self.real

    @invariant()
    def it_never_goes_back_to_something_older(self) -> None:
        """Not even to nothing, unless that is what is newer."""
        for name, version in self.shown.items():
            item = self.store.get(("ns", name))
            assert item is not None
            assert item.version >= version
        for _, name in self.store.keys():  # noqa: SIM118 - a Store is no dict
            kept = self.store.get(("ns", name))
            assert kept is not None
            self.shown[name] = kept.version

    @invariant()
    def its_index_says_the_same_as_its_objects(self) -> None:
        index: dict[Any, set[str]] = defaultdict(set)
        for key in self.store.keys():  # noqa: SIM118 - a Store is no dict
            item = self.store.get(key)
            assert item is not None
            index[item.metadata.label("nats_cluster")].add(item.metadata.name)
        for cluster in ("c", "d"):
            found = {p.metadata.name for p in self.store.of_cluster(("ns", cluster))}
            assert found == index[cluster]


Truth.TestCase.settings = examples(75, search=150, stateful_step_count=40)
TestTruth = Truth.TestCase
