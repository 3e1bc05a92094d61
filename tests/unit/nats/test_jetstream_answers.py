"""What is made of the pages of one server, and of those that no server would write."""

from __future__ import annotations

import json
import time
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.jetstream import (
    MAX_ACCOUNTS,
    MAX_CONSUMERS,
    MAX_REPLICAS,
    MAX_STREAMS,
    Asset,
    Group,
    JetStreamReport,
    Storage,
    Store,
    Usage,
)
from natsctl.model.observation import MAX_PEERS
from natsctl.nats.jetstream_accounts import MAX_UNKNOWN
from natsctl.nats.jetstream_answers import (
    MAX_ROUTES,
    Jsz,
    report,
    unanswered,
)
from tests.unit.nats.jetstream_pages import healthy, read, stream, streams
from tests.unit.pace import allowed
from tests.unit.plan.gates.recorded import VERSIONS, situation, situations

S3 = Asset("APP", "S3")
DURABLE = Asset("APP", "S3", "dur")


# --- what servers say


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_says_the_same_of_a_healthy_cluster(version: str) -> None:
    reports = situation("healthy", version).reports()
    leaders = {name for name, said in reports.items() if said.meta and said.meta.leader == name}
    (leader,) = leaders
    for name, said in reports.items():
        assert said.name == name
        assert said.version == version
        assert said.problem == said.too_many == ""
        assert said.unknown == ()
        assert not said.disabled
        assert said.health.code == 200
        assert said.peers == reports.keys() - {name}
        assert said.meta is not None
        assert said.meta.size == 3
        if name == leader:
            assert {it.name for it in said.meta.replicas} == reports.keys() - {name}
        assert said.groups[S3].store == Store(200, 1, 200)
        assert said.groups[S3].replicas == 3
        assert said.file.limit == 4 * 2**30
        assert 0 < said.file.used < said.file.limit
        assert said.now > said.started > "2026"


def test_every_recorded_answer_is_read_whole() -> None:
    read = [said for it in situations() for name, said in it.reports().items() if it.pages[name]]
    assert len(read) > 300
    assert {(said.problem, said.unknown, said.too_many) for said in read} == {("", (), "")}


def test_replicas_are_told_in_seconds_and_entries() -> None:
    pages = healthy()
    stream(pages)["cluster"] = {
        "leader": "nats-1",
        "replicas": [
            {"name": "nats-2", "current": True, "active": 1_500_000_000, "lag": 7},
            {"name": "nats-3", "current": False, "offline": True, "pending": 1, "active": 0},
        ],
    }
    two, three = read(pages).groups[S3].raft.replicas
    assert (two.name, two.current, two.offline, two.active, two.lag) == (
        "nats-2",
        True,
        False,
        1.5,
        7,
    )
    assert (three.current, three.offline, three.pending) == (False, True, True)


def test_a_lag_that_ran_below_zero_is_a_large_one() -> None:
    pages = healthy()
    stream(pages)["cluster"]["replicas"] = [{"name": "nats-2", "lag": 2**64 - 3}]
    assert read(pages).groups[S3].raft.replicas[0].lag == 2**53


@pytest.mark.parametrize(
    ("config", "of_stream", "members"),
    [
        ({"durable_name": "d", "num_replicas": 0}, {}, 3),
        ({"num_replicas": 0}, {}, 1),
        ({"num_replicas": 0}, {"retention": "interest"}, 3),
        ({"num_replicas": 1, "durable_name": "d"}, {}, 1),
        ({"num_replicas": 5, "durable_name": "d"}, {}, 3),
        ({}, {"num_replicas": 0, "retention": "workqueue"}, 1),
    ],
)
def test_a_consumer_has_as_many_replicas_as_servers_count(
    config: dict[str, Any], of_stream: dict[str, Any], members: int
) -> None:
    pages = healthy()
    stream(pages)["config"].update(of_stream)
    stream(pages)["consumer_detail"] = [{"name": "dur", "config": config}]
    assert read(pages).groups[DURABLE].replicas == members


def test_a_consumer_is_in_memory_if_it_or_its_stream_is() -> None:
    pages = healthy()
    mine = {"name": "dur", "config": {"mem_storage": True}}
    stream(pages)["consumer_detail"] = [mine, {"name": "other", "config": {}}]
    stream(pages, "M3")["consumer_detail"] = [{"name": "m", "config": {}}]
    groups = read(pages).groups
    assert groups[DURABLE].storage is Storage.MEMORY
    assert groups[Asset("APP", "S3", "other")].storage is Storage.FILE
    assert groups[Asset("APP", "M3", "m")].storage is Storage.MEMORY
    assert groups[DURABLE].store is None


def test_acknowledgements_remove_messages_of_some_streams_only() -> None:
    groups = read(healthy()).groups
    assert groups[Asset("APP", "WQ3")].settles_late
    assert not groups[S3].settles_late


def test_a_group_moves_while_its_desired_state_is_told() -> None:
    (pages,) = [it.pages["nats-3"] for it in situations("removed-dead") if it.version == "2.15.3"]
    assert stream(pages)["cluster"]["desired"]
    assert read(pages).groups[S3].raft.moving
    assert not read(healthy()).groups[S3].raft.moving


def test_a_server_without_a_cluster_has_no_meta_group_and_no_leaders() -> None:
    pages = healthy()
    del pages["jsz"]["meta_cluster"]
    del stream(pages)["cluster"]
    said = read(pages)
    assert said.meta is None
    assert said.groups[S3].raft.leader == ""


@pytest.mark.parametrize("version", ["2.9.25", "2.10.29", "2.12.15"])
def test_a_server_whose_disk_got_full_is_disabled(version: str) -> None:
    said = situation("jetstream-disabled", version).reports()["nats-2"]
    assert said.disabled
    assert said.health.code == 503
    assert said.groups == {}


@pytest.mark.parametrize(
    ("text", "asset"),
    [
        ("JetStream consumer 'APP > S3 > r1' is not current", Asset("APP", "S3", "r1")),
        ("JetStream stream 'APP > S' is not current: group node unhealthy", Asset("APP", "S")),
        ("JetStream has not established contact with a meta leader", None),
        ("JetStream stream 'nothing' is odd", None),
    ],
)
def test_health_names_the_asset_it_complains_of(text: str, asset: Asset | None) -> None:
    pages = healthy()
    pages["healthz"] = {"code": 503, "body": {"status": "unavailable", "error": text}}
    health = read(pages).health
    assert (health.code, health.text, health.asset) == (503, text, asset)


@pytest.mark.parametrize("sent", [b"", b"[", b'{"error": 3}', b'"\xff"', b"[" * 10_000])
def test_a_health_page_that_is_no_json_still_has_a_status(sent: bytes) -> None:
    answers = situation("healthy").answers("nats-1")
    said = report("nats-1", attrs.evolve(answers, healthz=sent, health_code=503))
    assert said.problem == ""
    assert (said.health.code, said.health.text) == (503, "")


def test_an_unlimited_store_has_no_limit() -> None:
    pages = healthy()
    pages["jsz"]["config"] = {"max_memory": -1, "max_storage": -1}
    said = read(pages)
    assert (said.file.limit, said.memory.limit) == (0, 0)
    assert said.file == Usage(pages["jsz"]["storage"], 0)


@pytest.mark.parametrize(("told", "reserved"), [(5, 5), (2**64 - 1, 0), (-1, 0), (2**63, 0)])
def test_what_streams_reserve_is_told_or_is_nothing(told: int, reserved: int) -> None:
    pages = healthy()
    pages["jsz"] |= {"reserved_storage": told, "reserved_memory": told}
    said = read(pages)
    assert (said.file.reserved, said.memory.reserved) == (reserved, reserved)


# --- what no server says


def spoilt(**changes: Any) -> JetStreamReport:
    """A report of pages in which the stream S3 is changed."""
    pages = healthy()
    stream(pages).update(changes)
    return read(pages)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": None},
        {"state": {"messages": -1, "first_seq": 0, "last_seq": 0}},
        {"state": {"messages": 2**70, "first_seq": 0, "last_seq": 0}},
        {"state": {"messages": 1, "first_seq": 0}},
        {"config": {"num_replicas": 3, "storage": "tape", "retention": "limits"}},
        {"config": {"num_replicas": 99, "storage": "file", "retention": "limits"}},
        {"config": None},
        {"cluster": []},
        {"cluster": {"leader": 3}},
        {"cluster": {"leader": "x" * 300}},
        {"cluster": {"replicas": [{"current": True}]}},
        {"cluster": {"replicas": [{"name": "a"}] * (MAX_REPLICAS + 1)}},
        {"cluster": {"replicas": [{"name": "a", "active": 2**80}]}},
        {"cluster": {"replicas": [{"name": "a", "lag": "many"}]}},
    ],
)
def test_garbage_in_one_stream_makes_that_stream_unknown(changes: dict[str, Any]) -> None:
    said = spoilt(**changes)
    assert said.problem == ""
    assert said.unknown == ("stream APP/S3",)
    assert S3 not in said.groups
    assert Asset("APP", "M3") in said.groups


def test_garbage_in_one_consumer_makes_that_consumer_unknown() -> None:
    pages = healthy()
    stream(pages)["consumer_detail"].append({"name": "odd", "config": 3})
    said = read(pages)
    assert said.unknown == ("consumer APP/S3/odd",)
    assert {S3, DURABLE} <= said.groups.keys()


@pytest.mark.parametrize(
    ("name", "what"),
    [("", "a stream of APP"), (3, "a stream of APP"), ("x" * 300, "a stream of APP")],
)
def test_a_stream_without_a_name_is_unknown_too(name: Any, what: str) -> None:
    assert spoilt(name=name).unknown == (what,)


def test_a_consumer_without_a_name_is_unknown_too() -> None:
    assert spoilt(consumer_detail=[{}]).unknown == ("a consumer of APP/S3",)


def test_consumers_that_are_no_list_are_unknown_and_their_stream_is_known() -> None:
    said = spoilt(consumer_detail={"dur": {}})
    assert said.unknown == ("the consumers of APP/S3",)
    assert S3 in said.groups


def test_names_are_told_printable_and_short() -> None:
    (what,) = spoilt(name="\x1b[31m" + "x" * 200, state=None).unknown
    assert what.isprintable()
    assert len(what) < 140


def test_only_some_of_what_is_unknown_is_told() -> None:
    pages = healthy()
    streams(pages).extend({"name": f"s{n}"} for n in range(100))
    assert len(read(pages).unknown) == MAX_UNKNOWN


@pytest.mark.parametrize(
    ("page", "changes"),
    [
        ("varz", {"server_id": None}),
        ("varz", {"server_name": 3}),
        ("varz", {"server_name": "x" * 300}),
        ("varz", {"version": "two words"}),
        ("routez", {"routes": {}}),
        ("routez", {"routes": 3}),
        ("routez", {"server_id": "another"}),
        ("jsz", {"server_id": "another"}),
        ("jsz", {"now": None}),
        ("jsz", {"disabled": "yes"}),
        ("jsz", {"storage": -1}),
        ("jsz", {"config": []}),
        ("jsz", {"meta_cluster": []}),
        ("jsz", {"meta_cluster": {"cluster_size": -1}}),
        ("jsz", {"account_details": {}}),
        ("jsz", {"account_details": [{}]}),
        ("jsz", {"account_details": [{"name": "A", "stream_detail": 3}]}),
        ("jsz", {"deep": json.loads("[" * 200 + "]" * 200)}),
    ],
)
def test_garbage_elsewhere_makes_the_server_unanswered(page: str, changes: dict[str, Any]) -> None:
    pages = healthy()
    pages[page].update(changes)
    said = read(pages)
    assert said.problem
    assert said == unanswered("nats-1", said.problem)


@pytest.mark.parametrize("sent", [b"", b"null", b"<html>", b'{"server_id": "\xff"}', b"\x00" * 99])
@pytest.mark.parametrize("page", ["varz", "routez", "jsz"])
def test_what_is_no_json_makes_the_server_unanswered(page: str, sent: bytes) -> None:
    answers = situation("healthy").answers("nats-1")
    changed: dict[str, Any] = {page: [sent] if page == "jsz" else sent}
    said = report("nats-1", attrs.evolve(answers, **changed))
    assert said.problem.isprintable()
    assert said == unanswered("nats-1", said.problem)


def test_a_server_that_says_nothing_is_unanswered() -> None:
    answers = situation("healthy").answers("nats-1")
    said = report("nats-1", attrs.evolve(answers, jsz=()))
    assert said.problem == "its answer is not usable: /jsz says nothing"


def test_an_answer_has_a_bounded_number_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("natsctl.nats.jetstream_answers.MAX_PARTS", 2)
    answers = situation("healthy").answers("nats-1")
    said = report("nats-1", attrs.evolve(answers, jsz=[answers.jsz[0]] * 3))
    assert "/jsz has more than" in said.problem


def test_parts_of_several_servers_are_no_answer() -> None:
    pages = healthy()
    assert "several servers" in read(pages, {**pages["jsz"], "server_id": "another"}).problem


def test_a_beginning_that_was_taken_already_counts() -> None:
    answers = situation("healthy").answers("nats-1")
    jsz = Jsz()
    jsz.add(answers.jsz[0])
    assert report("nats-1", attrs.evolve(answers, jsz=()), jsz) == report("nats-1", answers)


def test_parts_are_bounded_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = situation("healthy").answers("nats-1")
    monkeypatch.setattr("natsctl.nats.jetstream_answers.MAX_BYTES", 1 + len(answers.jsz[0]))
    assert report("nats-1", answers).problem == ""
    said = report("nats-1", attrs.evolve(answers, jsz=[*answers.jsz, *answers.jsz]))
    assert "/jsz has more than" in said.problem


def test_routes_are_bounded() -> None:
    pages = healthy()
    pages["routez"]["routes"] = [{"remote_name": "nats-2"}] * MAX_ROUTES
    assert "impossible number of routes" in read(pages).problem


def test_the_servers_to_which_there_are_routes_are_bounded() -> None:
    pages = healthy()
    others = [{"remote_name": f"n{n}"} for n in range(MAX_PEERS + 1)]
    pages["routez"]["routes"] = others[1:] * 2
    assert len(read(pages).peers) == MAX_PEERS
    pages["routez"]["routes"] = others
    assert f"routes to more than {MAX_PEERS} servers" in read(pages).problem


def test_a_route_whose_name_is_odd_leads_nowhere() -> None:
    pages = healthy()
    pages["routez"]["routes"] = [{"remote_name": 3}, {"remote_name": ""}, {"remote_name": "a"}]
    assert read(pages).peers == {"a"}


NAMELESS = [1] * (MAX_CONSUMERS + 1)


def small(name: str, consumers: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "config": {"num_replicas": 1, "storage": "file", "retention": "limits"},
        "state": {"messages": 0, "first_seq": 0, "last_seq": 0},
        "consumer_detail": [{"name": f"c{n}", "config": {}} for n in range(consumers)],
    }


@pytest.mark.parametrize(
    ("details", "more_than"),
    [
        ([{"name": f"a{n}"} for n in range(MAX_ACCOUNTS + 1)], f"{MAX_ACCOUNTS} accounts"),
        (
            [{"name": "a", "stream_detail": [{} for _ in range(MAX_STREAMS + 1)]}],
            f"{MAX_STREAMS} streams",
        ),
        (
            [{"name": "a", "stream_detail": [small("s", MAX_CONSUMERS + 1), small("t")]}],
            f"{MAX_CONSUMERS} consumers",
        ),
        (
            [{"name": "a", "stream_detail": [{**small("s"), "consumer_detail": NAMELESS}]}],
            f"{MAX_CONSUMERS} consumers",
        ),
    ],
)
def test_a_server_with_too_many_assets_says_so(
    details: list[dict[str, Any]], more_than: str
) -> None:
    pages = healthy()
    pages["jsz"]["account_details"] = details
    said = read(pages)
    assert said.too_many == f"more than {more_than}"
    assert len(said.groups) <= MAX_STREAMS + MAX_CONSUMERS
    assert said.problem == ""


def test_what_was_read_of_too_many_assets_is_kept() -> None:
    pages = healthy()
    some = [small("s", 2), {"name": 7}, small("s2", MAX_CONSUMERS)]
    pages["jsz"]["account_details"] = [{"name": "a", "stream_detail": some}]
    said = read(pages)
    assert said.too_many == f"more than {MAX_CONSUMERS} consumers"
    assert Asset("a", "s") in said.groups
    assert len(said.unknown) == 1


def test_a_server_with_as_many_as_are_judged_is_read_in_little_time() -> None:
    pages = healthy()
    each = MAX_CONSUMERS // MAX_STREAMS
    pages["jsz"]["account_details"] = [
        {"name": "a", "stream_detail": [small(f"s{n}", each) for n in range(MAX_STREAMS)]}
    ]
    started = time.process_time()
    said = read(pages)
    assert time.process_time() - started < allowed(10)
    assert len(said.groups) == MAX_STREAMS + MAX_CONSUMERS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    found = [path] if path else []
    for key, value in inner:
        if isinstance(value, dict | list):
            found += places(value, (*path, key))
        else:
            found.append((*path, key))
    return found


@given(st.data())
def test_whatever_stands_in_any_place_nothing_raises(data: st.DataObject) -> None:
    pages = healthy()
    page = data.draw(st.sampled_from(["varz", "routez", "jsz", "healthz"]))
    *path, key = data.draw(st.sampled_from(places(pages[page])))
    inner = pages[page]
    for step in path:
        inner = inner[step]
    inner[key] = data.draw(JSON)
    pages["healthz"]["code"] = 503
    said = read(pages)
    assert all(it.isprintable() for it in (said.problem, said.health.text, *said.unknown))


def test_names_of_servers_are_kept_once() -> None:
    """They stand in each of thousands of groups."""
    said = read(healthy())
    names = [name for group in said.groups.values() for name in _servers(group)]
    assert len({id(name) for name in names}) == len(set(names)) < len(names)


def _servers(group: Group) -> list[str]:
    return [group.raft.leader, *(replica.name for replica in group.raft.replicas)]
