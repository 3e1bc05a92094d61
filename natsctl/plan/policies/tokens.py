"""Every ServiceAccount with a role has a token, renewed in time; nobody else has one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from natsctl.plan.actions import BindToken, RemoveToken
from natsctl.plan.grants import RENEW_AFTER, SWITCH_AT, Grant, unwanted

if TYPE_CHECKING:
    from natsctl.plan.objects import Secret
    from natsctl.plan.snapshot import Snapshot


def bind_tokens(snapshot: Snapshot) -> tuple[BindToken, ...]:
    """Tokens to make: there is none, or it is time to renew the one there is."""
    assert snapshot.desired is not None
    gone = {s.key for s in _leaving(snapshot)}
    return tuple(
        BindToken(grant)
        for grant in snapshot.desired.resolved.grants
        if (grant.account.namespace, grant.secret) not in gone
        and _is_due(grant, snapshot.timestamp)
    )


def remove_tokens(snapshot: Snapshot) -> tuple[RemoveToken, ...]:
    """Tokens to take away: what they were for is gone."""
    return tuple(RemoveToken(secret) for secret in _leaving(snapshot))


def next_token_in(snapshot: Snapshot) -> float | None:
    """Seconds until a token is to be renewed, or counts from then on."""
    now = snapshot.timestamp
    times = [
        at
        for held in snapshot.sources.tokens.values()
        for name in (RENEW_AFTER, SWITCH_AT)
        if (at := held.metadata.annotation(name) or "") > now
    ]
    return min((_seconds(now, at) for at in times), default=None)


def _leaving(snapshot: Snapshot) -> tuple[Secret, ...]:
    assert snapshot.desired is not None
    found = unwanted(snapshot.desired.resolved.grants, snapshot.sources.tokens)
    return tuple(s for s in found if s.metadata.deletion_timestamp is None)


def _is_due(grant: Grant, now: str) -> bool:
    if grant.problem:
        return False
    after = grant.held.metadata.annotation(RENEW_AFTER) if grant.held and grant.token else ""
    return after is not None and after <= now


def _seconds(now: str, at: str) -> float:
    return max((datetime.fromisoformat(at) - datetime.fromisoformat(now)).total_seconds(), 0.0)
