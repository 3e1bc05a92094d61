"""What a step takes away is told before it, and once if it is tried again."""

from __future__ import annotations

from typing import cast

import attrs

from natsctl.controllers.cluster.announcer import Announcer
from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.model.objects import Cluster, Meta
from natsctl.plan.actions import ReplaceServer
from natsctl.plan.notices import Notice

CLUSTER = Cluster(Meta(name="c", namespace="ns", uid="u"))
GONE = Notice("StreamsUnavailable", "c-3 restarts", "pod-3-0")
DECIDED = Notice("OverrideUsed", "although", "pod-3-0", warning=True)


@attrs.define
class Told:
    """What was recorded."""

    events: list[Event] = attrs.field(factory=list)

    def record(self, _: Cluster, event: Event) -> None:
        self.events.append(event)


def step(*notices: Notice) -> ReplaceServer:
    return ReplaceServer(3, "c-3", "pod-3-0", "restarting", notices=notices)


def announced(*stages: tuple[ReplaceServer, ...]) -> list[tuple[str, str]]:
    told = Told()
    announcer = Announcer(cast("Recorder", told))
    for stage in stages:
        announcer.announce(CLUSTER, stage)
    return [(event.type, event.reason) for event in told.events]


def test_each_notice_is_an_event_and_a_decision_a_warning() -> None:
    assert announced((step(GONE, DECIDED),)) == [
        ("Normal", "StreamsUnavailable"),
        ("Warning", "OverrideUsed"),
    ]


def test_a_step_that_is_tried_again_is_told_once() -> None:
    """Also if other steps are taken meanwhile, such as a write of an object."""
    assert len(announced((step(GONE),), (), (step(),), (step(GONE),))) == 1


def test_the_next_server_is_told_of_and_a_later_restart_of_the_first() -> None:
    other = attrs.evolve(GONE, about="pod-2-0")
    assert len(announced((step(GONE),), (step(other),), (step(GONE),))) == 3
