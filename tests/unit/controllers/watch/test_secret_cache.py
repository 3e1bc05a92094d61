"""Named Secrets against what an API server holds, whatever order news of them arrives in."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.kube.client import Client
from natsctl.kube.errors import NotFound
from natsctl.kube.store import Key
from natsctl.model.objects import Meta, Secret
from tests.unit.controllers.news import Driven, Pause
from tests.unit.examples import examples

SECRETS = [("ns", name) for name in "ab"]
SECRET, CLUSTER = st.sampled_from(SECRETS), st.sampled_from([("ns", "c"), ("ns", "d")])


def secret(key: Key, version: int) -> Secret:
    return Secret(Meta(namespace=key[0], name=key[1], resource_version=str(version)))


class Server:
    """Holds Secrets; an answer is of the moment at which it left, and arrives later."""

    def __init__(self) -> None:
        self.version = 0
        self.asked = 0
        self.real: dict[Key, Secret] = {}

    async def get(self, _: Any, namespace: str, name: str) -> Secret:
        self.asked += 1
        await Pause()
        answer = self.real.get((namespace, name))
        await Pause()
        if answer is None:
            raise NotFound(404, "NotFound", name)
        return answer


def client(server: Server) -> Client:
    return cast("Client", server)


class Truth(RuleBasedStateMachine):
    """A watch that is behind, reads that take their time, clusters that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.watch: list[tuple[str, Secret]] = []
        self.woken: set[Key] = set()
        self.secret_cache = SecretCache(self.woken.add)
        self.named: dict[Key, frozenset[Key]] = {}
        self.reads: dict[Key, tuple[Key, Driven[Secret | None]]] = {}
        self.known: dict[Key, dict[Key, int]] = {}

    @rule(key=SECRET)
    def write(self, key: Key) -> None:
        self.server.version += 1
        self.server.real[key] = secret(key, self.server.version)
        self.watch.append(("put", self.server.real[key]))

    @rule(key=SECRET)
    def delete(self, key: Key) -> None:
        if self.server.real.pop(key, None) is not None:
            self.server.version += 1
            self.watch.append(("remove", secret(key, self.server.version)))

    @rule(count=st.integers(1, 5))
    def hear(self, count: int) -> None:
        for kind, item in self.watch[:count]:
            getattr(self.secret_cache, kind)(item)
        del self.watch[:count]

    @rule()
    def list_anew(self) -> None:
        self.watch.clear()
        self.secret_cache.replace(tuple(self.server.real.values()), self.server.version)

    @rule(cluster=CLUSTER, secrets=st.frozensets(SECRET))
    def name(self, cluster: Key, secrets: frozenset[Key]) -> None:
        """A cluster is one task: it names others only after its read, unless it was cut short."""
        if cluster in self.reads:
            self.reads.pop(cluster)[1].drop()
        self.secret_cache.name(cluster, secrets)
        self.named[cluster] = secrets
        self.known[cluster] = {}
        self.woken.discard(cluster)

    @rule(cluster=CLUSTER, key=SECRET, steps=st.integers(0, 3))
    def read(self, cluster: Key, key: Key, steps: int) -> None:
        if key in self.named.get(cluster, ()) and cluster not in self.reads:
            self.reads[cluster] = key, Driven(self.secret_cache.read(client(self.server), key))
            self.known[cluster].pop(key, None)
            if not self.known[cluster]:
                self.woken.discard(cluster)
        self.go_on(cluster, steps)

    @rule(cluster=CLUSTER, steps=st.integers(1, 3))
    def go_on(self, cluster: Key, steps: int) -> None:
        if cluster not in self.reads:
            return
        key, reading = self.reads[cluster]
        if reading.steps(steps):
            del self.reads[cluster]
            self.known[cluster][key] = reading.result.version if reading.result else 0

    @invariant()
    def nothing_is_kept_of_what_nobody_names(self) -> None:
        named = frozenset().union(*self.named.values())
        assert len(self.secret_cache) == len(named)
        assert self.secret_cache._held.keys() <= named
        assert self.secret_cache._versions.keys() <= named

    def teardown(self) -> None:
        """All news arrived: whoever knows something else was woken, and then reads the truth."""
        self.hear(len(self.watch))
        for cluster, (key, reading) in self.reads.items():
            found = reading.finish()
            self.known[cluster][key] = found.version if found else 0
        real = {key: item.version for key, item in self.server.real.items()}
        for cluster, known in self.known.items():
            stale = [key for key, version in known.items() if version != real.get(key, 0)]
            assert not stale or cluster in self.woken
        for key in frozenset().union(*self.named.values()):
            found = Driven(self.secret_cache.read(client(self.server), key)).finish()
            assert (found.version if found else 0) == real.get(key, 0)


Truth.TestCase.settings = examples(100, search=300, stateful_step_count=40)
TestTruth = Truth.TestCase


def test_a_secret_is_read_once_until_it_changes() -> None:
    server, (key, _) = Server(), SECRETS
    secret_cache = SecretCache(lambda cluster: None)
    secret_cache.name(("ns", "c"), frozenset([key]))
    for _ in range(3):
        assert Driven(secret_cache.read(client(server), key)).finish() is None
    assert server.asked == 1
    server.real[key] = secret(key, 1)
    secret_cache.put(server.real[key])
    assert Driven(secret_cache.read(client(server), key)).finish() == server.real[key]
    assert server.asked == 2


def test_an_answer_that_left_before_a_change_is_not_kept() -> None:
    server, (key, _) = Server(), SECRETS
    secret_cache = SecretCache(lambda cluster: None)
    secret_cache.name(("ns", "c"), frozenset([key]))
    server.real[key] = secret(key, 1)
    reading = Driven(secret_cache.read(client(server), key))
    assert not reading.steps(2), "the answer is on its way"
    server.real[key] = secret(key, 2)
    secret_cache.put(server.real[key])
    assert reading.finish() == server.real[key]
    assert server.asked == 2


def test_foreign_secrets_wake_nobody_and_are_not_kept() -> None:
    woken: list[Key] = []
    secret_cache = SecretCache(woken.append)
    secret_cache.name(("ns", "c"), frozenset(SECRETS[:1]))
    foreign = [secret(("ns", f"s{i}"), i) for i in range(1, 5001)]
    secret_cache.replace(foreign, 5000)
    for item in foreign:
        secret_cache.put(item)
        secret_cache.remove(item)
    secret_cache.seen(5001)
    assert woken == []
    assert len(secret_cache) == 1
    assert len(secret_cache._versions) + len(secret_cache._held) == 0


def test_a_cluster_that_is_gone_in_the_middle_of_a_read_leaves_nothing() -> None:
    server, (key, _) = Server(), SECRETS
    secret_cache = SecretCache(lambda cluster: None)
    secret_cache.name(("ns", "c"), frozenset([key]))
    reading = Driven(secret_cache.read(client(server), key))
    reading.step()
    secret_cache.name(("ns", "c"), frozenset())
    assert reading.finish() is None
    server.real[key] = secret(key, 1)
    secret_cache.put(server.real[key])
    secret_cache.name(("ns", "d"), frozenset([key]))
    assert Driven(secret_cache.read(client(server), key)).finish() == server.real[key]


def test_the_watch_begins_when_a_secret_is_named() -> None:
    secret_cache = SecretCache(lambda cluster: None)
    secret_cache.name(("ns", "c"), frozenset())
    assert not secret_cache.needed.is_set()
    secret_cache.name(("ns", "c"), frozenset(SECRETS))
    assert secret_cache.needed.is_set()


def test_a_list_of_one_namespace_says_nothing_of_others() -> None:
    server, (key, _) = Server(), SECRETS
    secret_cache = SecretCache(lambda cluster: None)
    secret_cache.name(("ns", "c"), frozenset([key]))
    server.real[key] = secret(key, 1)
    for namespace, asked in (("other", 1), (key[0], 2)):
        Driven(secret_cache.read(client(server), key)).finish()
        secret_cache.replace((), 5, namespace)
        Driven(secret_cache.read(client(server), key)).finish()
        assert server.asked == asked
