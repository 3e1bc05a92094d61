"""ServiceAccounts of wanted names against an API server, whatever order news arrives in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.kube.store import Key
from natsctl.kube.transport import Response, Transport
from natsctl.model.objects import Meta, Object
from natsctl.plan.references import ServiceAccount
from tests.unit.controllers.news import Driven, Pause
from tests.unit.examples import examples

ACCOUNTS = [(namespace, name) for namespace in ("ns", "other") for name in ("r", "s")]
NAMES = st.sampled_from([frozenset("r"), frozenset("rs"), frozenset("s"), frozenset[str]()])
ACCOUNT, CLUSTER = st.sampled_from(ACCOUNTS), st.sampled_from([("ns", "c"), ("ns", "d")])
Found = Mapping[str, tuple[ServiceAccount, ...]]


def account(key: Key, version: int, uid: str = "") -> Object:
    uid = uid or f"uid-{version}"
    return Object(Meta(namespace=key[0], name=key[1], uid=uid, resource_version=str(version)))


class Server:
    """Holds ServiceAccounts; a list is of the moment at which it left, and arrives later."""

    def __init__(self) -> None:
        self.version = 0
        self.asked = 0
        self.real: dict[Key, Object] = {}

    async def request(self, *_: Any, params: Mapping[str, str], **__: Any) -> Response:
        self.asked += 1
        name = params["fieldSelector"].removeprefix("metadata.name=")
        await Pause()
        items = [item for key, item in self.real.items() if key[1] == name]
        meta = {"resourceVersion": str(self.version)}
        body = msgspec.json.encode({"metadata": meta, "items": items})
        await Pause()
        return Response(200, body)

    def where(self, names: frozenset[str]) -> Found:
        found: dict[str, tuple[ServiceAccount, ...]] = {}
        for (namespace, name), item in sorted(self.real.items()):
            if name in names:
                found[name] = (*found.get(name, ()), ServiceAccount(namespace, item.metadata.uid))
        return found


def transport(server: Server) -> Transport:
    return cast("Transport", server)


class Truth(RuleBasedStateMachine):
    """A watch that is behind, lists that take their time, clusters that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.watch: list[tuple[str, Object]] = []
        self.woken: set[Key] = set()
        self.accounts = ServiceAccounts(self.woken.add)
        self.finds: dict[Key, tuple[frozenset[str], Driven[Found]]] = {}
        self.known: dict[Key, tuple[frozenset[str], Found]] = {}
        self.held: set[tuple[str, str]] = set()

    @rule(key=ACCOUNT)
    def write(self, key: Key) -> None:
        self.server.version += 1
        held = self.server.real.get(key)
        made = account(key, self.server.version, held.metadata.uid if held else "")
        self.server.real[key] = made
        self.watch.append(("put", made))

    @rule(key=ACCOUNT)
    def delete(self, key: Key) -> None:
        held = self.server.real.pop(key, None)
        if held is not None:
            self.server.version += 1
            last = account(key, self.server.version, held.metadata.uid)
            self.watch.append(("remove", last))

    @rule(key=ACCOUNT)
    def make_anew(self, key: Key) -> None:
        self.delete(key)
        self.write(key)

    @rule(count=st.integers(1, 5))
    def hear(self, count: int) -> None:
        """One after the other: anybody may look in between."""
        for kind, item in self.watch[:count]:
            getattr(self.accounts, kind)(item)
            del self.watch[0]
            self.one_that_exists_never_vanishes()

    @rule()
    def list_anew(self) -> None:
        self.watch.clear()
        self.accounts.replace(tuple(self.server.real.values()), self.server.version)

    @rule(cluster=CLUSTER, names=NAMES, steps=st.integers(0, 6))
    def find(self, cluster: Key, names: frozenset[str], steps: int) -> None:
        if cluster not in self.finds:
            finding = self.accounts.find(transport(self.server), cluster, names)
            self.finds[cluster] = names, Driven(finding)
            self.known.pop(cluster, None)
            self.woken.discard(cluster)
        self.go_on(cluster, steps)

    @rule(cluster=CLUSTER, steps=st.integers(1, 6))
    def go_on(self, cluster: Key, steps: int) -> None:
        if cluster not in self.finds:
            return
        names, finding = self.finds[cluster]
        if finding.steps(steps):
            del self.finds[cluster]
            self.known[cluster] = names, finding.finish()

    @rule(cluster=CLUSTER)
    def forget(self, cluster: Key) -> None:
        """Also in the middle of looking: a pass that takes too long is cut."""
        if cluster in self.finds:
            self.finds.pop(cluster)[1].drop()
        self.known.pop(cluster, None)
        self.accounts.forget(cluster)

    @invariant()
    def nothing_is_kept_of_names_that_nobody_wants(self) -> None:
        wanted = frozenset().union(*self.accounts._wanted.values())
        assert {name for name, held in self.accounts._held.items() if held} <= wanted
        assert self.accounts._known <= wanted

    @invariant()
    def one_that_exists_never_vanishes(self) -> None:
        """Its token would be taken away."""
        real = {item.metadata.uid for item in self.server.real.values()}
        held = {
            (name, item.metadata.uid)
            for name, found in self.accounts._held.items()
            for item in found.values()
        }
        lost = {name for name, uid in self.held - held if uid in real}
        assert not lost & self.accounts._names
        self.held = held

    def teardown(self) -> None:
        """All news arrived: whoever knows something else was woken, and then finds the truth."""
        self.hear(len(self.watch))
        for cluster, (names, finding) in self.finds.items():
            self.known[cluster] = names, finding.finish()
        for cluster, (names, found) in self.known.items():
            assert found == self.server.where(names) or cluster in self.woken
            again = Driven(self.accounts.find(transport(self.server), cluster, names))
            assert again.finish() == self.server.where(names)


Truth.TestCase.settings = examples(100, search=300, stateful_step_count=40)
TestTruth = Truth.TestCase

KEY = ("ns", "r")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def accounts() -> ServiceAccounts:
    return ServiceAccounts(lambda cluster: None)


def find(
    accounts: ServiceAccounts, server: Server, cluster: str = "c", name: str = "r"
) -> Driven[Found]:
    return Driven(accounts.find(transport(server), ("ns", cluster), frozenset([name])))


def test_old_news_does_not_take_away_one_that_was_made_anew(
    accounts: ServiceAccounts, server: Server
) -> None:
    """Its token would be revoked for as long as the watch is behind the list."""
    server.real[KEY] = account(KEY, 6, "new")
    find(accounts, server).finish()
    for tell, item in (
        (accounts.put, account(KEY, 3, "old")),
        (accounts.remove, account(KEY, 5, "old")),
        (accounts.put, account(KEY, 6, "new")),
    ):
        tell(item)
        assert find(accounts, server).finish() == {"r": (ServiceAccount("ns", "new"),)}
    accounts.remove(account(KEY, 7, "new"))
    assert find(accounts, server).finish() == {}


def test_a_list_that_is_late_does_not_bring_back_what_is_gone(
    accounts: ServiceAccounts, server: Server
) -> None:
    server.real[KEY] = account(KEY, 1)
    finding = find(accounts, server)
    finding.step()
    finding.step()
    accounts.remove(account(KEY, 2, "uid-1"))
    assert finding.finish() == {}


def test_a_list_that_is_late_does_not_bring_back_what_the_watch_began_anew_without(
    accounts: ServiceAccounts, server: Server
) -> None:
    server.real[KEY] = account(KEY, 1)
    finding = find(accounts, server)
    finding.step()
    finding.step()
    accounts.replace((), 2)
    assert finding.finish() == {}


def test_a_name_is_listed_once(accounts: ServiceAccounts, server: Server) -> None:
    for cluster in ("c", "d", "c"):
        find(accounts, server, cluster).finish()
    assert server.asked == 1


def test_a_cluster_that_is_gone_in_the_middle_of_a_list_leaves_nothing(
    accounts: ServiceAccounts, server: Server
) -> None:
    finding = find(accounts, server)
    finding.step()
    accounts.forget(("ns", "c"))
    finding.finish()
    server.real[KEY] = account(KEY, 1)
    accounts.put(server.real[KEY])
    assert find(accounts, server, "d").finish() == {"r": (ServiceAccount("ns", "uid-1"),)}


def test_foreign_accounts_wake_nobody_and_are_not_kept(server: Server) -> None:
    woken: list[Key] = []
    accounts = ServiceAccounts(woken.append)
    find(accounts, server).finish()
    foreign = [account((f"n{i}", "default"), i) for i in range(1, 5001)]
    accounts.replace(foreign, 5000)
    for item in foreign:
        accounts.put(item)
        accounts.remove(item)
    accounts.seen(5001)
    assert woken == []
    assert (len(accounts), len(accounts._gone)) == (0, 0)


def test_namespaces_that_come_and_go_leave_nothing(
    accounts: ServiceAccounts, server: Server
) -> None:
    """Thousands of short-lived ones may have a ServiceAccount of a wanted name."""
    find(accounts, server).finish()
    for version in range(1, 1000, 2):
        key = (f"run-{version}", "r")
        accounts.put(account(key, version))
        accounts.remove(account(key, version + 1))
    assert (len(accounts), len(accounts._gone)) == (0, 0)


def test_the_watch_begins_when_a_name_is_wanted(accounts: ServiceAccounts, server: Server) -> None:
    accounts.forget(("ns", "c"))
    assert not accounts.needed.is_set()
    find(accounts, server).finish()
    assert accounts.needed.is_set()


def test_each_watched_namespace_is_listed_and_tells_only_of_itself(server: Server) -> None:
    accounts = ServiceAccounts(lambda cluster: None, ("ns", "other"))
    server.real[KEY] = account(KEY, 6)
    assert find(accounts, server).finish() == {"r": (ServiceAccount("ns", "uid-6"),)}
    assert server.asked == 2
    accounts.replace((), 9, "other")
    assert find(accounts, server).finish() == {"r": (ServiceAccount("ns", "uid-6"),)}
    accounts.replace((), 9, "ns")
    assert find(accounts, server).finish() == {}
