"""What publishers count, and when the demo fails for it."""

from __future__ import annotations

import nats.errors
import pytest

from demo import report
from demo.publishers import Stream, insist, streams
from demo.teller import DemoFailed


def published(stored: int, acknowledged: int = 3, replicas: int = 3) -> Stream:
    stream = Stream("THREE", replicas, stored=stored)
    for number in range(acknowledged):
        stream.took(1 + (number == 1), 10.0 + number)
    return stream


def test_streams_have_subjects_of_their_own() -> None:
    one, three, bucket = streams()
    assert [stream.replicas for stream in (one, three, bucket)] == [1, 3, 3]
    assert len({stream.subject(7) for stream in (one, three, bucket)}) == 3


def test_only_a_bucket_has_a_subject_for_each_message() -> None:
    one, _, bucket = streams()
    assert one.subject(1) == one.subject(2)
    assert bucket.subject(1) == "$KV.STATE.1"
    assert bucket.subject(2) == "$KV.STATE.2"


def test_what_was_acknowledged_and_is_there_is_not_lost() -> None:
    stream = published(3)
    assert (stream.lost, stream.retried) == (0, 1)
    report.check_stored([stream])


@pytest.mark.parametrize(("stored", "lost"), [(2, 1), (4, 0)], ids=["lost", "twice"])
def test_anything_else_fails_the_demo(stored: int, lost: int) -> None:
    stream = published(stored)
    assert stream.lost == lost
    with pytest.raises(DemoFailed, match=rf"the 3 messages .* it holds {stored}"):
        report.check_stored([stream])


def test_a_stream_that_was_never_counted_has_lost_all() -> None:
    assert Stream("ONE", 1, acknowledged=2).lost == 2


def test_the_figures_are_told() -> None:
    told = report.stored([published(3, replicas=1), published(2)], 9.0)
    first, silence, second, _ = told.splitlines()
    assert (
        first == "1 replica:          3 acknowledged, 3 stored, 0 lost; 1 of them were sent again"
    )
    assert silence.endswith("longest time without an acknowledgement: 1.00 s (until 2 s)")
    assert second.startswith("3 replicas:         3 acknowledged, 2 stored, 1 lost;")


async def test_a_message_is_sent_until_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.publishers.RETRY_PAUSE", 0)
    left = [nats.errors.TimeoutError(), OSError()]

    async def send() -> str:
        if left:
            raise left.pop()
        return "acknowledged"

    assert await insist(send) == (3, "acknowledged")
