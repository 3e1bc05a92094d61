"""The meta leader is asked only where its servers can be asked at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from natsctl.controllers.cluster.handlers.handler import DONE, PENDING, Result
from natsctl.controllers.cluster.handlers.step_down import STEP_DOWN
from natsctl.model.outcome import Done, Outcome, Refused, Unknown, Unreachable
from natsctl.nats import jetstream_requests
from natsctl.plan.actions import StepDown


async def asked(api: object) -> Result:
    context = cast(Any, SimpleNamespace(jetstream=api))
    return await STEP_DOWN.carry_out(StepDown("c-1", "u"), context)


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Done(), DONE),
        (Refused("no suitable peer", 10005), PENDING),
        (Unreachable("no server can be asked"), PENDING),
        (Unknown("no answer in time"), PENDING),
    ],
)
async def test_it_is_done_when_a_server_says_so(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, result: Result
) -> None:
    async def step_down(_: object, preferred: str) -> Outcome:
        assert not preferred
        return outcome

    monkeypatch.setattr(jetstream_requests, "step_down", step_down)
    assert await asked(object()) == result


async def test_nobody_is_asked_without_a_way_to() -> None:
    assert await asked(None) == PENDING
