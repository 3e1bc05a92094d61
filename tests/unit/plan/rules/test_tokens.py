"""Tokens of ServiceAccounts: when they are made, renewed and taken away."""

from __future__ import annotations

from typing import Any

import attrs

from natsctl.model.bound_tokens import RENEW_AFTER, SWITCH_AT
from natsctl.plan.actions import BindToken, RemoveToken
from natsctl.plan.engine import plan
from natsctl.plan.rules.tokens import bind_tokens, next_token_in, remove_tokens
from natsctl.plan.state import ClusterState, Trial
from tests.unit.plan.references import account, bond, resolved, role, token, with_tokens
from tests.unit.plan.world import (
    NOW,
    changed_secret,
    context,
    decided,
    desired,
    failure,
    invalid,
    running,
)

ACCOUNTS = {"auth": {"enableServiceAccounts": True}}
SPEC = {"size": 1, "version": "2.14.10"} | ACCOUNTS


def found(*tokens: Any, **more: Any) -> ClusterState:
    given = with_tokens(*tokens, **more)
    goal = attrs.evolve(desired(SPEC), resolved=resolved(ACCOUNTS, given))
    return running(SPEC, desired=goal, references=given)


def test_a_missing_token_is_made() -> None:
    (action,) = decided(bind_tokens, found(), BindToken)
    assert (action.grant.user, action.name) == ("worker", "worker-c-bound-token")
    assert action.key == ("ns", "worker-c-bound-token")
    assert decided(bind_tokens, found(token(""))) != ()


def test_it_does_not_wait_for_answers_of_servers() -> None:
    """They may take seconds, each time that the process starts."""
    unasked = plan(attrs.evolve(found(), observations={}))
    assert unasked == plan(found())
    assert [type(action) for action in unasked.stages[0]] == [BindToken]


def test_a_token_is_renewed_when_its_time_comes() -> None:
    later, now = "2026-01-01T00:00:01Z", NOW
    assert decided(bind_tokens, found(token(annotations={RENEW_AFTER: later}))) == ()
    assert len(decided(bind_tokens, found(token(annotations={RENEW_AFTER: now})))) == 1


def test_one_that_the_go_operator_made_is_not_renewed() -> None:
    """It has no end that anybody noted, and its users would have to reconnect."""
    assert decided(bind_tokens, found(token())) == ()


def test_an_annotation_brings_renewal_forward_and_never_puts_it_off() -> None:
    sealed = token(bond_to=bond(renew_after="2026-01-01T00:00:01Z"))
    for told, due in ((NOW, 1), ("2099-01-01T00:00:00Z", 0), ("9999-99-99T00:00:00Z", 0), ("x", 0)):
        edited = changed_secret(
            sealed, annotations=(sealed.metadata.annotations or {}) | {RENEW_AFTER: told}
        )
        assert len(decided(bind_tokens, found(edited))) == due
        assert due or next_token_in(context(found(edited))) == 1.0


def test_a_role_that_cannot_be_used_has_no_token_made() -> None:
    assert decided(bind_tokens, found(roles=(role(publish=["a b"]),))) == ()


def test_what_is_unwanted_goes_first() -> None:
    other = token(bond_to=bond(account_uid="before"))
    (removed,) = decided(remove_tokens, found(other), RemoveToken)
    assert removed.name == "worker-c-bound-token"
    assert removed.key == ("ns", "worker-c-bound-token")
    assert decided(bind_tokens, found(other)) == ()


def test_one_that_is_going_is_left_alone() -> None:
    gone = changed_secret(token(name="gone"), deletion_timestamp=NOW)
    assert decided(remove_tokens, found(token(), gone)) == ()


def test_tokens_come_before_the_configuration_that_names_them() -> None:
    first = plan(found(token(name="gone")))
    assert {type(a) for stage in first.stages for a in stage} == {BindToken, RemoveToken}
    assert first.again == 0.0


KEYS = (("ns", "worker-c-bound-token"), ("ns", "gone-c-bound-token"))


def tried(due: float, **more: Any) -> ClusterState:
    """Nothing came of the last attempt, or what came of it is gone again."""
    trials = {key: Trial(due, 10.0, **more) for key in KEYS}
    return attrs.evolve(found(token(name="gone")), trials=trials)


def test_what_was_tried_waits_and_holds_nothing_up() -> None:
    for waits in (tried(107.5), tried(107.5, failure=failure("Secret ns/worker-c-bound-token"))):
        assert decided(bind_tokens, waits) == decided(remove_tokens, waits) == ()
        assert next_token_in(context(waits)) == 7.5
        assert len(plan(attrs.evolve(waits, pods=(), observations={})).stages) > 1
    assert len(decided(bind_tokens, tried(100.0))) == len(decided(remove_tokens, tried(100.0))) == 1


def test_no_other_failure_holds_a_token_up() -> None:
    failed = attrs.evolve(found(), failures=(failure("Service c"),))
    assert {type(a) for stage in plan(failed).stages for a in stage} == {BindToken}


def test_a_token_that_could_not_be_sealed_is_tried_again() -> None:
    cluster_state = found(proven={KEYS[0]: "running"})
    assert len(decided(bind_tokens, cluster_state)) == 1


def test_without_a_spec_to_act_on_nothing_is_due() -> None:
    assert plan(invalid()).again is None


def test_the_next_time_that_counts() -> None:
    assert next_token_in(context(found(token()))) is None
    times = {RENEW_AFTER: "2026-01-01T01:00:00Z", SWITCH_AT: "2026-01-01T00:03:00Z"}
    assert next_token_in(context(found(token(annotations=times)))) == 180.0
    assert plan(found(token(annotations=times))).again == 180.0


def test_accounts_of_two_namespaces_each_have_one() -> None:
    both = {"worker": (account(), account("other"))}
    actions = decided(bind_tokens, found(accounts=both), BindToken)
    assert [a.grant.account.namespace for a in actions] == ["ns", "other"]
