"""What came of a stage, and which error counts."""

from __future__ import annotations

from typing import Any, cast

import pytest

from natsctl.controllers.cluster.execute import AT_A_TIME, Outcome, run_stage
from natsctl.controllers.cluster.handlers.handler import HandlerContext
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import error_of
from natsctl.kube.transport import Response, Transport
from natsctl.model.objects import Meta, Secret
from natsctl.plan.actions import Action, CreateServer, Ensure, RemoveToken
from natsctl.plan.state import Failure
from tests.unit.plan.world import desired


def test_only_what_servers_cannot_start_without_holds_up_what_follows() -> None:
    def failed(action: Action) -> Outcome:
        return Outcome((), (Failure("it", "Forbidden", "no"),), (action,))

    *services, secret = desired({"size": 1}).objects
    assert failed(Ensure(secret, present=False)).blocking
    assert not any(failed(Ensure(service, present=False)).blocking for service in services)
    assert not failed(CreateServer(1, "c-1")).blocking
    assert not Outcome((), ()).blocking


class Answering:
    """An API server that answers everything with one error."""

    host = "answering"

    def __init__(self, status: int) -> None:
        self.status = status

    async def request(self, method: str, path: str, **more: Any) -> Response:
        raise error_of(self.status, b"")


async def outcome(status: int, *stage: Action) -> Outcome:
    client, stores = Client(cast("Transport", Answering(status))), open_stores(lambda key: None)
    goal = desired({"size": 1})
    return await run_stage(stage, HandlerContext(client, stores, goal, cast("Any", None)))


async def test_what_may_pass_is_an_error_and_what_lasts_a_failure() -> None:
    found = await outcome(409, CreateServer(1, "c-1"))
    assert [subject for subject, _ in found.errors] == ["pod c-1"]
    assert (found.done, found.failures, len(found.failed)) == ((), (), 1)
    found = await outcome(403, CreateServer(1, "c-1"))
    assert [failure.subject for failure in found.failures] == ["pod c-1"]
    assert (found.done, found.errors, len(found.failed)) == ((), (), 1)


@pytest.mark.parametrize("status", [403, 409])
async def test_what_shields_servers_has_to_be_written(status: int) -> None:
    objects = desired({"size": 3, "version": "2.14.10", "jetstream": {}}).objects
    (budget,) = (made for made in objects if made.kind == "PodDisruptionBudget")
    assert not (await outcome(status, Ensure(budget, present=False))).shielded
    assert (await outcome(status, Ensure(objects[0], present=False))).shielded
    assert (await outcome(status)).shielded


async def test_after_many_errors_the_rest_is_neither_tried_nor_done() -> None:
    pods = [CreateServer(1, f"c-{i}") for i in range(2 * AT_A_TIME)]
    token = RemoveToken(Secret(Meta(name="t", namespace="ns", uid="u")))
    found = await outcome(409, *pods, token)
    assert AT_A_TIME <= len(found.errors) < 2 * AT_A_TIME
    assert (found.done, found.failures, found.tried) == ((), (), {})


async def test_an_attempt_on_a_token_is_noted_whatever_came_of_it() -> None:
    token = RemoveToken(Secret(Meta(name="t", namespace="ns", uid="u")))
    found = await outcome(403, token)
    assert (found.done, found.failures, found.errors) == ((), (), ())
    assert set(found.tried) == {token.key}
