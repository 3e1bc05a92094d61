"""The store: the newest wins, the deleted stays deleted, and who is concerned is told."""

from __future__ import annotations

from natsctl.kube.store import Key, Store
from natsctl.model.objects import Meta, Pod


def pod(name: str, version: int, cluster: str = "c", uid: str = "u") -> Pod:
    labels = {"nats_cluster": cluster} if cluster else None
    meta = Meta(name=name, namespace="ns", uid=uid, resource_version=str(version), labels=labels)
    return Pod(meta)


class Told(list[Key]):
    def take(self) -> list[str]:
        found = [name for _, name in self]
        self.clear()
        return found


def filled(*pods: Pod) -> tuple[Store[Pod], Told]:
    told = Told()
    store: Store[Pod] = Store(told.append)
    store.replace(pods, 10)
    told.clear()
    return store, told


def names(store: Store[Pod], cluster: str = "c") -> set[str]:
    return {p.metadata.name for p in store.of_cluster(("ns", cluster))}


def test_what_is_newer_wins_in_any_order() -> None:
    store, told = filled(pod("a", 5))
    store.put(pod("a", 12))
    store.learn(pod("a", 11))
    kept = store.get(("ns", "a"))
    assert kept is not None
    assert kept.version == 12
    assert told.take() == ["c", "c"]  # the old one left, the new one came


def test_an_own_write_is_known_before_the_watch_tells() -> None:
    store, told = filled()
    store.learn(pod("a", 11))
    assert names(store) == {"a"}
    store.put(pod("a", 11))
    assert told.take() == ["c"]


def test_a_late_reply_does_not_resurrect() -> None:
    store, _ = filled()
    store.put(pod("a", 11))
    store.remove(pod("a", 12))
    store.learn(pod("a", 11))
    assert names(store) == set()


def test_a_late_deletion_does_not_remove_a_successor() -> None:
    store, _ = filled(pod("a", 5, uid="old"))
    store.learn(pod("a", 20, uid="new"))
    store.remove(pod("a", 15, uid="old"))
    assert names(store) == {"a"}


def test_a_deletion_of_what_is_not_here_is_nothing() -> None:
    store, told = filled()
    store.remove(pod("a", 15))
    assert told == []


def test_a_new_list_removes_what_vanished_and_keeps_what_is_newer() -> None:
    store, told = filled(pod("a", 5), pod("b", 6))
    store.learn(pod("fresh", 30))
    told.clear()
    store.replace([pod("b", 6)], 20)
    assert names(store) == {"b", "fresh"}
    assert told.take() == ["c"]
    assert len(store) == 2


def test_forgetting_is_by_uid() -> None:
    store, _ = filled(pod("a", 5, uid="old"))
    store.forget(("ns", "a"), "other")
    assert names(store) == {"a"}
    store.forget(("ns", "a"), "old")
    assert names(store) == set()


def test_an_object_that_changes_hands_concerns_both() -> None:
    store, told = filled(pod("a", 5))
    store.put(pod("a", 12, cluster="d"))
    assert told.take() == ["c", "d"]
    assert (names(store, "c"), names(store, "d")) == (set(), {"a"})


def test_an_object_of_nobody_concerns_nobody() -> None:
    store, told = filled()
    store.put(pod("a", 12, cluster=""))
    store.remove(pod("a", 13, cluster=""))
    assert told == []
    assert store.keys() == ()


def test_a_list_of_one_namespace_says_nothing_of_others() -> None:
    store, _ = filled(pod("a", 5))
    store.replace([], 50, "other")
    store.seen(60, "other")
    assert names(store) == {"a"}
    store.learn(pod("b", 20))
    assert names(store) == {"a", "b"}
    store.replace([], 40, "ns")
    store.learn(pod("b", 20))
    assert names(store) == set()
