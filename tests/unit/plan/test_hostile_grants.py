"""Whatever a tenant of another namespace makes, the plan of a cluster is the same as without it."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.bound_tokens import PREVIOUS, SEAL, TOKEN, USERNAME
from natsctl.model.objects import (
    Meta,
    Object,
    OwnerReference,
    Pod,
    Secret,
    ServiceRole,
    cluster_key,
)
from natsctl.plan.engine import plan
from natsctl.plan.references import References
from natsctl.plan.service_accounts.seals import bond_of, labels_of, sealing_key
from natsctl.plan.state import ClusterState
from tests.unit.plan.references import (
    SEALING,
    account,
    bond,
    resolved,
    role,
    token,
    with_seal,
    with_tokens,
)
from tests.unit.plan.world import desired, running

SPEC = {"size": 2, "version": "2.14.5", "auth": {"enableServiceAccounts": True}}
ACCOUNTS = {"worker": (account(), account("evil", "sa-of-evil"))}
OURS = token(), token("t2", namespace="evil", bond_to=bond(account_uid="sa-of-evil"))

names = st.sampled_from(["worker", "c", "c-1", "other", "worker-c-bound-token", "a.b"])
labels = st.dictionaries(
    st.sampled_from(["app", "nats_cluster", "nats.io/cluster-namespace", "nats_version"]),
    st.sampled_from(["nats", "c", "ns", "evil", ""]),
)
owners = st.lists(
    st.builds(
        OwnerReference,
        kind=st.sampled_from(["NatsCluster", "NatsServiceRole", "Pod"]),
        name=names,
        uid=st.sampled_from(["uid-of-c", "role-worker", "x"]),
        controller=st.booleans(),
    ),
    max_size=2,
).map(tuple)
passwords = st.sampled_from(["", "aHVudGVyMg==", "AA==", "!", "x" * 20_000])
data = st.dictionaries(st.sampled_from([TOKEN, PREVIOUS, USERNAME, "nats.conf"]), passwords)
sealings = st.one_of(
    st.none(),
    st.just((OURS[1].metadata.annotations or {})[SEAL]),
    st.sampled_from(["{}", "[[", "x"]),
)


@st.composite
def metas(draw: Any, labelled: dict[str, str] | None = None) -> Meta:
    seal = draw(sealings)
    return Meta(
        name=draw(names),
        namespace="evil",
        uid=draw(st.sampled_from(["u1", "u2"])),
        resource_version="7",
        labels=(labelled or {}) | draw(labels),
        annotations={SEAL: seal} if seal else None,
        owner_references=draw(owners),
    )


secrets = st.builds(Secret, metas(labels_of("ns", "c")), data=data)
roles = st.builds(
    ServiceRole, metas({"nats_cluster": "c"}), spec=st.sampled_from([None, 7, {"permissions": {}}])
)


def seen(references: References) -> ClusterState:
    goal = attrs.evolve(desired(SPEC), resolved=resolved(SPEC, references))
    return running(SPEC, desired=goal, references=references)


def quiet(**more: Any) -> References:
    return with_tokens(*OURS, accounts=ACCOUNTS, **more)


def test_the_cluster_has_two_users_without_any_of_it() -> None:
    """Or the property below would hold of nothing."""
    users = (seen(quiet()).desired or desired(SPEC)).resolved.inputs.authorization
    assert users is not None
    assert [u["username"] for u in users["users"]] == ["worker", "worker_evil"]


@given(st.lists(secrets, max_size=6), st.lists(roles, max_size=6))
def test_secrets_and_roles_of_strangers_change_no_plan(
    hostile: list[Secret], strangers: list[ServiceRole]
) -> None:
    """Even if something let them through to it."""
    more = {s.key: s for s in hostile if s.key not in {o.key for o in OURS}}
    dirty = quiet(roles=(role(publish=["a"]), *strangers))
    dirty = attrs.evolve(dirty, tokens={**dirty.tokens, **more})
    clean = seen(quiet())
    found = seen(dirty)
    assert found.desired is not None
    assert clean.desired is not None
    assert found.desired.resolved == clean.desired.resolved
    assert plan(found) == plan(clean)


@given(secrets)
def test_a_secret_in_the_place_of_a_sealed_one_is_worth_nothing(hostile: Secret) -> None:
    """It takes its own user away, and nobody else's."""
    there = msgspec.structs.replace(
        hostile,
        metadata=msgspec.structs.replace(hostile.metadata, name=OURS[1].metadata.name),
    )
    references = quiet()
    found = resolved(SPEC, attrs.evolve(references, tokens={**references.tokens, there.key: there}))
    users = (found.inputs.authorization or {})["users"]
    assert [u["username"] for u in users] == ["worker"]
    assert found.unwanted == ()


@given(st.one_of(secrets, roles, st.builds(Pod, metas()), st.builds(Object, metas())))
def test_an_object_belongs_to_clusters_of_its_own_namespace_only(subject: Object) -> None:
    key = cluster_key(subject)
    assert key is None or key[0] == subject.metadata.namespace


@pytest.mark.parametrize("key", [b"", b"guessed", sealing_key(b"")])
def test_nobody_makes_a_seal_without_the_key(key: bytes) -> None:
    assert bond_of(with_seal(OURS[1], bond(account_uid="sa-of-evil"), key), SEALING) is None
