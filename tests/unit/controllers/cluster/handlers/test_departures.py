"""What comes of requests to the servers while one of them leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import attrs
import msgspec
import pytest

from natsctl.controllers.cluster.execute import Outcome as StageOutcome
from natsctl.controllers.cluster.execute import run_stage
from natsctl.controllers.cluster.handlers.handler import HandlerContext
from natsctl.controllers.cluster.reload import Reloader
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import Fenced, NotFound, Stale
from natsctl.kube.fence import Fence, unfenced
from natsctl.kube.transport import Response, Transport
from natsctl.model import names
from natsctl.model.jetstream import Asset, Group, Health, JetStreamReport
from natsctl.model.outcome import Done, Outcome, Refused, Unknown, Unreachable
from natsctl.model.peers import peer_id
from natsctl.model.server_identity import server_name
from natsctl.nats import jetstream
from natsctl.nats.jetstream_requests import Api
from natsctl.nats.monitoring import Monitor, Place
from natsctl.plan.actions import (
    Action,
    EvacuateServer,
    MoveStreams,
    NoteDepartures,
    RemoveMember,
    RemoveServer,
)
from natsctl.plan.evidence import Evidence, evidence_of
from tests.unit.plan.claims.volumes import SPEC
from tests.unit.plan.world import NAME, NAMESPACE, UID, desired, pod

FIVE = SPEC | {"size": 5}
C5 = server_name(NAME, UID, 5)
STREAMS = (Asset("A", "ONE"), Asset("A", "TWO"), Asset("A", "THREE"))
MOVE = MoveStreams("c-5", "u", C5, STREAMS, "moving")
NOTED = NoteDepartures(NAME, "secret", ((5, C5),))
LEAVE = RemoveServer(5, "c-5", "pod-5-0", "removing c-5", NOTED)


@attrs.define
class Asked:
    """JetStream of a cluster: what was asked, and what comes of it, by a part of the subject."""

    outcomes: Mapping[str, Outcome] = attrs.field(factory=dict)
    subjects: list[tuple[str, Any]] = attrs.field(factory=list)
    fence: Fence = unfenced
    waits: float = 0.0
    meanwhile: Callable[[], None] = lambda: None
    is_connected: bool = True

    def hang_up(self) -> None:
        self.is_connected = False

    async def ask(self, subject: str, content: Any, *kinds: str) -> Outcome:
        await asyncio.sleep(self.waits)
        self.meanwhile()
        with self.fence():
            self.subjects.append((subject, content))
        found = (outcome for part, outcome in self.outcomes.items() if part in subject)
        return next(found, Done())


def forget(seen: float | None = None, run: str = "pod-5-0") -> RemoveMember:
    """Take c-5 out of the meta group; by default, what that rests on counts whenever it is sent."""
    runs = evidence_of([pod(5, FIVE)]).runs if run == "pod-5-0" else {run: ()}
    return RemoveMember("c-5", C5, "u", "left", Evidence(runs, seen))


@attrs.define
class Deleting:
    """An API server that deletes pods, or says that they are no more, and takes notes."""

    there: bool = True
    deleted: list[str] = attrs.field(factory=list)
    noted: list[str] = attrs.field(factory=list)
    claims: list[str | None] = attrs.field(factory=list)
    before: Callable[[], None] = lambda: None
    host: str = "deleting"

    async def request(self, method: str, path: str, **more: Any) -> Response:
        content = msgspec.json.decode(more["body"])
        if method == "PATCH":
            assert self.deleted, "the pod goes first"
            notes = content["metadata"]["annotations"]
            self.noted.append(notes[names.DEPARTED_ANNOTATION])
            self.claims.append(notes[names.DEPARTED_VOLUMES_ANNOTATION])
            raise NotFound(404, "NotFound", "the rest is of no interest")
        self.before()
        if not self.there:
            raise NotFound(404, "NotFound", "no such pod")
        self.deleted.append(content["preconditions"]["uid"])
        return Response(200, b"{}", ())


def context(asked: Asked, api: Deleting | None = None) -> HandlerContext:
    client = Client(cast("Transport", api or Deleting()))
    stores = open_stores(lambda key: None)
    stores.pods.learn(pod(5, FIVE))
    reloader = Reloader(client, stores, Monitor(), cast("Any", None), NAMESPACE, NAME)
    return HandlerContext(client, stores, desired(FIVE), reloader, cast("Api", asked))


async def carried_out(action: Action, asked: Asked) -> StageOutcome:
    return await run_stage((action,), context(asked))


@pytest.mark.parametrize(
    ("action", "subject", "content"),
    [
        (EvacuateServer("c-5", "u", C5, "moving"), "SERVER.EVACUATE", {"peer": C5}),
        (forget(), "SERVER.REMOVE", {"peer": "", "peer_id": peer_id(C5)}),
    ],
)
async def test_servers_are_asked(action: Action, subject: str, content: Any) -> None:
    asked = Asked()
    outcome = await carried_out(action, asked)
    assert outcome.done == (action,)
    assert asked.subjects == [(subject, content)]


async def test_streams_are_moved_one_after_the_other() -> None:
    asked = Asked()
    assert (await carried_out(MOVE, asked)).done == (MOVE,)
    assert asked.subjects == [
        (f"ACCOUNT.STREAM.MOVE.A.{asset.stream}", {"server": C5}) for asset in STREAMS
    ]


@pytest.mark.parametrize("code", [10040, 10059])
async def test_a_stream_that_is_not_there_any_more_needs_no_move(code: int) -> None:
    asked = Asked({"ONE": Refused("not found", code)})
    outcome = await carried_out(MOVE, asked)
    assert (outcome.done, outcome.failures, len(asked.subjects)) == ((MOVE,), (), 3)


async def test_what_is_refused_for_one_stream_is_told_and_the_others_move() -> None:
    asked = Asked({"ONE": Refused("no suitable peers", 10005), "TWO": Refused("busy", 10008)})
    outcome = await carried_out(MOVE, asked)
    (failure,) = outcome.failures
    assert (failure.subject, failure.reason) == ("pod c-5", "RequestRefused")
    assert failure.message == "stream A/ONE: no suitable peers (10005)"
    assert len(asked.subjects) == 3


async def test_an_odd_name_of_a_stream_is_quoted() -> None:
    odd = attrs.evolve(MOVE, streams=(Asset("A", "x; delete it"),))
    (failure,) = (await carried_out(odd, Asked({"x": Refused("busy", 10008)}))).failures
    assert failure.message.startswith('stream "A/x; delete it": ')


async def test_nothing_more_is_asked_once_nobody_can_be() -> None:
    asked = Asked({"ONE": Unreachable("no server can be asked")})
    outcome = await carried_out(MOVE, asked)
    (failure,) = outcome.failures
    assert (failure.reason, failure.message) == (
        "ServersNotReached",
        "stream A/ONE: no server can be asked",
    )
    assert len(asked.subjects) == 1


async def test_what_may_have_been_done_is_looked_at_again() -> None:
    asked = Asked({"ONE": Unknown("no answer in time")})
    outcome = await carried_out(MOVE, asked)
    assert (outcome.done, outcome.failures, len(asked.subjects)) == ((), (), 1)


async def test_a_name_that_cannot_be_asked_for_is_told() -> None:
    stream = Asset("A", "S.>")
    outcome = await carried_out(attrs.evolve(MOVE, streams=(stream,)), Asked())
    assert "cannot stand in a subject" in outcome.failures[0].message


async def test_a_member_that_is_none_any_more_is_forgotten() -> None:
    asked = Asked({"REMOVE": Refused("not a member", 10044)})
    action = forget()
    assert (await carried_out(action, asked)).done == (action,)
    refused = await carried_out(action, Asked({"REMOVE": Refused("no", 10008)}))
    assert refused.failures[0].message == "no (10008)"


GONE = Evidence({"gone": ()})


@pytest.mark.parametrize(
    "action",
    [
        forget(seen=-60.0),
        forget(run="gone"),
        attrs.evolve(MOVE, evidence=GONE),
        EvacuateServer("c-5", "u", C5, "moving", GONE),
    ],
)
async def test_nothing_is_asked_for_on_old_answers(action: Action) -> None:
    asked = Asked()
    outcome = await carried_out(action, asked)
    ((_, error),) = outcome.errors
    assert isinstance(error, Stale)
    assert (outcome.done, outcome.failures, asked.subjects) == ((), (), [])


async def test_nobody_is_taken_out_without_evidence() -> None:
    asked = Asked()
    outcome = await carried_out(attrs.evolve(forget(), evidence=None), asked)
    assert (outcome.done, outcome.failures, asked.subjects) == ((), (), [])


async def test_what_changes_while_a_request_waits_for_its_turn_keeps_it_from_being_sent() -> None:
    """As c-5 that is there again by then."""
    asked = Asked(waits=0.01)
    there = context(asked)
    asked.meanwhile = lambda: there.stores.pods.learn(pod(5, FIVE, run=1))
    seen = evidence_of([], None, [])
    there.stores.pods.forget((NAMESPACE, "c-5"), "pod-5-0")
    outcome = await run_stage((attrs.evolve(forget(), evidence=seen),), there)
    assert (outcome.done, asked.subjects) == ((), [])


async def test_a_leader_whose_lease_is_over_asks_for_nothing() -> None:
    @contextmanager
    def fence() -> Iterator[None]:
        raise Fenced
        yield

    asked = Asked(fence=fence)
    there = context(asked)
    there = attrs.evolve(there, client=attrs.evolve(there.client, fence=fence))
    for action in (forget(), MOVE):
        with pytest.raises(Fenced):
            await run_stage((action,), there)
    assert asked.subjects == []


def says(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]) -> None:
    """This is what c-5 says of itself, beside its name."""

    async def look(
        gate: object, places: Mapping[str, Place], tls: object, cluster: object
    ) -> dict[str, JetStreamReport]:
        assert cluster == (NAMESPACE, NAME)
        report = attrs.evolve(JetStreamReport(C5, health=Health(200)), **said)
        return dict.fromkeys(places, report)

    monkeypatch.setattr(jetstream, "look", look)


HELD = {Asset("A", "LATE"): Group(Asset("A", "LATE"), 1)}


@pytest.mark.parametrize(
    ("said", "goes"),
    [
        ({}, True),
        ({"groups": HELD}, False),
        ({"problem": "no answer"}, False),
        ({"disabled": True}, False),
        ({"unknown": ("A/X",)}, False),
        ({"too_many": "more than 1 stream"}, False),
        ({"name": "c-4"}, False),
        ({"health": Health(503, "JetStream stream 'A > LATE' is not current")}, False),
    ],
)
async def test_a_server_is_asked_what_it_holds_right_before_it_goes(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], goes: bool
) -> None:
    says(monkeypatch, said)
    api = Deleting()
    outcome = await run_stage((LEAVE,), context(Asked(), api))
    assert outcome.done == ((LEAVE,) if goes else ())
    assert api.deleted == (["pod-5-0"] if goes else [])
    assert api.noted == ([f"5={C5}"] if goes else [])


async def test_the_note_is_written_although_the_server_is_not_as_it_was_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the deletion rests on ends with it."""
    says(monkeypatch, {})
    api = Deleting()
    seen = evidence_of([pod(5, FIVE)], None, [pod(5, FIVE)])
    outcome = await run_stage((attrs.evolve(LEAVE, evidence=seen),), context(Asked(), api))
    assert (len(outcome.done), api.noted) == (1, [f"5={C5}"])


@pytest.mark.parametrize(("claims", "told"), [((), None), (((5, "5c1e77aa-77"),), "5=5c1e77aa-77")])
async def test_the_claim_that_is_to_go_is_noted_in_the_same_write(
    monkeypatch: pytest.MonkeyPatch, claims: tuple[tuple[int, str], ...], told: str | None
) -> None:
    says(monkeypatch, {})
    api = Deleting()
    note = attrs.evolve(NOTED, claims=claims)
    await run_stage((attrs.evolve(LEAVE, note=note),), context(Asked(), api))
    assert (api.noted, api.claims) == ([f"5={C5}"], [told])


async def test_a_server_that_went_by_itself_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what it held in its last moment: it comes back first."""
    says(monkeypatch, {})
    api = Deleting(there=False)
    outcome = await run_stage((LEAVE,), context(Asked(), api))
    assert (outcome.done, outcome.failures, api.noted) == ((), (), [])


async def test_another_pod_of_the_name_stays() -> None:
    api = Deleting()
    other = attrs.evolve(LEAVE, uid="pod-5-1")
    outcome = await run_stage((other,), context(Asked(), api))
    assert (outcome.done, api.deleted) == ((), [])


async def test_a_server_that_is_to_stop_does_not_wait_for_natsctl(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In lame duck mode, it stops at once if it has no client, and ten seconds later otherwise."""
    says(monkeypatch, {})
    asked, connected = Asked(), list[bool]()
    api = Deleting(before=lambda: connected.append(asked.is_connected))
    await run_stage((LEAVE,), context(asked, api))
    assert connected == [False]
