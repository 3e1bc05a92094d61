"""How the demo counts what its clients send and receive."""

from __future__ import annotations

from demo.tally import Silence, Tally


def test_the_longest_silence_counts() -> None:
    silence = Silence()
    for now in (10.0, 10.5, 13.0, 13.1):
        silence.arrival(now)
    assert (silence.longest, silence.ended) == (2.5, 13.0)


def test_a_request_without_a_reply_is_lost() -> None:
    tally = Tally()
    first, _ = tally.ask(), tally.ask()
    tally.served.add(first)
    tally.replied(first, 1, 0.0)
    assert tally.lost_requests == 1


def test_a_reply_that_nobody_gave_is_a_loss() -> None:
    tally = Tally()
    tally.replied(tally.ask(), 1, 0.0)
    assert tally.lost_requests == 1


def test_a_request_that_needed_two_tries_is_retried_not_lost() -> None:
    tally = Tally()
    number = tally.ask()
    tally.served.add(number)
    tally.replied(number, 2, 0.0)
    assert (tally.lost_requests, tally.retried) == (0, 1)


def test_a_message_that_arrives_twice_makes_up_for_none() -> None:
    tally = Tally()
    first, _ = tally.tell(), tally.tell()
    tally.heard_one(first, 0.0)
    tally.heard_one(first, 1.0)
    assert tally.lost_messages == 1
