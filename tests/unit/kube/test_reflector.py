"""What a reflector makes of every way in which a watch can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.kube.reflector import NEVER, _lines
from natsctl.kube.transport import Transport
from natsctl.model.objects import Secret
from natsctl.model.slim import slim
from tests.unit.kube.bench import reflecting
from tests.unit.kube.faulty import (
    Answer,
    Faulty,
    bookmark,
    drops,
    encoded,
    event,
    failure,
    initial,
    says,
    secret,
    streams,
)


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("natsctl.kube.reflector.FIRST_DELAY", 0.01)


async def test_it_asks_for_what_it_needs_and_for_bookmarks(
    transport: Transport, api: Faulty
) -> None:
    async with reflecting(transport, api, streams(*initial(10, "a", "b"))) as bench:
        await bench.holds("a", "b")
        assert bench.listed(0)
    assert api.lines == ["GET /api/v1/namespaces/ns/secrets"]
    assert api.asked[0]["labelSelector"] == "nats_cluster"
    assert api.asked[0]["allowWatchBookmarks"] == "true"
    assert 300 <= int(api.asked[0]["timeoutSeconds"]) <= 600


async def test_nothing_is_known_until_everything_is(transport: Transport, api: Faulty) -> None:
    """Half a list would look like deletions."""
    half = streams(event("ADDED", "a", 3), bookmark(5), then="close")
    whole = streams(*initial(10, "a", "b"))
    async with reflecting(transport, api, half, whole) as bench:
        await bench.asked(2)
        assert bench.listed(1)
        await bench.holds("a", "b")
        assert bench.reflector.synced.is_set()
    async with reflecting(transport, api, streams(event("ADDED", "a", 3))) as bench:
        await bench.asked(3)
        assert bench.names() == set()
        assert not bench.reflector.synced.is_set()


async def test_events_change_the_store_and_the_position(transport: Transport, api: Faulty) -> None:
    changes = (
        event("ADDED", "b", 11),
        event("MODIFIED", "a", 12, key="dmFsdWU="),
        event("DELETED", "b", 13),
    )
    stream = streams(*initial(10, "a"), *changes, then="close")
    async with reflecting(transport, api, stream, streams()) as bench:
        await bench.asked(2)
        assert bench.names() == {"a"}
        assert bench.kept("a").data == {"key": "dmFsdWU="}
        assert bench.continued(1, 13)


async def test_a_bookmark_moves_the_position(transport: Transport, api: Faulty) -> None:
    stream = streams(*initial(10, "a"), bookmark(50), then="close")
    async with reflecting(transport, api, stream, streams()) as bench:
        await bench.asked(2)
        assert bench.continued(1, 50)
        assert bench.store.horizon("ns") == 50


@pytest.mark.parametrize(
    "gone",
    [streams(failure(410)), says(410, {"kind": "Status", "message": "too old"})],
    ids=["in the stream", "as the answer"],
)
async def test_a_position_too_old_means_a_new_list_and_deletions(
    transport: Transport, api: Faulty, gone: Answer
) -> None:
    first = streams(*initial(10, "a", "b"), then="close")
    async with reflecting(transport, api, first, gone, streams(*initial(90, "b"))) as bench:
        await bench.asked(3)
        assert bench.continued(1, 10)
        assert bench.listed(2)
        await bench.holds("b")


@pytest.mark.parametrize(
    "fault",
    [
        drops,
        says(500, {"message": "etcdserver: leader changed"}),
        says(403, {"message": "not now"}),
        streams(failure(500), then="close"),
        streams(then="close"),
        streams(encoded(event("ADDED", "b", 11))[:30], then="cut"),
        streams(encoded(event("ADDED", "b", 11))[:-1], then="close"),
    ],
    ids=["lost", "500", "403", "error event", "closed", "cut in a line", "no end of line"],
)
async def test_other_faults_continue_where_it_stopped(
    transport: Transport, api: Faulty, fault: Answer
) -> None:
    """Of a line that was cut nothing is taken: it comes again."""
    first = streams(*initial(10, "a"), then="close")
    last = streams(event("ADDED", "b", 12))
    async with reflecting(transport, api, first, fault, last) as bench:
        await bench.holds("a", "b")
        assert bench.kept("b").version == 12
        assert bench.continued(2, 10)


@pytest.mark.parametrize(
    "fault",
    [
        streams(b"this is not JSON\n"),
        says(404, b"404 page not found"),
    ],
    ids=["no JSON", "no such kind"],
)
async def test_what_is_no_watch_or_is_not_there_leads_to_a_new_list(
    transport: Transport, api: Faulty, fault: Answer
) -> None:
    first = streams(*initial(10, "a"), then="close")
    async with reflecting(transport, api, first, fault, streams(*initial(20, "b"))) as bench:
        await bench.holds("b")
        assert bench.listed(2)


async def test_a_busy_api_server_is_left_alone_for_as_long_as_it_asks(
    transport: Transport, api: Faulty
) -> None:
    busy = says(429, b"Too many requests, please try again later.", Retry_After="1")
    async with reflecting(transport, api, busy, streams(*initial(10, "a"))) as bench:
        await bench.holds("a")
    assert api.times[1] - api.times[0] >= 1


async def test_one_that_knows_no_streaming_lists_is_listed_page_by_page(
    transport: Transport, api: Faulty
) -> None:
    refuses = says(422, {"kind": "Status", "message": "sendInitialEvents is forbidden"})
    one = {"metadata": {"resourceVersion": "20", "continue": "next"}, "items": [secret("a", 3)]}
    two = {"metadata": {"resourceVersion": "20"}, "items": [secret("b", 4)]}
    script = (refuses, says(200, one), says(200, two), streams(event("ADDED", "c", 21)))
    async with reflecting(transport, api, *script) as bench:
        await bench.holds("a", "b", "c")
        assert bench.reflector.synced.is_set()
        assert bench.continued(3, 20)
    assert [q.get("continue") for q in api.asked] == [None, None, "next", None]
    assert api.asked[1]["labelSelector"] == "nats_cluster"


async def test_a_list_may_be_empty_or_too_old_to_continue(
    transport: Transport, api: Faulty
) -> None:
    refuses = says(422, {"message": "sendInitialEvents is forbidden"})
    page = says(200, {"metadata": {"resourceVersion": "20", "continue": "x"}, "items": None})
    expired = says(410, {"message": "continue token expired"})
    empty = says(200, {"metadata": {"resourceVersion": "30"}, "items": None})
    script = (refuses, page, expired, empty, streams())
    async with reflecting(transport, api, *script) as bench:
        await bench.asked(5)
        assert bench.reflector.synced.is_set()
        assert bench.continued(4, 30)


async def test_a_silent_stream_is_opened_again_and_the_second_time_listed_anew(
    transport: Transport, api: Faulty
) -> None:
    """Bookmarks come every minute; an API server that was set back would stay silent for ever."""
    script = (streams(*initial(10, "a")), streams(), streams(*initial(5, "b")))
    async with reflecting(transport, api, *script, silence=0.1) as bench:
        await bench.asked(3)
        assert bench.continued(1, 10)
        assert bench.listed(2)


async def test_a_stream_that_spoke_between_two_silences_is_continued(
    transport: Transport, api: Faulty
) -> None:
    script = (streams(*initial(10, "a")), streams(bookmark(20)), streams(bookmark(30)), streams())
    async with reflecting(transport, api, *script, silence=0.1) as bench:
        await bench.asked(4)
        assert bench.continued(2, 20)
        assert bench.continued(3, 30)


async def test_a_line_may_be_as_long_as_it_likes(transport: Transport, api: Faulty) -> None:
    huge = "x" * 5 * 2**20
    stream = streams(*initial(10, "a"), event("MODIFIED", "a", 11, key=huge))
    async with reflecting(transport, api, stream) as bench:
        await bench.until(lambda: bench.store.horizon("ns") == 11)
        assert bench.kept("a") == slim(msgspec.convert(secret("a", 11, key=huge), Secret))


async def test_failures_that_last_are_met_with_growing_pauses(
    transport: Transport, api: Faulty
) -> None:
    async with reflecting(transport, api, says(403, {"message": "no"})) as bench:
        await bench.asked(6)
    pauses = [b - a for a, b in zip(api.times, api.times[1:], strict=False)]
    shortest = [0.8 * 0.01 * 2**failures for failures in range(5)]
    assert all(pause >= least for pause, least in zip(pauses, shortest, strict=False))


@given(st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"x", b"\n")), max_size=12))
async def test_lines_are_the_same_however_the_stream_is_cut(chunks: list[bytes]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    complete = b"".join(chunks).split(b"\n")[:-1]
    assert [line async for line in _lines(pieces())] == [line for line in complete if line]


async def test_a_line_that_is_too_long_for_any_object_is_left_out() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for chunk in (b"a\n12", b"345", b"6789", b"0\nb\n\nc", b"c\n", b"123456", b"7\nd\n"):
            yield chunk

    assert [line async for line in _lines(pieces(), longest=4)] == [b"a", b"b", b"cc", b"d"]


async def test_a_long_stretch_of_buffered_events_lets_others_run() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"line\n" * 1000

    task = asyncio.create_task(other())
    assert len([line async for line in _lines(pieces())]) == 1000
    task.cancel()
    assert turns >= 9


async def test_every_try_is_noted(transport: Transport, api: Faulty) -> None:
    """Even one in vain: who still tries is not deaf."""
    async with reflecting(transport, api, streams(then="close"), streams(then="close")) as bench:
        await bench.asked(1)
        first = bench.reflector.last_tried
        await bench.asked(2)
        assert bench.reflector.last_tried > first > 0
        assert bench.reflector.last_heard == NEVER


async def test_what_may_not_be_watched_holds_up_only_those_that_need_it(
    transport: Transport, api: Faulty
) -> None:
    """An operator with the rights of an older one goes on without what is new."""
    async with reflecting(transport, api, says(403)) as bench:
        await bench.asked(2)
        assert not bench.reflector.synced.is_set()
        bench.reflector.optional = True
        async with asyncio.timeout(5):
            await bench.reflector.synced.wait()
        assert bench.names() == set()
