"""Recorded answers of real servers, trimmed to what is read of them, in known situations."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from natsctl.model.jetstream import JetStreamReport
from natsctl.nats.jetstream_answers import Answers, report, unanswered

SAMPLES = Path(__file__).parent / "samples"
VERSIONS = ("2.9.25", "2.10.29", "2.11.17", "2.12.15", "2.14.10", "2.15.3")


@attrs.frozen
class Situation:
    """What each server answered, who was to go, and what a correct gate says of it."""

    version: str
    name: str
    expected: tuple[str, ...]
    target: str
    mode: str
    ok: bool
    blocks: frozenset[str]
    pages: dict[str, Any]

    def reports(self) -> dict[str, JetStreamReport]:
        """One report for each expected server."""
        return {name: self._report(name) for name in self.expected}

    def answers(self, name: str) -> Answers:
        """The bodies that a server sent."""
        page = self.pages[name]
        return Answers(
            varz=body(page["varz"]),
            routez=body(page["routez"]),
            jsz=[body(page["jsz"])],
            healthz=body(page["healthz"]["body"]),
            health_code=page["healthz"]["code"],
        )

    def _report(self, name: str) -> JetStreamReport:
        if self.pages[name] is None:
            return unanswered(name, "no answer in time")
        return report(name, self.answers(name))


def body(document: Any) -> bytes:
    """As a server writes it."""
    return json.dumps(document).encode()


def situations(name: str = "") -> list[Situation]:
    """All of them, or those of one name on each version that has it."""
    return [
        Situation(
            version,
            found,
            tuple(it["expected"]),
            it["target"],
            it["mode"],
            it["ok"],
            frozenset(it["blocks"]),
            it["servers"],
        )
        for version in VERSIONS
        for found, it in _recorded(version).items()
        if name in ("", found)
    ]


def situation(name: str, version: str = "2.12.15") -> Situation:
    """One of them."""
    (found,) = [it for it in situations(name) if it.version == version]
    return found


@cache
def _recorded(version: str) -> dict[str, Any]:
    raw = (SAMPLES / f"{version}.json.gz").read_bytes()
    content: dict[str, Any] = json.loads(gzip.decompress(raw))
    return content
