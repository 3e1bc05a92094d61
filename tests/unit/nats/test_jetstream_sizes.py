"""What takes more memory than others counts more than once."""

from __future__ import annotations

from natsctl.model.jetstream import Asset, Group, Raft, Replica
from natsctl.nats.jetstream_sizes import KNOWN, Sizes

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
