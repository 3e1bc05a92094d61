"""JetStream may go once all servers have said, twice and just now, that they hold nothing."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model.jetstream import Health, JetStreamReport
from natsctl.model.jetstream_look import Look
from natsctl.model.objects import Pod, Secret
from natsctl.plan.gates.looks import FRESH
from natsctl.plan.held import (
    NOT_ASKED,
    OLD,
    Held,
    held_of,
    is_asked,
    override_of,
    streams_told,
    telling,
)
from natsctl.plan.state import ClusterState
from natsctl.render.config.jetstream import FILE
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import Named, looked
from tests.unit.plan.restarts.test_gated import process
from tests.unit.plan.world import NAME, changed, cluster_state

WITH: dict[str, Any] = {"size": 3, "version": "2.14.10", "jetstream": {}}
OFF: dict[str, Any] = {"size": 3, "version": "2.14.10"}


def streams(*names: str) -> Named:
    world = Named()
    for name in names:
        world.stream(name, members=world.names)
    return world


def seen(world: Named | None = None, spec: Any = OFF, pods: tuple[Pod, ...] = ()) -> ClusterState:
    """Servers with JetStream whose spec says this by now, right after two looks at them."""
    standing = pods or tuple(process(index, WITH) for index in (1, 2, 3))
    return looked(cluster_state(spec, standing), world or Named())


def held(state: ClusterState, **more: Any) -> Held:
    secret = more.get("secret", Secret(state.cluster.metadata, data={FILE: "e30="}))
    if not is_asked(state.cluster, state.pods):
        return NOT_ASKED
    told = telling(state.pods, state.jetstream, state.now)
    return held_of(state.cluster, secret, state.pods, told, streams_told(told), state.now)


def edited(state: ClusterState, **values: Any) -> ClusterState:
    """The same if c-2 said something else in the last look."""

    def other(said: JetStreamReport) -> JetStreamReport:
        return attrs.evolve(said, **values)

    last = state.jetstream[-1]
    reports = {**last.reports, "pod-2-0": other(last.reports["pod-2-0"])}
    return attrs.evolve(state, jetstream=(state.jetstream[0], attrs.evolve(last, reports=reports)))


def annotated(state: ClusterState, text: str) -> ClusterState:
    key, _, value = text.partition("=")
    meta = msgspec.structs.replace(state.cluster.metadata, annotations={key: value})
    return attrs.evolve(state, cluster=msgspec.structs.replace(state.cluster, metadata=meta))


def test_servers_that_hold_nothing_may_lose_it() -> None:
    found = held(seen())
    assert (found.is_nothing, found.may_go, found.names, found.is_begun) == (True, True, (), False)


@pytest.mark.parametrize("spec", [WITH, {**OFF, "jetstream": {"domain": "hub"}}])
def test_nobody_asks_while_the_spec_has_jetstream(spec: Any) -> None:
    assert held(seen(spec=spec)) == NOT_ASKED


def test_nor_where_no_server_has_it() -> None:
    assert held(seen(pods=tuple(process(index, OFF) for index in (1, 2, 3)))) == NOT_ASKED


class TestStreams:
    def test_are_named_some_of_many(self) -> None:
        found = held(seen(streams(*"EDCBAF")))
        assert not found.may_go
        assert str(found.problem).startswith(
            "spec.jetstream: cannot be removed while there are streams: "
            "A/A, A/B, A/C, A/D and 2 more; delete them, or put it back; to continue anyway"
        )

    def test_that_one_look_shows_are_there(self) -> None:
        nothing, one = seen(), seen(streams("A"))
        looks = (one.jetstream[0], nothing.jetstream[1])
        assert held(attrs.evolve(nothing, jetstream=looks)).names == ("A/A",)

    def test_are_told_for_a_while_after_the_last_look(self) -> None:
        state = seen(streams("A"))
        later = attrs.evolve(state, now=state.now + OLD - 10)
        assert held(later).names == ("A/A",)
        assert held(attrs.evolve(state, now=state.now + OLD + 10)).names == ()

    def test_a_consumer_is_told_as_its_stream(self) -> None:
        world = streams("A")
        world.stream("A", members=world.names, consumer="c")
        assert held(seen(world)).names == ("A/A",)


class TestUnknown:
    """Is not nothing."""

    def told(self, state: ClusterState, **more: Any) -> str:
        found = held(state, **more)
        assert not found.may_go
        return str(found.problem)

    def test_before_two_looks(self) -> None:
        state = seen()
        for looks in ((), state.jetstream[:1], (state.jetstream[0], state.jetstream[0])):
            said = self.told(attrs.evolve(state, jetstream=looks))
            assert "before all servers have said that they hold no stream" in said

    def test_once_they_are_old(self) -> None:
        state = seen()
        self.told(attrs.evolve(state, now=state.now + 2 * FRESH))

    def test_of_other_runs_of_servers(self) -> None:
        state = seen()
        pods = (*state.pods[:2], process(3, WITH, run=1))
        self.told(attrs.evolve(state, pods=pods))

    @pytest.mark.parametrize(
        "values",
        [
            {"problem": "no answer in time"},
            {"disabled": True},
            {"name": "another"},
            {"unknown": ("stream A/B",)},
            {"too_many": "streams"},
            {"health": Health(500, "not ready for connections")},
            {"health": Health(503, "JetStream is still recovering meta layer")},
        ],
    )
    def test_while_one_server_does_not_tell_all(self, values: dict[str, Any]) -> None:
        self.told(edited(seen(), **values))

    def test_while_the_cluster_is_paused(self) -> None:
        state = seen(spec={**OFF, "paused": True})
        self.told(state)
        self.told(annotated(state, override_of(state.cluster)))

    def test_a_server_without_jetstream_has_nothing_to_say(self) -> None:
        world = Named(states={Named().names[0]: State.DISABLED})
        bare = (process(1, OFF), process(2, WITH), process(3, WITH))
        assert held(seen(world, pods=bare)).may_go


class TestAUserWhoWantsItNevertheless:
    def test_says_so_by_an_annotation_that_the_message_has(self) -> None:
        state = seen(streams("A"))
        text = str(held(state).problem).rpartition(": ")[2]
        assert text == override_of(state.cluster)
        assert text.startswith("nats.io/override-streams=uid-of-c.")
        assert held(annotated(state, text)).may_go

    def test_says_it_of_this_generation_of_the_spec(self) -> None:
        state = seen(streams("A"))
        text = override_of(state.cluster)
        meta = msgspec.structs.replace(state.cluster.metadata, generation=2)
        later = attrs.evolve(state, cluster=msgspec.structs.replace(state.cluster, metadata=meta))
        assert not held(annotated(later, text)).may_go


def test_what_servers_start_with_shows_whether_it_has_begun() -> None:
    state = seen()
    without = Secret(state.cluster.metadata, data={})
    assert held(state, secret=without).is_begun
    assert not held(state, secret=None).is_begun


def test_a_look_of_no_servers_is_none() -> None:
    state = seen()
    empty = tuple(Look(it.began, {}, it.runs) for it in state.jetstream)
    assert not held(attrs.evolve(state, jetstream=empty)).may_go
    assert changed(state.pods[0]).metadata.name == f"{NAME}-1"
