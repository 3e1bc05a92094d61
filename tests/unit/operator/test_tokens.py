"""Tokens as the API server answers with them, and when one is tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import attrs
import pytest

from natsctl.kube.errors import Conflict, Fenced, Terminal, Transient
from natsctl.operator.outlook import FIRST_PAUSE, LAST_PAUSE, Outlook
from natsctl.operator.tokens import Refused, TokenWriter, answered, audience
from natsctl.plan.grants import grants_of
from natsctl.plan.snapshot import Failure, Snapshot
from tests.unit.plan.sources import SEALING, resolved, with_tokens
from tests.unit.plan.world import desired, running, target

KEY = ("ns", "worker-c-bound-token")
SPEC = {"size": 1, "version": "2.14.5", "auth": {"enableServiceAccounts": True}}
NO = Refused(Failure("Secret ns/x", "Forbidden", "no"), "proven")


def test_a_token_is_for_one_cluster_of_one_namespace() -> None:
    assert audience("a", "c") == "nats://c.a.svc" != audience("b", "c")


def test_what_the_api_server_answers() -> None:
    good = {"status": {"token": "a.b.c", "expirationTimestamp": "2026-01-01T00:00:00Z"}}
    assert answered(good) == ("a.b.c", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"token": "", "expirationTimestamp": "2026-01-01T00:00:00Z"},
        {"token": 7, "expirationTimestamp": "2026-01-01T00:00:00Z"},
        {"token": "a b\x00", "expirationTimestamp": "2026-01-01T00:00:00Z"},
        {"token": "a.b.c", "expirationTimestamp": "soon"},
        {"token": "x" * 800_000, "expirationTimestamp": "2026-01-01T00:00:00Z"},
    ],
)
def test_an_answer_without_a_usable_token_is_the_end_of_this_attempt(status: Any) -> None:
    with pytest.raises(Terminal, match="no usable token"):
        answered({"status": status})


class Failing:
    """A client whose every request ends in one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def create(self, *_: Any) -> Any:
        raise self.error


def writer(error: Exception) -> TokenWriter:
    return TokenWriter(cast("Any", Failing(error)), target(SPEC), SEALING)


@pytest.mark.parametrize(
    "error", [Conflict(409, "", "x"), Transient(503, "", "x"), Terminal(403, "", "x")]
)
async def test_no_error_of_one_token_is_more_than_that(error: Exception) -> None:
    (grant,) = grants_of("ns", "c", with_tokens())
    refused = await writer(error).bind(grant)
    assert isinstance(refused, Refused)
    assert refused.failure.subject == "Secret ns/worker-c-bound-token"


async def test_but_a_lost_lease_ends_all() -> None:
    (grant,) = grants_of("ns", "c", with_tokens())
    with pytest.raises(Fenced):
        await writer(Fenced("over")).bind(grant)


def outlook() -> Outlook:
    nothing = cast("Any", None)
    return Outlook(("ns", "c"), nothing, nothing, nothing, nothing)


def seen(**more: Any) -> Snapshot:
    sources = with_tokens(**more)
    return running(SPEC, desired=attrs.evolve(desired(SPEC), resolved=resolved(SPEC, sources)))


async def test_attempts_get_rarer_as_long_as_they_fail() -> None:
    found, pauses = outlook(), []
    for _ in range(5):
        found.note_trials({KEY: NO}, seen())
        pauses.append(found.trials[KEY].pause)
    assert pauses == [FIRST_PAUSE, 20.0, 40.0, LAST_PAUSE, LAST_PAUSE]
    assert found.trials[KEY].token == "proven"
    found.note_trials({KEY: None}, seen())
    assert (found.trials[KEY].pause, found.trials[KEY].failure) == (FIRST_PAUSE, None)


async def test_an_attempt_is_forgotten_with_its_reason() -> None:
    found = outlook()
    found.note_trials({KEY: NO}, seen())
    found.note_trials({}, seen())
    assert KEY in found.trials
    found.note_trials({}, seen(accounts={}))
    assert found.trials == {}
