"""How the parts of one answer are put together, and what of it is unknown."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from natsctl.model.jetstream import Asset, JetStreamReport
from natsctl.nats.jetstream_accounts import MAX_UNKNOWN, MISSING
from natsctl.nats.jetstream_answers import Jsz
from natsctl.nats.jetstream_assets import Unknown
from tests.unit.nats.jetstream_pages import healthy, read, stream, streams
from tests.unit.plan.gates.recorded import situation

S3 = Asset("APP", "S3")


def paged(*pages: str, total: int) -> JetStreamReport:
    """Parts with these accounts, one letter each; each has one stream named after it."""
    all_pages = healthy()

    def page(accounts: str) -> dict[str, Any]:
        details = [
            {"name": name, "stream_detail": [{**stream(all_pages), "name": f"S-{name}"}]}
            for name in accounts
        ]
        return {**all_pages["jsz"], "account_details": details, "total": total}

    first, *more = map(page, pages)
    return read({**all_pages, "jsz": first}, *more)


def names(said: JetStreamReport) -> str:
    return "".join(sorted(it.account for it in said.groups if not it.consumer))


def test_an_account_may_go_on_in_the_next_part() -> None:
    pages = healthy()
    before, after = copy.deepcopy(pages["jsz"]), copy.deepcopy(pages["jsz"])
    before["account_details"][0]["stream_detail"] = streams(pages)[:2]
    after["account_details"][0]["stream_detail"] = streams(pages)[2:]
    said = read({**pages, "jsz": before}, after)
    assert said.groups == read(pages).groups
    assert said.unknown == ()


def test_all_parts_together_are_the_answer() -> None:
    said = paged("abc", "def", "g", "", total=7)
    assert names(said) == "abcdefg"
    assert said.unknown == ()


def test_an_account_that_is_missing_is_unknown() -> None:
    assert paged("abc", "d", total=5).unknown == (MISSING,)


def test_what_is_told_again_in_another_part_is_unknown() -> None:
    said = paged("abc", "bcd", total=4)
    assert names(said) == "ad"
    assert {"b/S-b", "c/S-c"} < set(said.unknown)


def test_what_is_told_twice_in_one_part_is_unknown() -> None:
    pages = healthy()
    streams(pages).append(copy.deepcopy(stream(pages)))
    said = read(pages)
    assert S3 not in said.groups
    assert "APP/S3" in said.unknown


def test_no_more_of_what_is_told_twice_is_described_than_of_anything_else() -> None:
    pages = healthy()
    one = stream(pages)
    streams(pages)[:] = [{**one, "name": f"S{n}"} for n in range(50)] * 2
    said = read(pages)
    assert not said.groups
    assert len(said.unknown) == MAX_UNKNOWN


def test_versions_without_a_total_count_accounts() -> None:
    pages = healthy()
    pages["jsz"].pop("total")
    pages["jsz"]["accounts"] = 2
    assert read(pages).unknown == (MISSING,)


@pytest.mark.parametrize("first", ["streams", "consumers"])
def test_who_is_told_to_give_up_reads_nothing_more(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jsz, read = Jsz(), list[int]()

    def told(*given: object) -> Iterator[Unknown]:
        for _ in range(1 if first == "streams" else 9):
            read.append(1)
            jsz.give_up()
            yield Unknown("something")

    monkeypatch.setattr("natsctl.nats.jetstream_accounts.stream", told)
    with pytest.raises(ValueError, match="in time"):
        jsz.add(situation("healthy").answers("nats-1").jsz[0])
    assert len(read) == 1
