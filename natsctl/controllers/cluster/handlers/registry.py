"""Every class of action and its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from natsctl.controllers.cluster.handlers import (
    create_server,
    delete_server,
    departures,
    grow_claim,
    note_revision,
    objects,
    reload_server,
    service_roles,
    step_down,
    tokens,
    volume_renewal,
)
from natsctl.plan import actions, volume_actions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from natsctl.controllers.cluster.events import Event
    from natsctl.controllers.cluster.handlers.handler import Handler
    from natsctl.plan.actions import Action

HANDLERS: Final[Mapping[type[Action], Handler[Any]]] = {
    actions.CreateServer: create_server.CREATE,
    actions.AdoptServer: note_revision.ADOPT,
    actions.ResealServer: note_revision.RESEAL,
    actions.Ensure: objects.ENSURE,
    actions.DeleteObject: objects.DELETE,
    actions.DeleteServer: delete_server.DELETE,
    actions.StepDown: step_down.STEP_DOWN,
    actions.ReplaceServer: delete_server.REPLACE,
    actions.ReloadServer: reload_server.RELOAD,
    actions.RemoveToken: tokens.REMOVE,
    actions.BindToken: tokens.BIND,
    actions.NoteProof: note_revision.PROOF,
    actions.NoteClaims: note_revision.CLAIMS,
    actions.NoteDepartures: note_revision.DEPARTURES,
    actions.EvacuateServer: departures.EVACUATE,
    actions.MoveStreams: departures.MOVE,
    actions.RemoveServer: departures.REMOVE_SERVER,
    actions.RemoveMember: departures.REMOVE_MEMBER,
    volume_actions.NoteRenewals: volume_renewal.NOTE,
    volume_actions.GiveUpVolume: volume_renewal.GIVE_UP,
    volume_actions.DeleteClaim: volume_renewal.DELETE,
    actions.GrowClaim: grow_claim.GROW,
    actions.UpdateRoleStatus: service_roles.UPDATE_STATUS,
}
"""In the order in which the events of one stage are told."""


def events_of(done: Sequence[Action]) -> tuple[Event, ...]:
    """The events of one stage, several creations in one."""
    of_class: dict[type[Action], list[Action]] = {}
    for action in done:
        of_class.setdefault(type(action), []).append(action)
    return tuple(
        event
        for kind, handler in HANDLERS.items()
        if kind in of_class
        for event in handler.tell(of_class[kind])
    )
