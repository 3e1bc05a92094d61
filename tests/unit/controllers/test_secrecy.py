"""Passwords, tokens and keys are in the configuration and nowhere else."""

from __future__ import annotations

import base64
from typing import Any

import attrs
import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.types.status import to_json
from natsctl.api.version import ServerVersion
from natsctl.controllers.cluster.events import turning_points
from natsctl.controllers.cluster.handlers.registry import events_of
from natsctl.model.bound_tokens import RENEW_AFTER
from natsctl.model.objects import Secret
from natsctl.plan.actions import Action, BindToken, Ensure, RemoveToken, UpdateRoleStatus
from natsctl.plan.engine import plan
from natsctl.plan.inputs.resolve import resolve
from natsctl.plan.references import References
from natsctl.plan.state import ClusterState, Desired, Refusal
from natsctl.plan.status.status import status
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.revision.revision import revision
from natsctl.render.target import Target
from tests.unit.plan.references import role, tls_secret, token, users, with_tokens
from tests.unit.plan.world import NOW, changed_secret, cluster_state, evolved, running, stamped

PLANTED = ("pl4nted-password", "pl4nted-token", "pl4nted-before", "pl4nted-route", "pl4nted-pepper")
AUTH = {
    "enableServiceAccounts": True,
    "allowStaticUsers": True,
    "clientsAuthSecret": "users",
    "clusterAuthSecret": "r",
}
SPEC: dict[str, Any] = {"size": 3, "version": "2.14.10"}
FULL = SPEC | {"auth": AUTH, "tls": {"serverSecret": "certs"}}


def forms(text: str) -> set[str]:
    """A text as it is, and as Secrets hold it wherever it begins in what was encoded."""
    found = {text}
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + text.encode()).decode()
        found.add(encoded[4:-4])
    return found


def shows(shown: str) -> list[str]:
    key = base64.b64decode((tls_secret("certs").data or {})["server-key.pem"]).decode()
    secrets = (*PLANTED, key.splitlines()[1])
    return [text for text in secrets for form in forms(text) if form in shown]


def given(**more: Any) -> References:
    password, now, before, route, pepper = PLANTED
    found = with_tokens(
        token(now, previous=before, annotations={RENEW_AFTER: NOW}),
        token(now, name="gone"),
        secrets={
            "users": users({"users": [{"username": "u", "password": password}]}),
            "r": users({"username": "route", "password": route}, "r"),
            "certs": tls_secret("certs"),
        },
    )
    return attrs.evolve(found, pepper=pepper.encode(), **more)


def desired(references: References) -> Desired:
    spec = parse_spec(FULL)
    made = resolve("ns", "c", spec, references)
    goal = Target("ns", "c", "uid-of-c", spec, ServerVersion.parse("2.14.10"), inputs=made.inputs)
    return Desired(goal, tuple(map(stamped, owned_objects(goal))), revision(goal), resolved=made)


def bound() -> ClusterState:
    """Servers that run without any of it; all of it is to come."""
    found = given()
    return attrs.evolve(running(SPEC), desired=desired(found), references=found)


def quiet() -> ClusterState:
    """No token is due: the configuration itself is to be written."""
    found = given(tokens={t.key: t for t in (token(PLANTED[1], previous=PLANTED[2]),)})
    return attrs.evolve(running(SPEC), desired=desired(found), references=found)


def broken(content: Any) -> ClusterState:
    """The users cannot be used; whatever is told of it names places, not values."""
    found = given()
    found = attrs.evolve(found, secrets={**found.secrets, "users": users(content)})
    return attrs.evolve(running(SPEC), desired=desired(found), references=found)


P = PLANTED[0]
BROKEN = [
    {"users": [{"username": "u", "password": P}, {"username": "u", "password": P}]},
    {"users": [{"username": "", "password": P}]},
    {"users": [{"nkey": P}]},
    {"users": P},
    {"users": [P]},
    {"token": P, "users": [{"username": "a", "password": P}]},
    {"password": P},
    {"users": [{"username": "u", "password": [P]}]},
    P,
]


def actions(found: ClusterState) -> list[Action]:
    return [a for stage in plan(found).stages for a in stage]


def test_the_configuration_has_them() -> None:
    """Or the tests below would find nothing in anything."""
    goal = quiet().desired
    assert goal is not None
    (secret,) = (s for s in goal.objects if s.kind == "Secret")
    data = secret.manifest["data"]
    decoded = [base64.b64decode(text).decode() for text in data.values()]
    assert set(PLANTED) - set(shows(str(decoded))) == {PLANTED[1], PLANTED[4]}
    assert set(shows(str(data))) == set(shows(str(decoded)))


def test_no_planned_action_shows_them() -> None:
    every = [*actions(bound()), *actions(quiet())]
    assert {Ensure, BindToken, RemoveToken, UpdateRoleStatus} <= {type(a) for a in every}
    for action in every:
        assert shows(repr(action) + str(action)) == []


@pytest.mark.parametrize("found", [bound(), quiet()], ids=["tokens", "configuration"])
def test_neither_does_what_is_known_of_a_cluster(found: ClusterState) -> None:
    live = {s.metadata.name: s for s in found.references.secrets.values() if s is not None}
    every = evolved(found, secrets=live)
    assert shows(f"{every!r} {every} {plan(every)!r}") == []


def told(found: ClusterState) -> str:
    """All that anybody can read about it in Kubernetes, except in Secrets."""
    fresh = status(found)
    roles = [a.status for a in actions(found) if isinstance(a, UpdateRoleStatus)]
    spoken = events_of(tuple(actions(found))) + turning_points(found.status, fresh)
    labels = [revision(found.desired.target)] if found.desired else []
    return f"{to_json(fresh)} {roles!r} {spoken!r} {labels!r}"


@pytest.mark.parametrize("found", [bound(), quiet()], ids=["tokens", "configuration"])
def test_neither_does_a_status_an_event_or_a_revision(found: ClusterState) -> None:
    assert shows(told(found)) == []


@pytest.mark.parametrize("content", BROKEN)
def test_nor_what_is_said_about_users_that_cannot_be_used(content: Any) -> None:
    found = broken(content)
    assert found.desired is not None
    assert found.desired.waiting or "nobody" in told(found)
    assert shows(told(found)) == []


def test_nor_does_what_kubectl_notes_on_secrets() -> None:
    noted = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"token": "{PLANTED[1]}"}}'}
    assert shows(repr(changed_secret(token(), annotations=noted))) == []


def test_roles_show_none() -> None:
    assert shows(repr(role(publish=["a"]))) == []
    assert shows(repr(cluster_state(SPEC))) == []


def test_a_secret_still_says_which_it_is() -> None:
    shown = repr(token(PLANTED[1]))
    assert "worker-c-bound-token" in shown
    assert "token" in shown


def test_servers_own_words_are_told_as_they_are() -> None:
    """They name files and lines; nats-server prints no password."""
    found = quiet()
    assert found.desired is not None
    refused = attrs.evolve(found, refusals={"pod-1-0": Refusal(found.desired.config, "no such")})
    assert shows(told(refused)) == []


def test_secrets_are_equal_by_what_they_hold() -> None:
    assert token("a") == token("a") != token("b")
    assert isinstance(token("a"), Secret)
