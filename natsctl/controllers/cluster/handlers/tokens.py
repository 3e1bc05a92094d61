"""Tokens of ServiceAccounts are written and taken away; what fails is that of one token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import (
    Handler,
    HandlerContext,
    Result,
    failure_of,
)
from natsctl.controllers.cluster.token_writer import Refused, TokenWriter
from natsctl.kube.errors import Terminal
from natsctl.plan.actions import BindToken, RemoveToken
from natsctl.plan.service_accounts.seals import kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def _writer(context: HandlerContext) -> TokenWriter:
    return TokenWriter(context.client, context.desired.target, context.sealing, context.running)


async def _bind(action: BindToken, context: HandlerContext) -> Result:
    try:
        bound = await _writer(context).bind(action.grant)
    except Terminal as error:
        return Result(failure=failure_of(action, error), tried={action.key: None})
    if isinstance(bound, Refused):
        return Result(tried={action.key: bound})
    context.stores.tokens.learn(kept(bound))
    return Result(done=True, tried={action.key: None})


async def _remove(action: RemoveToken, context: HandlerContext) -> Result:
    refused = await _writer(context).remove(action)
    if refused is None:
        context.stores.tokens.forget(action.key, action.secret.metadata.uid)
    return Result(done=refused is None, tried={action.key: refused})


def _bound(done: Sequence[BindToken]) -> Iterator[Event]:
    return (
        Event("BoundToken", f"{action.subject} has a token for {action.grant.user}")
        for action in done
    )


def _removed(done: Sequence[RemoveToken]) -> Iterator[Event]:
    return (Event("RemovedToken", f"{a.subject}: its token is no longer valid") for a in done)


BIND = Handler(BindToken, _bind, _bound)
REMOVE = Handler(RemoveToken, _remove, _removed)
