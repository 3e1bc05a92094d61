"""How pages of accounts are merged, and what is unknown because it moved in between."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from natsctl.model.jetstream import Asset, JetStreamReport
from natsctl.nats.jetstream_accounts import MOVED
from tests.unit.nats.jetstream_pages import healthy, read, stream, streams

S3 = Asset("APP", "S3")


def paged(*pages: str, total: int) -> JetStreamReport:
    """Pages with these accounts, one letter each; each has one stream named after it."""
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


def test_pages_that_overlap_by_one_account_are_merged() -> None:
    said = paged("abc", "cde", "ef", total=6)
    assert names(said) == "abcdef"
    assert said.unknown == ()


@pytest.mark.parametrize(
    ("pages", "total"),
    [
        (("abc", "def"), 6),  # whether one stood between c and d, nobody knows
        (("abc", "de"), 6),  # b went meanwhile, and c slid onto no page
        (("abc", ""), 3),
        (("", "abc"), 3),
        (("abc",), 4),  # the page is not all
    ],
)
def test_an_account_that_may_be_missing_is_unknown(pages: tuple[str, ...], total: int) -> None:
    assert paged(*pages, total=total).unknown[0] == MOVED


def test_an_account_that_is_told_twice_because_another_came_is_unknown() -> None:
    said = paged("bcd", "cde", total=4)  # a came meanwhile
    assert said.unknown[0] == MOVED
    assert "d" not in names(said)
    assert "d/S-d" in said.unknown


def test_a_stream_that_is_on_one_of_two_pages_of_its_account_is_unknown() -> None:
    pages = healthy()
    after = copy.deepcopy(pages["jsz"])
    after["account_details"][0]["stream_detail"].pop()
    said = read(pages, after)
    (gone,) = {it for it in read(pages).groups if not it.consumer} - {
        it for it in said.groups if not it.consumer
    }
    assert str(gone) in said.unknown
    assert S3 in said.groups


def test_what_is_told_twice_on_one_page_is_unknown() -> None:
    pages = healthy()
    streams(pages).append(copy.deepcopy(stream(pages)))
    said = read(pages)
    assert S3 not in said.groups
    assert "APP/S3" in said.unknown


def test_versions_without_a_total_count_accounts() -> None:
    pages = healthy()
    pages["jsz"].pop("total")
    pages["jsz"]["accounts"] = 2
    assert read(pages).unknown == (MOVED,)
