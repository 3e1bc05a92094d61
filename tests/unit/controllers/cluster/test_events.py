"""What `kubectl describe` tells of each step."""

import attrs
import pytest

from natsctl.api.types.status import (
    BrokenStatus,
    ClusterStatus,
    Condition,
    JetStreamStatus,
    LentStatus,
    WaitingStatus,
)
from natsctl.controllers.cluster.events import Event, manifest, turning_points
from natsctl.controllers.cluster.handlers.registry import events_of
from natsctl.model.objects import Cluster, Meta
from natsctl.plan.actions import (
    AdoptServer,
    CreateServer,
    DeleteObject,
    DeleteServer,
    Ensure,
    ReplaceServer,
)
from tests.unit.plan.world import desired

OBJECTS = desired({"size": 1}).objects


def test_creations_are_told_together_and_restarts_one_by_one() -> None:
    actions = (
        Ensure(OBJECTS[0], present=False),
        Ensure(OBJECTS[1], present=False),
        Ensure(OBJECTS[2], present=True),
        DeleteObject("NetworkPolicy", "c", "u"),
        AdoptServer("c-8", "u", "{}"),
        AdoptServer("c-a", "v", "{}"),
        CreateServer(1, "c-1"),
        CreateServer(2, "c-2"),
        DeleteServer("c-4", "u", "ScalingDown", "c-4 leaves"),
        ReplaceServer(3, "c-3", "u", "restarting c-3"),
    )
    assert {e.reason: e.message for e in events_of(actions)} == {
        "TookOverServers": "adopted c-8, c-a from the Go operator, left unchanged",
        "CreatedServers": "created c-1, c-2",
        "CreatedObjects": "created Service c; Service c-mgmt",
        "UpdatedObjects": "updated Secret c",
        "DeletedObjects": "deleted NetworkPolicy c: no longer in the spec",
        "ScalingDown": "c-4 leaves",
        "RestartingServer": "restarting c-3",
    }


def test_what_was_not_done_is_not_told() -> None:
    assert events_of(()) == ()


def told(type_: str, status: str, reason: str) -> ClusterStatus:
    condition = Condition(type_, status, reason, "text", "", 1)
    return ClusterStatus(conditions=(condition,))


def test_a_condition_that_turns_is_told_once() -> None:
    good = told("Ready", "True", "AllServersReady")
    assert turning_points(ClusterStatus(), good) == (Event("Ready", "text", "Normal"),)
    assert turning_points(good, good) == ()
    bad = told("Degraded", "True", "ErrImagePull")
    assert turning_points(good, bad) == (Event("ErrImagePull", "text", "Warning"),)
    assert turning_points(bad, told("Degraded", "False", "AsExpected")) == ()
    lost = told("JetStream", "False", "QuorumLost")
    assert turning_points(ClusterStatus(), lost) == (Event("QuorumLost", "text", "Warning"),)


def rolling(
    waiting: WaitingStatus | None = None, broken: tuple[BrokenStatus, ...] | None = ()
) -> ClusterStatus:
    progressing = Condition("Progressing", "True", "Rolling", "restarting c-2; waiting: c-1", "", 1)
    return ClusterStatus(
        conditions=(progressing,),
        jetstream=JetStreamStatus(broken_before=broken, waiting=waiting),
    )


def test_who_waits_for_long_is_reported_once_each_time() -> None:
    begun, two, ten = (rolling(WaitingStatus("c-2", "then", minutes)) for minutes in (0, 2, 10))
    assert turning_points(rolling(), begun) == ()
    text = "c-2 has waited for 2 minutes: restarting c-2; waiting: c-1"
    assert turning_points(begun, two) == (Event("StillWaiting", text, "Warning"),)
    assert turning_points(two, two) == ()
    (event,) = turning_points(two, ten)
    assert event.message.startswith("c-2 has waited for 10 minutes: ")
    assert turning_points(ten, rolling()) == ()


@pytest.mark.parametrize("before", [ClusterStatus(), rolling(broken=None)])
def test_what_was_broken_before_servers_restart_is_reported_when_they_begin(
    before: ClusterStatus,
) -> None:
    broken = rolling(broken=(BrokenStatus("no-leader", "A", "S", "c"),))
    (event,) = turning_points(before, broken)
    assert (event.reason, event.type) == ("BrokenBefore", "Warning")
    assert event.message.endswith(": consumer A/S/c has no leader")
    assert turning_points(before, rolling()) == ()
    assert turning_points(broken, broken) == ()


def test_a_store_that_fills_is_told_although_all_is_well_yet() -> None:
    well, filling = told("JetStream", "True", "Ready"), told("JetStream", "True", "StorageFilling")
    assert turning_points(well, filling) == (Event("StorageFilling", "text", "Warning"),)
    assert turning_points(filling, filling) == ()
    assert turning_points(filling, well) == ()
    low = told("JetStream", "False", "StorageLow")
    assert turning_points(low, filling) == ()


def test_a_reserve_is_reported_when_it_is_lent_and_when_it_is_taken_back() -> None:
    """Once each, whatever worse the condition says meanwhile."""
    normal = told("JetStream", "False", "StorageLow")
    lent = attrs.evolve(
        told("JetStream", "False", "StorageLent"), jetstream=JetStreamStatus(lent=LentStatus("8Gi"))
    )
    (event,) = turning_points(normal, lent)
    assert (event.reason, event.type) == ("StorageLent", "Warning")
    assert event.message == (
        "the file store reached its limit, which is 8Gi for the time being: delete messages, or "
        "enlarge the volumes"
    )
    assert turning_points(lent, lent) == ()
    (back,) = turning_points(lent, told("JetStream", "True", "Ready"))
    text = "the limit of the file store is no longer 8Gi"
    assert back == Event("StorageTakenBack", text)


def test_an_event_object() -> None:
    cluster = Cluster(Meta(name="c", namespace="ns", uid="u", resource_version="5"))
    made = manifest(cluster, Event("Reason", "x" * 2000, "Warning"))
    assert made["metadata"]["namespace"] == "ns"
    assert made["involvedObject"]["uid"] == "u"
    assert len(made["message"]) == 1024
