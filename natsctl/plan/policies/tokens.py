"""Every ServiceAccount with a role has a token, renewed in time; nobody else has one.

Each Secret is tried at most every few seconds, whatever happens to it meanwhile: whoever may write
one costs the cluster no more than that.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from natsctl.plan.actions import BindToken, RemoveToken
from natsctl.plan.seals import renew_after, switch_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.grants import Grant, Key
    from natsctl.plan.snapshot import Snapshot


def bind_tokens(snapshot: Snapshot) -> tuple[BindToken, ...]:
    """Tokens to make: there is none, or it is time to renew the one there is."""
    assert snapshot.desired is not None
    resolved = snapshot.desired.resolved
    gone = {s.key for s in resolved.unwanted}
    return tuple(
        BindToken(grant)
        for grant in resolved.grants
        if grant.key not in gone
        and _lacks_token(grant, snapshot.timestamp)
        and _may_be_tried(grant.key, snapshot)
    )


def remove_tokens(snapshot: Snapshot) -> tuple[RemoveToken, ...]:
    """Tokens to take away: what they were for is gone."""
    assert snapshot.desired is not None
    leaving = snapshot.desired.resolved.unwanted
    return tuple(RemoveToken(secret) for secret in leaving if _may_be_tried(secret.key, snapshot))


def next_token_in(snapshot: Snapshot) -> float | None:
    """Seconds until a token is to be renewed, counts from then on, or is to be tried again."""
    return min((*_due(snapshot), *_to_try(snapshot)), default=None)


def _due(snapshot: Snapshot) -> Iterator[float]:
    grants = snapshot.desired.resolved.grants if snapshot.desired is not None else ()
    for grant in grants:
        if grant.held is None or grant.bond is None:
            continue
        for at in (renew_after(grant.held, grant.bond), switch_at(grant.held, grant.bond)):
            if at > snapshot.timestamp:
                yield _seconds(snapshot.timestamp, at)


def _to_try(snapshot: Snapshot) -> Iterator[float]:
    if snapshot.desired is None:
        return
    resolved, now = snapshot.desired.resolved, snapshot.timestamp
    keys = {grant.key for grant in resolved.grants if _lacks_token(grant, now)}
    keys |= {secret.key for secret in resolved.unwanted}
    for key in keys & snapshot.trials.keys():
        yield max(snapshot.trials[key].due - snapshot.now, 0.0)


def _lacks_token(grant: Grant, now: str) -> bool:
    if grant.problem:
        return False
    if grant.held is None or grant.bond is None or not grant.token:
        return True
    return "" < renew_after(grant.held, grant.bond) <= now


def _may_be_tried(key: Key, snapshot: Snapshot) -> bool:
    trial = snapshot.trials.get(key)
    return trial is None or trial.due <= snapshot.now


def _seconds(now: str, at: str) -> float:
    return max((datetime.fromisoformat(at) - datetime.fromisoformat(now)).total_seconds(), 0.0)
