"""Which servers stand, which are missing, and which leaves first."""

from __future__ import annotations

import attrs

from natsctl.model import names
from natsctl.model.objects import Meta, Pod
from natsctl.plan.servers.identity import (
    excess,
    is_among,
    kept_names,
    leaving,
    missing,
    only,
    servers_among,
    wanted,
    without,
)


@attrs.frozen
class Server:
    index: int
    name: str


def servers(*indexes: int) -> list[Server]:
    return [Server(index, f"c-{index}") for index in indexes]


def ours(name: str) -> Pod:
    return Pod(Meta(name=name, labels={names.LABEL_K8S_MANAGED_BY: names.MANAGED_BY}))


def of_the_go_operator(name: str) -> Pod:
    return Pod(Meta(name=name))


def test_servers_are_known_by_the_names_that_their_makers_give() -> None:
    pods = [of_the_go_operator("c-10"), ours("c-10"), of_the_go_operator("c-b"), ours("c-2")]
    found = servers_among("c", pods)
    assert [(index, pod.metadata.name) for index, pod in found] == [
        (2, "c-2"),
        (10, "c-10"),
        (11, "c-b"),
        (16, "c-10"),
    ]


def test_a_pod_with_another_name_is_no_server() -> None:
    pods = [ours("c-a"), ours("c-0"), ours("d-1"), of_the_go_operator("c-mgmt")]
    assert servers_among("c", pods) == ()


def test_pods_that_were_taken_over_keep_their_names() -> None:
    pods = [of_the_go_operator("c-a"), ours("c-2"), of_the_go_operator("other")]
    assert kept_names("c", pods) == {10: "c-a"}


def test_every_server_up_to_the_size_is_there_or_missing() -> None:
    assert missing("c", servers(2, 5), 3) == ((1, "c-1"), (3, "c-3"))
    assert missing("c", servers(), 0) == ()


def test_a_name_that_another_server_has_is_waited_for() -> None:
    assert missing("c", [Server(16, "c-10")], 11)[-2:] == ((9, "c-9"), (11, "c-11"))


def test_what_there_is_is_parted_by_whose_it_is() -> None:
    claims = {1: "a", 4: "d", 5: "e"}
    assert only(claims, {4, 7}) == {4: "d"}
    assert without(claims, {4, 7}) == {1: "a", 5: "e"}
    assert [is_among(index, claims) for index in (4, 7)] == [True, False]


def test_the_highest_index_leaves_first() -> None:
    assert excess(servers(1, 3, 4), 2) == tuple(servers(4, 3))
    assert wanted(servers(1, 3, 4), 3) == tuple(servers(1, 3))
    assert leaving(servers(1, 10, 2)) == tuple(servers(10, 2, 1))
