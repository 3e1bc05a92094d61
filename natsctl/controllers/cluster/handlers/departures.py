"""Servers with streams leave: what they hold moves, and they are taken out of the meta group.

An answer says at most that something has begun, so whatever comes of a request, servers are looked
at again before the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import (
    DONE,
    PENDING,
    Handler,
    HandlerContext,
    Result,
)
from natsctl.controllers.cluster.handlers.last_look import last_report
from natsctl.controllers.cluster.handlers.note_revision import note_departures
from natsctl.controllers.cluster.handlers.writes import delete
from natsctl.kube.resources import PODS
from natsctl.model.foreign import named
from natsctl.model.outcome import Done, Outcome, Refused, Unknown
from natsctl.nats import jetstream_requests
from natsctl.plan.actions import (
    Action,
    EvacuateServer,
    MoveStreams,
    RemoveMember,
    RemoveServer,
)
from natsctl.plan.state import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.nats.jetstream_requests import Api

GONE: Final = frozenset({10040, 10059})
"""Numbers of refusals of a move that is not needed: the stream is not there, or not any more."""
NOT_A_MEMBER: Final = 10044


async def _evacuate(action: EvacuateServer, context: HandlerContext) -> Result:
    return _result(action, await jetstream_requests.evacuate(_api(context), action.server))


async def _move(action: MoveStreams, context: HandlerContext) -> Result:
    """One request after the other; what is refused for one stream may work for the next one."""
    api, refused = _api(context), PENDING
    for asset in action.streams:
        outcome = await jetstream_requests.move_stream(
            api, asset.account, asset.stream, action.server
        )
        if isinstance(outcome, Refused) and outcome.code in GONE:
            continue
        result = _result(action, outcome, f"stream {named(str(asset))}: ")
        if not isinstance(outcome, Done | Refused):
            return result
        refused = refused if result.failure is None or refused.failure is not None else result
    return DONE if refused.failure is None else refused


async def _remove_member(action: RemoveMember, context: HandlerContext) -> Result:
    """Only on evidence, which the fence looks at: the name may be wanted again by now."""
    if action.evidence is None:
        return PENDING
    outcome = await jetstream_requests.remove_server(_api(context), action.server)
    if isinstance(outcome, Refused) and outcome.code == NOT_A_MEMBER:
        return DONE
    return _result(action, outcome)


async def _remove_server(action: RemoveServer, context: HandlerContext) -> Result:
    """Ask it once more right before: an empty server is where new streams are put first.

    A server that went by itself, or whose note could not be written, comes back first.
    """
    if not await _is_empty(action, context):
        return PENDING
    if not await delete(PODS, action.name, action.uid, context):
        return PENDING
    return await note_departures(action.note, context.settling())


async def _is_empty(action: RemoveServer, context: HandlerContext) -> bool:
    report = await last_report(action.name, action.uid, context)
    return report is not None and report.tells_all and not report.groups


def _api(context: HandlerContext) -> Api:
    assert context.jetstream is not None
    return context.jetstream


def _result(action: Action, outcome: Outcome, about: str = "") -> Result:
    if isinstance(outcome, Done):
        return DONE
    if isinstance(outcome, Unknown):
        return PENDING
    number = f" ({outcome.code})" if isinstance(outcome, Refused) and outcome.code else ""
    reason = "RequestRefused" if isinstance(outcome, Refused) else "ServersNotReached"
    return Result(failure=Failure(action.subject, reason, f"{about}{outcome.words}{number}"))


def _told(
    done: Sequence[EvacuateServer | RemoveServer | RemoveMember],
) -> Iterator[Event]:
    return (Event("ScalingDown", action.message) for action in done)


def _moved(done: Sequence[MoveStreams]) -> Iterator[Event]:
    return (Event(action.reason, action.message) for action in done)


EVACUATE = Handler(EvacuateServer, _evacuate, _told)
MOVE = Handler(MoveStreams, _move, _moved)
REMOVE_SERVER = Handler(RemoveServer, _remove_server, _told)
REMOVE_MEMBER = Handler(RemoveMember, _remove_member, _told)
