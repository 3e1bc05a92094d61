"""What is asked of the API server and of the server before a volume is given up, and after."""

from __future__ import annotations

from typing import Any, cast

import attrs
import msgspec
import pytest

from natsctl.controllers.cluster.execute import Outcome, run_stage
from natsctl.controllers.cluster.handlers.handler import HandlerContext
from natsctl.controllers.cluster.handlers.registry import events_of
from natsctl.controllers.cluster.reload import Reloader
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, NotFound, error_of
from natsctl.kube.transport import Response, Transport
from natsctl.model import names
from natsctl.model.jetstream import Asset, Group, JetStreamReport, Raft, Replica
from natsctl.model.server_identity import server_name
from natsctl.nats import jetstream
from natsctl.nats.monitoring import Monitor
from natsctl.plan.actions import Action
from natsctl.plan.evidence import evidence_of
from natsctl.plan.volume_actions import DeleteClaim, GiveUpVolume, NoteRenewals
from tests.unit.plan.claims.renewing import SPEC, STOPPED
from tests.unit.plan.claims.volumes import claim
from tests.unit.plan.world import NAME, NAMESPACE, UID, desired, pod

C2 = server_name(NAME, UID, 2)
SEEN = evidence_of([pod(2, SPEC)])
NOTED = NoteRenewals(NAME, "secret", STOPPED)
GIVE_UP = GiveUpVolume(2, "c-2", "pod-2-0", "js-c-2", "u", "stopping c-2", NOTED, SEEN)
DELETE = DeleteClaim("js-c-2", "000002-volume", "7", "deleting js-c-2", evidence_of([]))
ALONE = Group(Asset("A", "S"), 1, Raft(C2))
PAIR = Group(Asset("A", "P"), 2, Raft(C2, (Replica("other"),)))


def refused(status: int, reason: str, text: str = "no") -> ApiError:
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": text}
    return error_of(status, msgspec.json.encode(body), None)


TAKEN = refused(409, "AlreadyExists")
FORBIDDEN = refused(403, "Forbidden", "cannot delete resource")


@attrs.define
class Api:
    """An API server: what was asked, in order, and what it refuses, by that."""

    refuses: dict[str, ApiError] = attrs.field(factory=dict)
    asked: list[str] = attrs.field(factory=list)
    bodies: list[Any] = attrs.field(factory=list)
    stays: bool = False
    host: str = "api"

    async def request(self, method: str, path: str, **more: Any) -> Response:
        body = msgspec.json.decode(more["body"])
        params = more.get("params") or {}
        dry = "dryRun" in params or "dryRun" in body
        told = f"{'try ' if dry else ''}{method} {path.split('/')[5]}"
        self.asked.append(told)
        self.bodies.append(body)
        if told in self.refuses:
            raise self.refuses[told]
        if told.startswith("try POST"):
            raise TAKEN
        left = msgspec.to_builtins(claim(2)) if self.stays else {"kind": "Status"}
        return Response(200, msgspec.json.encode(left), ())


STEPS = [
    *("try DELETE persistentvolumeclaims", "try POST persistentvolumeclaims", "try POST pods"),
    *("DELETE pods", "PATCH secrets"),
]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the server says when it is asked."""
    report: dict[str, Any] = {"name": C2, "groups": {PAIR.asset: PAIR}}

    async def look(*_: object) -> dict[str, JetStreamReport]:
        return {"pod-2-0": JetStreamReport(**report)}

    monkeypatch.setattr(jetstream, "look", look)
    return report


async def carried_out(action: Action, api: Api, *, there: bool = True) -> Outcome:
    client, stores = Client(cast("Transport", api)), open_stores(lambda key: None)
    if there:
        stores.pods.learn(pod(2, SPEC))
    stores.of_kind("PersistentVolumeClaim").learn(claim(2))
    reloader = Reloader(client, stores, Monitor(), cast("Any", None), NAMESPACE, NAME)
    return await run_stage((action,), HandlerContext(client, stores, desired(SPEC), reloader))


class TestGivingUp:
    async def test_asks_first_whether_all_that_follows_would_be_taken(
        self, said: dict[str, Any]
    ) -> None:
        api = Api(refuses={"PATCH secrets": NotFound(404, "NotFound", "of no interest")})
        outcome = await carried_out(GIVE_UP, api)
        assert outcome.done == (GIVE_UP,)
        assert api.asked == STEPS
        assert api.bodies[0] == {"preconditions": {"uid": "u"}, "dryRun": ["All"]}
        size = api.bodies[1]["spec"]["resources"]["requests"]["storage"]
        notes = api.bodies[4]["metadata"]["annotations"]
        assert (size, notes) == ("20Gi", {names.REPLACING_ANNOTATION: STOPPED})

    @pytest.mark.parametrize("step", STEPS[:3])
    async def test_stops_nothing_if_one_would_not(self, said: dict[str, Any], step: str) -> None:
        api = Api({step: FORBIDDEN})
        outcome = await carried_out(GIVE_UP, api)
        (failure,) = outcome.failures
        assert (failure.subject, failure.reason) == ("pod c-2", "Forbidden")
        assert "would not let natsctl delete js-c-2" in failure.message
        assert "rbac.deletePersistentVolumeClaims" in failure.message
        assert "DELETE pods" not in api.asked

    async def test_stops_nothing_if_the_claim_is_another_one_by_now(
        self, said: dict[str, Any]
    ) -> None:
        api = Api({STEPS[0]: refused(409, "Conflict")})
        outcome = await carried_out(GIVE_UP, api)
        assert (outcome.done, outcome.failures, api.asked) == ((), (), STEPS[:1])

    @pytest.mark.parametrize(
        "changes",
        [
            {"groups": {ALONE.asset: ALONE}},
            {"problem": "no answer"},
            {"disabled": True},
            {"too_many": "streams"},
            {"unknown": ("a stream",)},
            {"name": "another"},
        ],
    )
    async def test_stops_nothing_that_may_have_something_alone(
        self, said: dict[str, Any], changes: dict[str, Any]
    ) -> None:
        said |= changes
        api = Api()
        outcome = await carried_out(GIVE_UP, api)
        assert (outcome.done, outcome.failures) == ((), ())
        assert "DELETE pods" not in api.asked

    async def test_stops_nothing_that_is_not_there(self, said: dict[str, Any]) -> None:
        api = Api()
        action = attrs.evolve(GIVE_UP, evidence=None)
        assert (await carried_out(action, api, there=False)).done == ()
        assert "DELETE pods" not in api.asked

    async def test_notes_nothing_of_a_server_that_went_by_itself(
        self, said: dict[str, Any]
    ) -> None:
        api = Api({"DELETE pods": refused(404, "NotFound")})
        assert (await carried_out(GIVE_UP, api)).done == ()
        assert api.asked[-1] == "DELETE pods"


class TestTheDeletion:
    @pytest.mark.parametrize("stays", [True, False])
    async def test_is_of_the_very_claim_that_was_seen(self, stays: bool) -> None:
        api = Api(stays=stays)
        assert (await carried_out(DELETE, api)).done == (DELETE,)
        wanted = {"uid": "000002-volume", "resourceVersion": "7"}
        assert api.bodies == [{"preconditions": wanted}]

    @pytest.mark.parametrize("reason", [(409, "Conflict"), (404, "NotFound")])
    async def test_of_another_one_is_not_done(self, reason: tuple[int, str]) -> None:
        outcome = await carried_out(
            DELETE, Api({"DELETE persistentvolumeclaims": refused(*reason)})
        )
        assert (outcome.done, outcome.failures) == ((), ())

    @pytest.mark.parametrize("reason", ["ReplacingVolume", "DeletingVolume"])
    def test_is_told_with_what_it_is_for(self, reason: str) -> None:
        (event,) = events_of((attrs.evolve(DELETE, reason=reason),))
        assert (event.reason, event.message) == (reason, "deleting js-c-2")

    async def test_rests_on_evidence(self) -> None:
        api = Api()
        assert (await carried_out(attrs.evolve(DELETE, evidence=None), api)).done == ()
        assert api.asked == []


async def test_a_note_that_says_nothing_is_removed() -> None:
    api = Api({"PATCH secrets": NotFound(404, "NotFound", "of no interest")})
    await carried_out(NoteRenewals(NAME, "secret", ""), api)
    assert api.bodies[0]["metadata"]["annotations"] == {names.REPLACING_ANNOTATION: None}
