"""The claim of a server goes after it, if the spec says so and everything is proven; no other."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import OwnerReference, PersistentVolumeClaim
from natsctl.plan.actions import NoteClaims, NoteDepartures, RemoveMember, RemoveServer
from natsctl.plan.departures.note import departed_claims_of, noting
from natsctl.plan.rules.members import remove_members
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from natsctl.plan.volume_actions import DeleteClaim
from tests.unit.plan.claims.volumes import noted, uid_of
from tests.unit.plan.departures.world import (
    C1,
    C2,
    C3,
    C4,
    C5,
    FIVE,
    LEFT,
    Shrinking,
    changed_claim,
    servers,
    state_of,
    with_note,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.world import all_of, context, evolved, failure, planned

DELETE = {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}
GONE = FIVE | {"size": 4} | DELETE
NOTE, CLAIM = f"5={C5}", f"5={uid_of(5)}"


def left(
    world: Shrinking | None = None, spec: Any = GONE, claim: str = CLAIM, **changes: Any
) -> ClusterState:
    """c-5 has left empty, and is no member any more; nothing tells that it had a volume."""
    noted_as = changes.pop("noted_as", (1, 2, 3, 4))
    found = state_of(world or Shrinking(size=4), spec, noted_as=noted_as, **changes)
    return with_note(found, NOTE, claims=claim)


def deletions(state: ClusterState) -> list[str]:
    """Uids of the claims that are to be deleted now."""
    return [action.uid for action in planned(state) if isinstance(action, DeleteClaim)]


def with_claim(state: ClusterState, **meta: Any) -> ClusterState:
    """The same if the metadata of the claim of c-5 is other."""
    claims = dict(state.owned["PersistentVolumeClaim"])
    found = claims["js-c-5"]
    assert isinstance(found, PersistentVolumeClaim)
    changed = msgspec.structs.replace(found.metadata, **meta)
    claims["js-c-5"] = msgspec.structs.replace(found, metadata=changed)
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})


class TestNoted:
    """Which claim it is, is noted when its server is asked to go."""

    def test_the_one_that_the_server_ran_with(self) -> None:
        (leaves,) = all_of(RemoveServer, planned(state_of(Shrinking(), GONE)))
        assert leaves.note.claims == ((5, uid_of(5)),)

    def test_none_if_volumes_are_kept(self) -> None:
        (leaves,) = all_of(RemoveServer, planned(state_of(Shrinking(), FIVE | {"size": 4})))
        assert leaves.note.claims == ()

    @pytest.mark.parametrize("note", [(1, 2, 3, 4), (1, 2, 3, 4, 5)])
    def test_none_if_the_claim_is_not_the_noted_one(self, note: tuple[int, ...]) -> None:
        """It was made again under the server, or is none that natsctl noted."""
        found = state_of(Shrinking(), GONE, noted_as=note)
        leaves = [
            a for a in planned(with_claim(found, uid="another")) if isinstance(a, RemoveServer)
        ]
        assert [it.note.claims for it in leaves] in ([], [()])

    def test_none_without_a_claim(self) -> None:
        found = state_of(Shrinking(), GONE, claims=(1, 2, 3, 4), noted_as=(1, 2, 3, 4, 5))
        leaves = [a for a in planned(found) if isinstance(a, RemoveServer)]
        assert [it.note.claims for it in leaves] in ([], [()])

    def test_it_is_forgotten_with_the_server(self) -> None:
        found = context(left())
        assert departed_claims_of(found) == {5: uid_of(5)}
        (kept,) = noting(found, {5: C5})
        assert kept.claims == ((5, uid_of(5)),)
        (gone,) = noting(found, {})
        assert gone.claims == ()

    def test_what_is_noted_of_a_server_that_did_not_leave_counts_for_nothing(self) -> None:
        assert departed_claims_of(context(left(claim=f"4={uid_of(4)}"))) == {}

    def test_nothing_is_noted_where_there_is_no_secret(self) -> None:
        assert departed_claims_of(context(evolved(left(), secrets={}))) == {}


class TestDeleted:
    def test_after_the_server_is_no_member_and_nothing_tells_of_its_volume(self) -> None:
        (gone,) = all_of(DeleteClaim, planned(left()))
        assert (gone.name, gone.uid, gone.resource_version) == ("js-c-5", uid_of(5), "1")
        assert gone.reason == "DeletingVolume"
        assert gone.message == "c-5 left, and whenScaled is Delete: deleting claim js-c-5"

    def test_on_fresh_looks_and_only_while_no_other_pod_has_come(self) -> None:
        state = left()
        (gone,) = all_of(DeleteClaim, planned(state))
        assert gone.evidence is not None
        assert gone.evidence.objection(state.pods, state.now) == ""
        assert gone.evidence.objection(state.pods, state.now + 60)
        assert gone.evidence.objection(servers(5), state.now)

    def test_it_is_told(self) -> None:
        told = {c.type: c for c in status(left()).conditions}
        assert told["Progressing"].message == (
            "a server has left; waiting: the volume of c-5 is being deleted"
        )

    def test_then_the_note_goes_and_then_the_next_server(self) -> None:
        for state in (
            left(claims=(1, 2, 3, 4)),
            with_claim(left(), deletion_timestamp="2026-01-01T00:00:00Z"),
        ):
            (note,) = all_of(NoteDepartures, planned(state))
            assert (note.note, note.claims) == ((), ())

    def test_one_that_goes_with_the_cluster_likewise(self) -> None:
        state = left()
        owner = OwnerReference("NatsCluster", "c", state.cluster.metadata.uid, True)
        assert deletions(with_claim(state, owner_references=(owner,))) == [uid_of(5)]


class TestNotYet:
    def test_while_it_is_a_member(self) -> None:
        (first,) = planned(left(Shrinking(size=4, ghosts=[LEFT]), noted_as=(1, 2, 3, 4, 5)))
        assert isinstance(first, RemoveMember)

    def test_while_a_note_tells_that_something_is_stored_there(self) -> None:
        """What is noted of volumes changes first: whoever dies in between leaves no lost volume."""
        found = planned(left(noted_as=(1, 2, 3, 4, 5)))
        assert {action.kind for action in all_of(NoteClaims, found)} == {
            "Secret",
            "PersistentVolumeClaim",
        }

    @pytest.mark.parametrize("noted_as", [(1, 2, 3, 4), (1, 2, 3, 4, 5)])
    def test_whatever_else_is_done_at_that_moment(self, noted_as: tuple[int, ...]) -> None:
        """Stages have an order, and the proof does not depend on it."""
        found = remove_members(context(left(noted_as=noted_as))).actions
        assert [type(it) is DeleteClaim for it in found] == [noted_as == (1, 2, 3, 4)]

    def test_while_others_are_connected_to_it(self) -> None:
        """Its node is cut off: it may have a volume in use."""
        state = left()
        uid = state.pods[1].metadata.uid
        looks = tuple(
            attrs.evolve(
                look,
                reports={
                    **look.reports,
                    uid: attrs.evolve(look.reports[uid], peers=frozenset({C1, C3, C4, C5})),
                },
            )
            for look in state.jetstream
        )
        state = attrs.evolve(state, jetstream=looks)
        assert planned(state) == []
        assert remove_members(context(state)).waiting == (
            f"{C5} has no pod but still runs: {C2} is connected to it",
        )

    @pytest.mark.parametrize(
        "world",
        [
            Shrinking(size=4, meta_leader=""),
            Shrinking(size=4, states={C3: State.DOWN}),
        ],
        ids=["no leader", "one is silent"],
    )
    def test_while_not_everything_is_known(self, world: Shrinking) -> None:
        assert deletions(left(world)) == []

    def test_while_a_stream_counts_on_it(self) -> None:
        world = Shrinking(size=4)
        world.stream("ORDERS", members=[C1, C2, C5])
        assert deletions(left(world)) == []

    def test_on_old_looks(self) -> None:
        state = left()
        assert deletions(attrs.evolve(state, now=state.now + 60)) == []


class TestKept:
    """Of a server that did not leave so, or where that is not what the spec says, none goes."""

    def test_if_the_spec_says_so_by_now(self) -> None:
        assert deletions(left(spec=FIVE | {"size": 4})) == []

    def test_if_the_server_is_to_be(self) -> None:
        assert deletions(left(spec=FIVE | DELETE)) == []

    def test_if_its_pod_is_there(self) -> None:
        found = state_of(Shrinking(), GONE, noted_as=(1, 2, 3, 4))
        assert deletions(with_note(found, NOTE, claims=CLAIM)) == []

    def test_if_nobody_noted_that_it_left(self) -> None:
        """Such as one that went away by itself, or never ran."""
        found = state_of(Shrinking(size=4), GONE, noted_as=(1, 2, 3, 4))
        assert deletions(with_note(found, "", claims=CLAIM)) == []

    @pytest.mark.parametrize("claim", ["", f"5={uid_of(4)}", f"5={uid_of(5)[:6]}", "5=5=5"])
    def test_if_it_is_not_the_claim_that_the_server_left_with(self, claim: str) -> None:
        """Somebody made another one since, such as from a snapshot; or the policy was another."""
        assert deletions(left(claim=claim)) == []

    def test_if_its_own_copy_tells_that_something_is_stored_there(self) -> None:
        text = f"{names.CLAIMS_ANNOTATION}"
        uid = left().cluster.metadata.uid
        state = changed_claim(5, left(), **{text: f"{uid[:8]}:{noted(1, 2, 3, 4, 5)}"})
        assert deletions(state) == []

    def test_if_somebody_else_controls_it(self) -> None:
        owner = OwnerReference("NatsCluster", "c", "another", True)
        assert deletions(with_claim(left(), owner_references=(owner,))) == []

    def test_if_the_api_server_refuses_that_and_servers_go_on_leaving(self) -> None:
        refused = failure("PersistentVolumeClaim js-c-5", "Forbidden")
        (note,) = all_of(NoteDepartures, planned(attrs.evolve(left(), failures=(refused,))))
        assert note.note == ()

    def test_that_is_told(self) -> None:
        state = with_note(left(), "")
        told = {c.type: c for c in status(state).conditions}["VolumesReady"]
        assert told.reason == "VolumesDiffer"
        assert told.message.startswith("js-c-5 of removed servers are kept: natsctl deletes only")
        assert "rbac.deletePersistentVolumeClaims" in told.message

    def test_but_not_of_servers_that_are_still_leaving(self) -> None:
        for state in (left(), state_of(Shrinking(), GONE)):
            told = {c.type: c for c in status(state).conditions}["VolumesReady"]
            assert (told.reason, told.message) == ("AllVolumesBound", "")
