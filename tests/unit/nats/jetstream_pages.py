"""Pages of a server that has JetStream, for a test to change."""

from __future__ import annotations

import copy
from typing import Any

from natsctl.model.jetstream import JetStreamReport
from natsctl.nats.jetstream_answers import Answers, report
from tests.unit.plan.gates.recorded import body, situation


def healthy() -> dict[str, Any]:
    """The pages of the server that leads the meta group."""
    pages: dict[str, Any] = copy.deepcopy(situation("healthy").pages["nats-1"])
    return pages


def read(pages: dict[str, Any], *more: dict[str, Any]) -> JetStreamReport:
    """What is made of them; `more` are further pages of /jsz."""
    answers = Answers(
        varz=body(pages["varz"]),
        routez=body(pages["routez"]),
        jsz=[body(page) for page in (pages["jsz"], *more)],
        healthz=body(pages["healthz"]["body"]),
        health_code=pages["healthz"]["code"],
    )
    return report("nats-1", answers)


def streams(pages: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pages["jsz"]["account_details"][0]["stream_detail"]
    return found


def stream(pages: dict[str, Any], name: str = "S3") -> dict[str, Any]:
    (found,) = [it for it in streams(pages) if it["name"] == name]
    return found
