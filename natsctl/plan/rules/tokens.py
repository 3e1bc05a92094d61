"""Every ServiceAccount with a role has a token, renewed in time; nobody else has one.

Each Secret is tried at most every few seconds, whatever happens to it meanwhile: whoever may write
one costs the cluster no more than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model.times import known
from natsctl.plan.actions import BindToken, RemoveToken
from natsctl.plan.rules.rule import Decision
from natsctl.plan.service_accounts.seals import renew_after, switch_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.context import Context
    from natsctl.plan.references import Key
    from natsctl.plan.service_accounts.grants import Grant
    from natsctl.plan.state import ClusterState


def bind_tokens(context: Context) -> Decision:
    """Tokens to make: there is none, or it is time to renew the one there is."""
    state, resolved = context.state, context.desired.resolved
    gone = {s.key for s in resolved.unwanted}
    return Decision(
        tuple(
            BindToken(grant)
            for grant in resolved.grants
            if grant.key not in gone
            and _lacks_token(grant, state.timestamp)
            and _may_be_tried(grant.key, state)
        )
    )


def remove_tokens(context: Context) -> Decision:
    """Tokens to take away: what they were for is gone."""
    leaving, state = context.desired.resolved.unwanted, context.state
    return Decision(
        tuple(RemoveToken(secret) for secret in leaving if _may_be_tried(secret.key, state))
    )


def next_token_in(context: Context) -> float | None:
    """Seconds until a token is to be renewed, counts from then on, or is to be tried again."""
    return min((*_due(context), *_to_try(context)), default=None)


def _due(context: Context) -> Iterator[float]:
    now = context.state.timestamp
    for grant in context.desired.resolved.grants:
        if grant.sealed_secret is None or grant.bond is None:
            continue
        for at in (
            renew_after(grant.sealed_secret, grant.bond),
            switch_at(grant.sealed_secret, grant.bond),
        ):
            if at > now:
                yield _seconds(now, at)


def _to_try(context: Context) -> Iterator[float]:
    state, resolved = context.state, context.desired.resolved
    keys = {grant.key for grant in resolved.grants if _lacks_token(grant, state.timestamp)}
    keys |= {secret.key for secret in resolved.unwanted}
    for key in keys & state.trials.keys():
        yield max(state.trials[key].due - state.now, 0.0)


def _lacks_token(grant: Grant, now: str) -> bool:
    if grant.problem:
        return False
    if grant.sealed_secret is None or grant.bond is None or not grant.token:
        return True
    return "" < renew_after(grant.sealed_secret, grant.bond) <= now


def _may_be_tried(key: Key, state: ClusterState) -> bool:
    trial = state.trials.get(key)
    return trial is None or trial.due <= state.now


def _seconds(now: str, at: str) -> float:
    return max((known(at) - known(now)).total_seconds(), 0.0)
