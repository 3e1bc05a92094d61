"""Tokens as the API server answers with them, and when one is tried again."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any, cast

import attrs
import pytest

from natsctl.controllers.cluster.cache import FIRST_PAUSE, LAST_PAUSE, ClusterCache
from natsctl.controllers.cluster.token_writer import (
    Refused,
    Running,
    TokenWriter,
    answered,
    audience,
)
from natsctl.kube.errors import Conflict, Fenced, NotFound, Terminal, Transient
from natsctl.model.objects import OwnerReference, Secret
from natsctl.plan.service_accounts.grants import Grant, grants_of
from natsctl.plan.state import ClusterState, Failure
from tests.unit.plan.references import SEALING, resolved, secret, with_tokens
from tests.unit.plan.service_accounts.test_adoption import jwt, live
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


class Api:
    """A client whose creations end in one error, and which may find a Secret nevertheless."""

    def __init__(self, error: Exception, live: Any = None, config: Any = None) -> None:
        self.error, self.found = error, {"worker-c-bound-token": live, "c": config}
        self.patches: list[dict[str, Any]] = []
        self.patch_error: Exception | None = None
        self.patched: Any = object()

    async def create(self, *_: Any) -> Any:
        raise self.error

    async def get(self, _: Any, namespace: str, name: str) -> Any:
        found = self.found[name]
        if found is None:
            raise NotFound(404, "NotFound", "no such Secret")
        if isinstance(found, Exception):
            raise found
        return found

    async def submit(self, *_: Any) -> Any:
        raise Terminal(403, "Forbidden", "no TokenRequest")

    async def patch(self, _: Any, namespace: str, name: str, patch: dict[str, Any]) -> Any:
        if self.patch_error is not None:
            raise self.patch_error
        self.patches.append(patch)
        return self.patched


def writer(api: Api) -> TokenWriter:
    client, goal = cast("Any", api), target(SPEC)
    return TokenWriter(client, goal, SEALING, Running(client, goal))


def grant() -> Grant:
    (found,) = grants_of("ns", "c", with_tokens())
    return found


ERRORS = [Conflict(409, "", "x"), Transient(503, "", "x"), Terminal(403, "", "x")]


@pytest.mark.parametrize("error", ERRORS)
async def test_no_error_of_one_token_is_more_than_that(error: Exception) -> None:
    refused = await writer(Api(error)).bind(grant())
    assert isinstance(refused, Refused)
    assert refused.failure.subject == "Secret ns/worker-c-bound-token"


async def test_but_a_lost_lease_ends_all() -> None:
    with pytest.raises(Fenced):
        await writer(Api(Fenced("over"))).bind(grant())


def running_config(token: str, uid: str = "uid-of-c") -> Secret:
    conf = json.dumps({"authorization": {"users": [{"username": "worker", "password": token}]}})
    owner = OwnerReference("NatsCluster", "c", uid, controller=True)
    return secret("c", {"nats.conf": conf}, owner_references=(owner,))


@pytest.mark.parametrize("error", ERRORS)
async def test_a_token_in_use_is_sealed_even_if_nothing_new_may_be_made(error: Exception) -> None:
    """A quota that is full, or a webhook, is asked before anybody looks for the name."""
    token = jwt()
    api = Api(error, live(token), running_config(token))
    assert await writer(api).bind(grant()) is api.patched
    (patch,) = api.patches
    assert patch["data"]["token"] == base64.b64encode(token.encode()).decode()
    assert patch["data"]["previous-token"] is None


async def test_a_token_in_use_that_cannot_be_sealed_counts() -> None:
    token = jwt()
    api = Api(ERRORS[0], live(token), running_config(token))
    api.patch_error = Terminal(422, "Invalid", "field is immutable")
    refused = await writer(api).bind(grant())
    assert isinstance(refused, Refused)
    assert refused.token == token


@pytest.mark.parametrize("where", ["live", "config"])
async def test_nothing_is_decided_about_it_while_the_api_server_is_in_trouble(where: str) -> None:
    token, trouble = jwt(), Transient(503, "", "busy")
    given = {"live": live(token), "config": running_config(token)} | {where: trouble}
    with pytest.raises(Transient):
        await writer(Api(ERRORS[0], **given)).bind(grant())


async def test_the_configuration_of_a_stranger_proves_nothing() -> None:
    token = jwt()
    api = Api(ERRORS[0], live(token), running_config(token, uid="another"))
    api.patch_error = Terminal(422, "Invalid", "field is immutable")
    refused = await writer(api).bind(grant())
    assert isinstance(refused, Refused)
    assert refused.token == ""


def cluster_cache() -> ClusterCache:
    nothing = cast("Any", None)
    return ClusterCache(
        ("ns", "c"), nothing, nothing, nothing, nothing, platform_assigned_ids=False
    )


def seen(**more: Any) -> ClusterState:
    references = with_tokens(**more)
    return running(SPEC, desired=attrs.evolve(desired(SPEC), resolved=resolved(SPEC, references)))


async def test_attempts_get_rarer_as_long_as_they_fail() -> None:
    found, pauses = cluster_cache(), []
    for _ in range(5):
        found.note_trials({KEY: NO}, seen())
        pauses.append(found.trials[KEY].pause)
    assert pauses == [FIRST_PAUSE, 20.0, 40.0, LAST_PAUSE, LAST_PAUSE]
    assert found.trials[KEY].token == "proven"
    found.note_trials({KEY: None}, seen())
    assert (found.trials[KEY].pause, found.trials[KEY].failure) == (FIRST_PAUSE, None)


async def test_an_attempt_is_forgotten_with_its_reason() -> None:
    found = cluster_cache()
    found.note_trials({KEY: NO}, seen())
    found.note_trials({}, seen())
    assert KEY in found.trials
    found.note_trials({}, seen(accounts={}))
    assert found.trials == {}
