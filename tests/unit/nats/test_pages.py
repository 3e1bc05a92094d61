"""A long answer comes in pages that are each a whole answer, with a part of the streams."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.nats import pages
from natsctl.nats.fetch import Unusable
from natsctl.nats.pages import Cutter


def stream(name: str, consumers: int = 0, **more: Any) -> dict[str, Any]:
    told = [{"name": f"d{i}", "cluster": {"leader": "c-1"}} for i in range(consumers)]
    state = {"messages": 1, "deleted": [{"a": {}}, {}]}
    return {"name": name, "state": state, "consumer_detail": told, **more}


def jsz(accounts: dict[str, list[dict[str, Any]] | None]) -> dict[str, Any]:
    """What a server says that has these streams in its accounts."""
    return {
        "server_id": "N",
        "config": {"max_memory": 1},
        "meta_cluster": {"replicas": [{"name": "c-2"}, {"name": "c-3"}], "snapshot": {"a": {}}},
        "account_details": [
            {"name": name, "api": {"total": 1}, **({"stream_detail": s} if s is not None else {})}
            for name, s in accounts.items()
        ],
        "total": len(accounts),
    }


def written(said: Any) -> bytes:
    """As servers write it."""
    return json.dumps(said, indent=2).encode()


def cut(text: bytes, piece: int) -> list[bytes]:
    cutter = Cutter()
    found = [cutter.feed(text[at : at + piece]) for at in range(0, len(text), piece)]
    return [*(page for page in found if page is not None), cutter.end()]


def streams(said: Any) -> list[tuple[str, Any]]:
    """Each with its account, in order."""
    accounts = said["account_details"]
    return [(a["name"], s) for a in accounts for s in a.get("stream_detail", ())]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 400)
    monkeypatch.setattr(pages, "LONGEST", 4_000)


ACCOUNTS = st.dictionaries(
    st.text('ABC{}[]\n "\\', min_size=1, max_size=3),
    st.none()
    | st.lists(st.builds(stream, st.text('ab{}],\n "', max_size=8), st.integers(0, 3)), max_size=6),
    min_size=1,
    max_size=6,
)


@given(ACCOUNTS, st.integers(1, 700))
def test_all_pages_together_say_what_the_whole_says(
    accounts: dict[str, list[dict[str, Any]] | None], piece: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "PAGE", 400)
        said = jsz(accounts)
        found = [json.loads(page) for page in cut(written(said), piece)]
    assert [s for page in found for s in streams(page)] == streams(said)
    rest = {key: value for key, value in said.items() if key not in ("account_details", "total")}
    assert all(rest.items() <= page.items() for page in found)
    for page in found:
        assert all(a["api"] == {"total": 1} for a in page["account_details"])
    names = list(dict.fromkeys(a["name"] for page in found for a in page["account_details"]))
    assert names == list(accounts)


class Counted(bytearray):
    """Counts the bytes that are searched."""

    searched = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        self.searched += len(self) - start
        return super().find(sub, start)

    def rfind(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        self.searched += len(self) - start
        return super().rfind(sub, start)


@pytest.mark.parametrize("begin", [b"", b'{\n  "account_details": [\n'])
@pytest.mark.usefixtures("small")
def test_what_is_held_is_not_searched_again_for_each_piece(begin: bytes) -> None:
    held = Counted()
    cutter = Cutter(held=held)
    for piece in (begin, *[b"x"] * 3_900):
        assert cutter.feed(piece) is None
    assert held.searched < 64 * len(held)


@pytest.mark.usefixtures("small")
class TestLong:
    def test_one_account_with_many_streams_comes_in_many_pages(self) -> None:
        found = cut(written(jsz({"A": [stream(f"s{i}", 1) for i in range(100)]})), 64)
        assert len(found) > 50
        assert all(json.loads(page)["account_details"][0]["name"] == "A" for page in found)
        assert max(map(len, found)) < 2_000

    def test_many_accounts_with_a_stream_each_come_in_many_pages(self) -> None:
        found = cut(written(jsz({f"A{i}": [stream("s")] for i in range(100)})), 64)
        assert len(found) > 50
        assert max(map(len, found)) < 2_000

    def test_a_short_answer_is_one_page_as_it_is(self) -> None:
        text = b'{"server_id": "N", "disabled": true}'
        assert cut(text, 10) == [text]

    @pytest.mark.parametrize(
        "text",
        [
            written(jsz({"A": [stream("s", x="x" * 4_000)]})),
            json.dumps(jsz({"A": [stream("s") for _ in range(100)]})).encode(),
            b"[" * 10_000,
            b'{\n  "account_details": [\n' + b"x" * 10_000,
        ],
        ids=["a long stream", "not indented", "something else", "no account"],
    )
    def test_what_cannot_be_cut_is_not_held(self, text: bytes) -> None:
        with pytest.raises(Unusable, match="takes more than"):
            cut(text, 64)

    def test_what_every_page_would_repeat_is_not_long(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "HEAD", 100)
        with pytest.raises(Unusable, match="unknown form"):
            cut(written(jsz({"A": [stream(f"s{i}") for i in range(100)]})), 64)

    def test_streams_without_an_account_are_not_guessed_at(self) -> None:
        text = b'{\n  "account_details": [\n' + b"        {\n        },\n" * 100
        with pytest.raises(Unusable, match="unknown form"):
            cut(text, 64)

    def test_what_ends_early_is_a_page_that_is_no_json(self) -> None:
        text = written(jsz({"A": [stream(f"s{i}") for i in range(20)]}))
        *whole, last = cut(text[:-9], 64)
        assert all(json.loads(page) for page in whole)
        with pytest.raises(ValueError, match="Unterminated"):
            json.loads(last)


def test_a_long_page_is_copied_once() -> None:
    """Several are cut at the same time, and anybody may have sent them."""
    cutter = Cutter()
    begin = b'{\n  "account_details": [\n    {\n      "stream_detail": [\n'
    cutter.feed(begin)
    for _ in range(7 * 16):
        assert cutter.feed(b" " * 65_536) is None
    tracemalloc.start()
    try:
        page = cutter.feed(b"\n        },\n")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert page is not None
    assert peak < len(page) + 2**20
    assert cutter.held == 0


def test_nothing_is_held_once_it_has_ended() -> None:
    cutter = Cutter()
    cutter.feed(b"{}")
    assert (cutter.held, cutter.end(), cutter.held) == (2, b"{}", 0)
