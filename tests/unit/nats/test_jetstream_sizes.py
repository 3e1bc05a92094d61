"""What takes more memory than others counts more than once."""

from __future__ import annotations

import attrs

from natsctl.model.jetstream import Asset, Group, Health, JetStreamReport, Meta, Raft, Replica
from natsctl.model.observation import MAX_TAGS
from natsctl.model.peers import peer_id
from natsctl.nats.allowance import OF_ONE
from natsctl.nats.jetstream_sizes import EACH, FREE, KNOWN, Frames, Sizes

SERVERS = [f"orders-{n}-uid-of-orders-0f8fad5b" for n in range(10)]


def extra(count: int, name: str = "orders-{}", servers: list[str] = SERVERS[:3]) -> int:
    """Of so many groups with these members."""
    sizes = Sizes()
    for n in range(count):
        leader, *others = (server.format(n) for server in servers)
        raft = Raft(leader, tuple(map(Replica, others)))
        sizes.add(Group(Asset("A", name.format(n), "worker"), len(servers), raft))
    return sizes.extra


def test_usual_groups_count_once() -> None:
    assert extra(10_000) == 0


def test_groups_of_five_replicas_count_somewhat_more() -> None:
    assert 1_000 < extra(10_000, servers=SERVERS[:5]) < 6_000


def test_long_names_count_by_their_bytes() -> None:
    assert extra(1_000, "{}" + "x" * 250) < 500
    assert extra(1_000, "{}" + "\U0001f600" * 250) > 1_000


def test_names_of_servers_count_where_each_group_has_others() -> None:
    others = ["{}-" + server for server in SERVERS]
    assert extra(2_000, servers=others) > extra(2_000, servers=SERVERS) + 1_000
    assert extra(KNOWN, servers=others) > 2 * KNOWN


def test_long_names_of_accounts_count_where_each_group_has_another() -> None:
    def told(accounts: int) -> int:
        sizes = Sizes()
        for n in range(4_000):
            account = f"{n % accounts}" + "\U0001f600" * 250
            sizes.add(Group(Asset(account, f"orders-{n}"), 1, Raft(SERVERS[0])))
        return sizes.extra

    assert told(4_000) > 4_000
    assert told(1) < 10


class TestBesideGroups:
    def told(self, size: int, prefix: str = "c") -> JetStreamReport:
        """What the leader of the meta group says in a cluster of so many servers."""
        names = [f"{prefix}-{n}-uid-of-c-0f8fad5b" for n in range(size - 1)]
        return JetStreamReport(
            "c", peers=frozenset(names), meta=Meta("c", tuple(map(Replica, names)), size=size)
        )

    def test_what_a_server_of_a_cluster_of_ten_says_is_free(self) -> None:
        assert Frames().of(self.told(10)) == 0

    def test_routes_and_members_of_the_meta_group_count(self) -> None:
        """150 bytes for each member, 100 for each name, and a table of the routes."""
        assert 400 < Frames().of(self.told(999)) < 500

    def test_ids_of_members_count(self) -> None:
        """Of a server that knows no leader, 57 bytes for each and a table of them."""
        ids = frozenset(map(peer_id, map(str, range(999))))
        unled = JetStreamReport("c", meta=Meta("", size=999, ids=ids))
        assert 100 < Frames().of(unled) < 250

    def test_names_that_all_servers_tell_count_once(self) -> None:
        frames = Frames()
        first, second = frames.of(self.told(999)), frames.of(self.told(999))
        assert second < first - 100
        assert frames.of(self.told(999, "d")) == first

    def test_a_cluster_of_999_servers_fits(self) -> None:
        frames, follower = Frames(), attrs.evolve(self.told(999), meta=Meta("c", (), size=999))
        assert 2 * sum(frames.of(follower) for _ in range(999)) < OF_ONE

    def test_so_do_texts(self) -> None:
        long = JetStreamReport("c", health=Health(503, "x" * 4_000), unknown=("x" * 4_000,))
        assert Frames().of(long) == (8_000 - FREE) // EACH + 1

    def test_tags_count_and_usual_ones_are_free(self) -> None:
        """As many and as long as a server may tell them, each server others."""
        usual = attrs.evolve(self.told(10), tags=tuple(f"zone:eu-{n}" for n in range(16)))
        assert Frames().of(usual) == 0
        frames = Frames()
        for n in range(30):
            tags = tuple(f"{n}-{tag}".ljust(128, "x") for tag in range(MAX_TAGS))
            counted = frames.of(attrs.evolve(self.told(10), tags=tags))
        assert counted * EACH > MAX_TAGS * 128

    def test_the_names_in_a_complaint_count(self) -> None:
        name = "\U0001f600" * 256
        ill = attrs.evolve(self.told(10), health=Health(503, "x", Asset(name, name, name)))
        assert Frames().of(ill) > 0
