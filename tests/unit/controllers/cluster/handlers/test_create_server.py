"""What the API server says of a pod that it takes."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from natsctl.controllers.cluster.execute import Outcome, run_stage
from natsctl.controllers.cluster.handlers.handler import HandlerContext
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import error_of
from natsctl.kube.transport import Response, Transport
from natsctl.model import names
from natsctl.plan.actions import CreateServer
from tests.unit.plan.world import desired


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
    context = HandlerContext(client, stores, desired({"size": 1}), reloader=cast("Any", None))
    outcome = await run_stage((CreateServer(1, "c-1"),), context)
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
