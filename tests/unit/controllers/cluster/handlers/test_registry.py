"""Every action is carried out by somebody, and told of, or it is said here that nobody needs it."""

from __future__ import annotations

import pytest

from natsctl.api.types.status import RoleStatus
from natsctl.controllers.cluster import handlers
from natsctl.controllers.cluster.discovery import defined_in
from natsctl.controllers.cluster.handlers.handler import Handler
from natsctl.controllers.cluster.handlers.registry import HANDLERS, events_of
from natsctl.controllers.cluster.metrics_series import RESTARTS
from natsctl.model.jetstream import Asset
from natsctl.model.objects import Meta, Secret, ServiceRole
from natsctl.plan.actions import (
    Action,
    AdoptServer,
    BindToken,
    CreateServer,
    DeleteObject,
    DeleteServer,
    Ensure,
    EvacuateServer,
    GrowClaim,
    MoveStreams,
    NoteClaims,
    NoteDepartures,
    NoteProof,
    ReloadServer,
    RemoveMember,
    RemoveServer,
    RemoveToken,
    ReplaceServer,
    ResealServer,
    StepDown,
    UpdateRoleStatus,
)
from natsctl.plan.service_accounts.grants import Grant
from natsctl.plan.volume_actions import DeleteClaim, GiveUpVolume, NoteRenewals
from tests.unit.controllers.cluster.classes import classes_below
from tests.unit.plan.references import account, role
from tests.unit.plan.world import desired

GRANT = Grant(role(), account("other"), ("ns", "c"), "c-uid", "other.worker", {})
SECRET = Secret(Meta(name="worker-c-bound-token", namespace="other", uid="u"))

DONE: tuple[Action, ...] = (
    Ensure(desired({"size": 1}).objects[0], present=False),
    DeleteObject("NetworkPolicy", "c", "u"),
    CreateServer(1, "c-1"),
    AdoptServer("c-a", "u", "{}"),
    ResealServer("c-1", "u", "{}"),
    DeleteServer("c-1", "u", "ReplacingEnded", "c-1: pod failed; replacing it", grace=0),
    StepDown("c-1", "u"),
    ReplaceServer(1, "c-1", "u", "restarting c-1"),
    ReloadServer(
        "c-1", "u", "", "", "", "", None, (), (), asks=True, message="c-1 reloaded: users changed"
    ),
    NoteProof("c", "u", "digest"),
    NoteClaims("PersistentVolumeClaim", "js-c-1", "u", "none"),
    GrowClaim("js-c-1", "u", "1", "20Gi", 20, "growing js-c-1", "2026-01-01T00:00:00Z"),
    NoteDepartures("c", "u", ((5, "c-5-0f8fad"),)),
    EvacuateServer("c-5", "u", "c-5-0f8fad", "moving all streams away from c-5"),
    MoveStreams("c-5", "u", "c-5-0f8fad", (Asset("A", "S"),), "moving 1 of 1 streams away"),
    RemoveServer(5, "c-5", "u", "removing c-5", NoteDepartures("c", "u", ((5, "c-5-0f8fad"),))),
    RemoveMember("c-5", "c-5-0f8fad", "u", "c-5 left"),
    NoteRenewals("c", "u", ""),
    GiveUpVolume(1, "c-1", "u", "js-c-1", "u", "stopping c-1", NoteRenewals("c", "u", "")),
    DeleteClaim("js-c-1", "u", "1", "deleting js-c-1"),
    BindToken(GRANT),
    RemoveToken(SECRET),
    UpdateRoleStatus(ServiceRole(Meta(name="worker", namespace="ns")), RoleStatus()),
)
SILENT = {NoteProof, NoteClaims, NoteDepartures, NoteRenewals, UpdateRoleStatus}
"""Nothing changes for anybody but natsctl; or a status tells it already."""


CLASSES = classes_below(Action)
"""Every kind of step that a plan can ask for."""


def test_every_action_has_one_handler() -> None:
    handled = [handler.action for handler in defined_in(handlers, Handler)]
    assert len(handled) == len(CLASSES)
    assert set(handled) == set(HANDLERS) == CLASSES


def test_every_action_is_told_once_it_is_done() -> None:
    assert {type(action) for action in DONE} == CLASSES
    assert {type(a) for a in DONE if not events_of((a,))} == SILENT


def test_every_action_says_what_it_is_about() -> None:
    """Two of them may be about one object, and a failure of either is told of that."""
    assert {type(a).__name__: a.subject for a in DONE} == {
        "Ensure": "Service c",
        "DeleteObject": "NetworkPolicy c",
        "NoteProof": "Secret c",
        "NoteClaims": "PersistentVolumeClaim js-c-1",
        "GrowClaim": "PersistentVolumeClaim js-c-1",
        "NoteDepartures": "Secret c",
        "EvacuateServer": "pod c-5",
        "MoveStreams": "pod c-5",
        "RemoveServer": "pod c-5",
        "RemoveMember": "pod c-5",
        "NoteRenewals": "Secret c",
        "GiveUpVolume": "pod c-1",
        "DeleteClaim": "PersistentVolumeClaim js-c-1",
        "BindToken": "Secret other/worker-c-bound-token",
        "RemoveToken": "Secret other/worker-c-bound-token",
        "UpdateRoleStatus": "NatsServiceRole worker",
        "AdoptServer": "pod c-a",
        "CreateServer": "pod c-1",
        "ResealServer": "pod c-1",
        "DeleteServer": "pod c-1",
        "StepDown": "pod c-1",
        "ReplaceServer": "pod c-1",
        "ReloadServer": "pod c-1",
    }


def test_what_takes_a_server_down_has_a_reason_that_metrics_know() -> None:
    assert {a.restart for a in DONE} - {""} <= set(RESTARTS)


def test_what_waits_for_a_server_says_for_which() -> None:
    """It is carried out without a turn, and the server is asked again once it is done."""
    asking = {
        *(ReloadServer, EvacuateServer, MoveStreams, StepDown),
        *(RemoveServer, RemoveMember, GiveUpVolume),
    }
    assert {type(a): a.asked_server for a in DONE if a.asked_server} == dict.fromkeys(asking, "u")


@pytest.mark.parametrize("action", DONE, ids=lambda action: type(action).__name__)
def test_events_do_not_depend_on_what_else_was_done(action: Action) -> None:
    assert set(events_of((action,))) <= set(events_of(DONE))
