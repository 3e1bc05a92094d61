"""How an object that others wrote to as well is put right, and which error counts."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from natsctl.controllers.cluster.execute import Executor, Outcome, own_by_apply, put_right
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import error_of
from natsctl.kube.transport import Response, Transport
from natsctl.model import names
from natsctl.plan.actions import Action, CreateServer, Ensure
from natsctl.plan.state import Failure
from tests.unit.plan.world import desired

PORTS = [{"name": "client", "port": 4222}]


def test_ownership_moves_only_from_our_own_post() -> None:
    def live(*entries: dict[str, str]) -> dict[str, object]:
        return {"metadata": {"resourceVersion": "5", "managedFields": list(entries)}}

    post = {"manager": "natsctl", "operation": "Update"}
    assert own_by_apply(live(post))[1]["path"] == "/metadata/managedFields/0/operation"
    assert own_by_apply(live({"manager": "kubectl", "operation": "Update"})) == []
    assert own_by_apply(live(post, {"manager": "natsctl", "operation": "Apply"})) == []
    assert own_by_apply(live(post | {"subresource": "status"})) == []
    assert own_by_apply({"metadata": {"resourceVersion": "5"}}) == []


@pytest.mark.parametrize(
    ("live", "path"),
    [
        ({"ports": [*PORTS, {"name": "mine", "port": 1}], "selector": {"app": "nats"}}, "ports"),
        ({"ports": PORTS, "selector": {"app": "nats", "more": "x"}}, "selector"),
    ],
)
def test_ports_and_selectors_that_others_added_to_are_replaced(live: Any, path: str) -> None:
    wanted = {"spec": {"ports": PORTS, "selector": {"app": "nats"}}}
    [patch] = put_right({"metadata": {}, "spec": live}, wanted)
    assert patch == {"op": "add", "path": f"/spec/{path}", "value": wanted["spec"][path]}


def test_what_is_right_or_not_ours_to_say_is_left_alone() -> None:
    wanted = {"spec": {"ports": PORTS, "selector": {"app": "nats"}}}
    live = {"metadata": {}, "spec": wanted["spec"] | {"sessionAffinity": "ClientIP"}}
    assert put_right(live, wanted) == []
    assert put_right({"metadata": {}, "data": {"a": "b"}}, {"data": {"a": "c"}}) == []


def test_a_new_configuration_takes_back_what_was_said_of_a_refused_one() -> None:
    live = {"metadata": {"annotations": {"nats.io/refused": "1 no"}}}
    [patch] = put_right(live, {})
    assert patch == {"op": "remove", "path": "/metadata/annotations/nats.io~1refused"}


def test_only_what_servers_cannot_start_without_holds_up_what_follows() -> None:
    def failed(action: Action) -> Outcome:
        return Outcome((), (Failure("it", "Forbidden", "no"),), (action,))

    *services, secret = desired({"size": 1}).standing
    assert failed(Ensure(secret, present=False)).blocking
    assert not any(failed(Ensure(service, present=False)).blocking for service in services)
    assert not failed(CreateServer(1, "c-1")).blocking
    assert not Outcome((), ()).blocking


class Answering:
    """An API server that takes pods, says something about them, and maybe no note on them."""

    host = "answering"

    def __init__(self, *warnings: str, notes: int = 200) -> None:
        self.warnings = warnings
        self.notes = notes
        self.noted: list[dict[str, Any]] = []

    async def request(self, method: str, path: str, **more: Any) -> Response:
        body = msgspec.json.decode(more["body"])
        if method == "PATCH" and self.notes != 200:
            raise error_of(self.notes, b"")
        if method == "PATCH":
            self.noted.append(body["metadata"])
        meta = {"name": "c-1", "namespace": "ns", "uid": "u", "resourceVersion": "9"}
        return Response(201, msgspec.json.encode({"metadata": meta}), self.warnings)


async def created(api: Answering) -> Outcome:
    client = Client(cast("Transport", api))
    stores = open_stores(lambda key: None)
    executor = Executor(client, stores, desired({"size": 1}), reloader=cast("Any", None))
    outcome = await executor.run((CreateServer(1, "c-1"),))
    assert stores.pods.get(("ns", "c-1")) is not None
    return outcome


async def test_fields_that_the_api_server_left_out_of_a_pod_are_noted_on_it() -> None:
    unknown = 'unknown field "spec.nodeselector"'
    api = Answering(
        unknown, 'would violate PodSecurity "restricted"', unknown, 'duplicate field "a"'
    )
    outcome = await created(api)
    assert (len(outcome.done), outcome.failures) == (1, ())
    told = {names.DROPPED_ANNOTATION: "spec.nodeselector, a"}
    assert api.noted == [{"uid": "u", "annotations": told}]


@pytest.mark.parametrize("status", [403, 404, 409, 422])
async def test_the_server_runs_even_if_nothing_can_be_noted_on_it(status: int) -> None:
    outcome = await created(Answering('unknown field "spec.x"', notes=status))
    assert (len(outcome.done), outcome.failures) == (1, ())


async def test_a_pod_that_lacks_nothing_is_written_once() -> None:
    api = Answering('spec.x: deprecated since v1.99, no unknown field "a" here')
    await created(api)
    assert api.noted == []
