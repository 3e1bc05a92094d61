"""Looks that were taken by pod, told by server."""

from __future__ import annotations

from natsctl.model.jetstream import JetStreamReport
from natsctl.model.jetstream_look import Look as Taken
from natsctl.plan.gates.look import Look, by_name

ONE, TWO = JetStreamReport("nats-1"), JetStreamReport("nats-2")
NAMES = {"uid-1": "nats-1", "uid-2": "nats-2", "uid-3": "nats-2"}


def test_the_last_two_looks_are_told_by_name() -> None:
    looks = [Taken(n, {"uid-1": ONE, "uid-2": TWO}) for n in (1.0, 2.0, 3.0)]
    reports = {"nats-1": ONE, "nats-2": TWO}
    assert by_name(looks, NAMES) == (Look(2.0, reports), Look(3.0, reports))


def test_one_look_is_not_two() -> None:
    assert by_name([], NAMES) is None
    assert by_name([Taken(1.0, {})], NAMES) is None


def test_pods_without_a_name_are_left_out_and_of_two_of_one_name_neither_is_believed() -> None:
    taken = Taken(1.0, {"uid-0": ONE, "uid-1": ONE, "uid-2": TWO, "uid-3": TWO})
    looks = by_name([taken, taken], NAMES)
    assert looks
    assert looks[0].reports == {
        "nats-1": ONE,
        "nats-2": JetStreamReport("nats-2", problem="two pods have this name"),
    }
