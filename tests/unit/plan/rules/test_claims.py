"""A server starts with a volume that is noted, and gets an empty one only if it never had any."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import attrs
import msgspec
import pytest

from natsctl.model.names import RESTORED_ANNOTATION as RESTORED
from natsctl.model.objects import OwnerReference
from natsctl.plan.actions import CreateServer, Ensure, NoteClaims, ReplaceServer
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.engine import plan
from natsctl.plan.rules.claims import ensure_claims, note_claims
from natsctl.plan.rules.empty_volumes import make_empty
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import (
    EARLIER,
    SPEC,
    all_claims,
    annotated_claim,
    claim,
    noted,
    servers,
    volumes,
    with_copy,
    with_data,
    without_budget,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.world import UID, cluster_state, context, decided, pod

OLD = tuple(pod(index, SPEC | {"version": "2.14.9"}) for index in (1, 2, 3))


def ensured(state: ClusterState) -> list[tuple[str, bool]]:
    """Claims that are written: name, and whether it is there."""
    return [(each.wanted.name, each.present) for each in decided(ensure_claims, state, Ensure)]


def started(state: ClusterState) -> list[str]:
    return [each.name for each in decided(scale_up, state, CreateServer)]


def newly_noted(state: ClusterState) -> str | None:
    """What is noted on the Secret."""
    written = [a.text for a in decided(note_claims, state, NoteClaims) if a.kind == "Secret"]
    return written[0] if written else None


def owned_by(kind: str, name: str, uid: str) -> dict[str, Any]:
    owner = {"kind": kind, "name": name, "uid": uid, "controller": True}
    return {"ownerReferences": [owner]}


class TestANewCluster:
    """Claims, then the note, then pods: in three passes."""

    def test_gets_claims_and_no_pods(self) -> None:
        state = volumes()
        assert ensured(state) == [("js-c-1", False), ("js-c-2", False), ("js-c-3", False)]
        assert newly_noted(state) is None
        assert started(state) == []

    def test_notes_what_is_there(self) -> None:
        state = volumes(*all_claims(phase="Pending"))
        assert ensured(state) == []
        assert newly_noted(state) == noted(1, 2, 3)
        assert started(state) == []

    def test_starts_with_what_is_noted_be_it_bound_or_not(self) -> None:
        """A volume may wait for its first consumer."""
        state = volumes(*all_claims(phase="Pending"), note=noted(1, 2, 3))
        assert ensured(state) == []
        assert newly_noted(state) is None
        assert started(state) == ["c-1", "c-2", "c-3"]

    def test_of_which_some_are_there_goes_on_with_the_rest(self) -> None:
        """All are noted together: new servers elect nobody before all of them are there."""
        state = volumes(claim(1), claim(2))
        assert ensured(state) == [("js-c-3", False)]
        assert newly_noted(state) is None
        assert started(state) == []

    def test_of_which_an_earlier_natsctl_noted_some_starts_those(self) -> None:
        assert started(volumes(claim(1), claim(2), note=noted(1, 2))) == ["c-1", "c-2"]

    def test_says_what_servers_wait_for(self) -> None:
        found = scale_up(context(volumes(claim(1), note=noted(1))))
        assert found.waiting == (
            "c-2: PersistentVolumeClaim js-c-2 is being created",
            "c-3: PersistentVolumeClaim js-c-3 is being created",
        )


def test_a_cluster_without_jetstream_has_none() -> None:
    state = cluster_state({"size": 3})
    assert decided(ensure_claims, state) == decided(note_claims, state) == ()
    assert started(state) == ["c-1", "c-2", "c-3"]


def test_existing_servers_get_volumes_before_they_restart_for_jetstream() -> None:
    """They never had any."""
    old = tuple(pod(index, {"size": 3, "version": "2.14.10"}) for index in (1, 2, 3))
    state = volumes(pods=old)
    assert len(ensured(state)) == 3
    assert decided(replace_outdated, state) == ()
    state = volumes(*all_claims(), note=noted(1, 2, 3), pods=old)
    assert [type(each) for each in decided(replace_outdated, state)] == [ReplaceServer]


def test_a_server_that_is_added_gets_one() -> None:
    spec = SPEC | {"size": 4}
    state = volumes(*all_claims(spec=spec), note=noted(1, 2, 3), spec=spec, pods=servers(1, 2, 3))
    assert ("js-c-4", False) in ensured(state)


class TestALostVolume:
    @pytest.mark.parametrize("pods", [(1, 2, 3), (1, 3)], ids=["running", "gone"])
    def test_is_never_replaced_by_an_empty_one(self, pods: tuple[int, ...]) -> None:
        state = volumes(claim(1), claim(3), note=noted(1, 2, 3), pods=servers(*pods))
        assert ensured(state) == []
        assert started(state) == []
        assert newly_noted(state) is None, "it stays noted"

    def test_is_known_from_the_pod_if_the_note_is_gone(self) -> None:
        state = volumes(claim(1), claim(3), note=None, pods=servers(1, 2, 3))
        assert ensured(state) == []

    def test_keeps_all_servers_where_they_are(self) -> None:
        """The one cannot come back, and without another one too much would be missing."""
        old = tuple(pod(index, SPEC | {"version": "2.14.9"}) for index in (1, 2, 3))
        state = volumes(claim(1), claim(3), note=noted(1, 2, 3), pods=old)
        found = replace_outdated(context(state))
        assert found.actions == ()
        assert "c-2: PersistentVolumeClaim js-c-2 no longer exists" in found.waiting[0]

    def test_of_a_server_that_is_down_leaves_only_that_one_where_it_is(self) -> None:
        spec = SPEC | {"version": "2.14.9"}
        old = (pod(1, spec), pod(2, spec, ready=False), pod(3, spec, ready=False))
        state = volumes(claim(1), claim(2), note=noted(1, 2, 3), pods=old)
        (replaced,) = decided(replace_outdated, state, ReplaceServer)
        assert replaced.name == "c-2"

    def test_stops_a_scale_down(self) -> None:
        state = volumes(claim(1), note=noted(1, 2), spec=SPEC | {"size": 2}, pods=servers(1, 2, 3))
        found = scale_down(context(state))
        assert found.actions == ()
        assert found.waiting[0].startswith("c-2: ")

    @pytest.mark.parametrize("accepts", ["js-c-2=000002", "js-c-2=000002,js-c-3=000003", "all="])
    def test_beside_another_is_made_empty_by_nobody(self, accepts: str) -> None:
        """Two empty servers can win an election against the one that has data."""
        state = volumes(claim(1), note=noted(1, 2, 3), pods=servers(1), accepts=accepts)
        assert ensured(state) == []

    def test_of_every_server_can_be_given_up(self) -> None:
        """All are made before any is noted: until then they are accepted together."""
        token = "all=0f3c138930"
        lost = partial(volumes, note=noted(1, 2, 3), accepts=token)
        assert ensured(lost()) == [("js-c-1", False), ("js-c-2", False), ("js-c-3", False)]
        some = lost(claim(1, uid="new-1"))
        assert ensured(some) == [("js-c-2", False), ("js-c-3", False)]
        assert newly_noted(some) is None
        assert started(some) == []
        made = lost(*(claim(index, uid=f"new-{index}") for index in (1, 2, 3)))
        assert ensured(made) == []
        assert newly_noted(made) == "1=new-1,2=new-2,3=new-3"
        assert ensured(volumes(note=noted(1, 2) + ",3=5c1e77", accepts=token)) == []

    @pytest.mark.parametrize("there", [True, False], ids=["runs", "is away"])
    def test_is_not_given_up_while_a_server_beyond_size_has_data(self, *, there: bool) -> None:
        """It has not left empty yet: empty servers would outvote it, and what it has is gone."""
        lost: dict[str, Any] = {"note": noted(1, 2, 3, 4, 5), "pods": servers(5) if there else ()}
        fifth = claim(5, spec=SPEC | {"size": 5})
        found = volumes_of(context(volumes(fifth, **lost)))
        assert found is not None
        assert len(found.lost) == 3
        assert found.token == ""
        for token in ("all=0f3c138930", "js-c-1=000001"):
            assert ensured(volumes(fifth, accepts=token, **lost)) == []

    def test_of_every_server_is_given_up_beside_one_that_left_empty(self) -> None:
        left = with_copy(claim(5, spec=SPEC | {"size": 5}), noted(1, 2, 3))
        found = volumes_of(context(volumes(left, note=noted(1, 2, 3))))
        assert found is not None
        assert found.token == "all=0f3c138930"

    def test_of_the_only_server_can_be_given_up(self) -> None:
        one = SPEC | {"size": 1}
        state = volumes(note=noted(1), spec=one, accepts="js-c-1=000001")
        assert ensured(state) == [("js-c-1", False)]

    def test_that_a_user_restored_is_taken(self) -> None:
        """It has another uid, and is said to have the data."""
        restored = annotated_claim(claim(2, uid="5c1e77aa-restored"), **{RESTORED: "5c1e77"})
        state = volumes(claim(1), restored, claim(3), note=noted(1, 2, 3))
        assert newly_noted(state) == noted(1) + ",2=5c1e77," + noted(3)
        assert started(state) == ["c-1", "c-3"], "once it is noted, the other one, too"


class TestAVolumeOfAnotherServer:
    """Whoever restores one may mistake it for another."""

    OTHER: ClassVar = {"nats.io/server-name": f"c-1-{UID}"}

    @pytest.mark.parametrize(
        "other",
        [
            claim(2, uid="5c1e77aa-restored", annotations=OTHER),
            claim(2, annotations=OTHER),
            claim(2, of=EARLIER),
        ],
        ids=["restored", "edited", "of an earlier cluster"],
    )
    def test_is_neither_noted_nor_written_nor_started_with(self, other: Any) -> None:
        before = noted(1, 2, 3)
        state = volumes(claim(1), other, claim(3), note=before)
        assert ensured(state) == []
        assert newly_noted(state) is None
        assert started(state) == ["c-1", "c-3"]
        running = volumes(claim(1), other, claim(3), note=before, pods=OLD)
        assert decided(replace_outdated, running) == ()
        (why,) = replace_outdated(context(running)).waiting
        assert "says that the data is that of server c-" in why

    def test_is_the_servers_own_if_nothing_says_otherwise(self) -> None:
        silent = claim(2, uid="5c1e77aa-restored", annotations={RESTORED: "5c1e77"})
        state = volumes(claim(1), silent, claim(3), note=noted(1, 2, 3))
        assert newly_noted(state) == noted(1) + ",2=5c1e77," + noted(3)


class TestAnEarlierClusterOfTheName:
    def test_leaves_its_volumes_to_this_one(self) -> None:
        """Servers keep the names under which they have data."""
        state = volumes(*(with_data(each) for each in all_claims(of=EARLIER)))
        assert newly_noted(state) == noted(1, 2, 3, origin="7e57ab1e")
        assert ensured(state) == []
        state = volumes(*all_claims(of=EARLIER), note=noted(1, 2, 3, origin="7e57ab1e"))
        assert ensured(state) == [("js-c-1", True), ("js-c-2", True), ("js-c-3", True)]
        (first, *_) = decided(ensure_claims, state, Ensure)
        written = first.wanted.manifest["metadata"]["annotations"]
        assert written["nats.io/server-name"] == "c-1-7e57ab1e"
        assert written["nats.io/cluster-uid"] == UID
        assert started(state) == ["c-1", "c-2", "c-3"]

    def test_of_which_one_is_missing_does_not_get_an_empty_one(self) -> None:
        """That nothing is noted means nothing: the note went with the earlier cluster."""
        state = volumes(claim(1, of=EARLIER), claim(3, of=EARLIER))
        assert ensured(state) == []
        state = volumes(
            *(claim(1, of=EARLIER), claim(3, of=EARLIER)),
            note=noted(1, 3, origin="7e57ab1e"),
            copies=False,
            pods=servers(1, 3),
        )
        assert ensured(state) == [], "what tells that there was another one stays as it is"
        accepted = volumes(
            *(claim(1, of=EARLIER), claim(3, of=EARLIER)),
            note=noted(1, 3, origin="7e57ab1e"),
            copies=False,
            pods=servers(1, 3),
            accepts="js-c-2=new",
        )
        away = Named(states={NAMES["nats-2"]: State.DOWN})
        (made,) = decided(make_empty, looked(accepted, away), Ensure)
        assert made.wanted.name == "js-c-2"

    def test_takes_volumes_with_it_that_it_owned(self) -> None:
        gone = all_claims(of=EARLIER, **owned_by("NatsCluster", "c", EARLIER))
        state = volumes(*gone)
        assert ensured(state) == []
        assert newly_noted(state) is None
        assert started(state) == []

    def test_may_have_had_more_servers(self) -> None:
        left = claim(4, of=EARLIER, spec=SPEC | {"size": 4})
        for last in (left, with_copy(left, noted(1, 2, 3, 4), EARLIER)):
            state = volumes(*all_claims(), last, note=noted(1, 2, 3), copies=False)
            assert (newly_noted(state) or "").startswith(noted(1, 2, 3) + ",4=000004")


def test_volumes_of_somebody_else_are_left_alone() -> None:
    theirs = claim(2, **owned_by("StatefulSet", "db", "x"))
    state = volumes(claim(1), theirs, claim(3))
    assert ensured(state) == []
    assert newly_noted(state) == noted(1, 3)
    assert started(volumes(claim(1), theirs, claim(3), note=noted(1, 3))) == ["c-1", "c-3"]


@pytest.mark.parametrize(
    "bad",
    [
        claim(2, deletionTimestamp="2026-01-01T00:00:00Z"),
        claim(2, phase="Lost"),
        claim(2, annotations={"nats.io/server-name": "c-2"}),
        claim(2, annotations={"nats.io/server-name": ""}),
    ],
    ids=["being deleted", "lost", "of another server", "of nobody"],
)
def test_no_server_starts_with_a_volume_that_is_of_no_use(bad: Any) -> None:
    state = volumes(claim(1), bad, claim(3), note=noted(1, 3))
    assert ensured(state) == []
    assert newly_noted(state) is None
    assert started(state) == ["c-1", "c-3"]


class TestAServerBeyondTheSize:
    """Only one that is proven to have left empty is forgotten; `departures` have the proof."""

    MORE: ClassVar = SPEC | {"size": 5}

    def test_that_lost_pod_and_volume_stays_noted(self) -> None:
        state = volumes(*all_claims(), note=noted(1, 2, 3, 4, 5), pods=servers(1, 2, 3))
        assert decided(note_claims, state) == ()

    def test_gets_no_empty_volume_when_it_is_to_be_again(self) -> None:
        claims = (with_data(each, self.MORE) for each in all_claims())
        spec, note = self.MORE, noted(1, 2, 3, 4, 5)
        state = volumes(*claims, note=note, spec=spec, pods=servers(1, 2, 3))
        assert [each for each in ensured(state) if not each[1]] == []
        assert started(state) == []

    def test_one_at_a_time_can_be_given_up(self) -> None:
        """There are more missing; the size decides which are needed."""
        spec, note = SPEC | {"size": 4}, noted(1, 2, 3, 4, 5)
        found = volumes_of(context(volumes(*all_claims(), note=note, spec=spec)))
        assert found is not None
        assert found.token == "js-c-4=000004"

    def test_that_left_empty_is_new_when_it_comes_back(self) -> None:
        """Its volume may be there, or somebody deleted it."""
        left = claim(4, spec=self.MORE)
        assert newly_noted(volumes(*all_claims(), left, note=noted(1, 2, 3))) is None
        state = volumes(*all_claims(), note=noted(1, 2, 3), spec=SPEC | {"size": 4})
        assert ("js-c-4", False) in ensured(state)

    def test_is_none_that_no_cluster_can_have(self) -> None:
        """Others may make claims of any name."""
        found = claim(4, spec=self.MORE)
        meta = msgspec.structs.replace(found.metadata, name="js-c-1000")
        odd = msgspec.structs.replace(found, metadata=meta)
        assert newly_noted(volumes(*all_claims(), odd, note=noted(1, 2, 3), copies=False)) is None


class TestWhatIsNotKnown:
    def test_is_not_missing(self) -> None:
        state = volumes(note=noted(1, 2), known=False)
        assert ensured(state) == []
        assert newly_noted(state) is None

    def test_keeps_no_server_down_that_had_a_volume(self) -> None:
        """Kubernetes starts no pod whose claim is not there."""
        state = volumes(note=noted(1, 2), known=False)
        assert started(state) == ["c-1", "c-2"]
        assert scale_up(context(state)).waiting == (
            "c-3: it is not known yet whether PersistentVolumeClaim js-c-3 exists",
        )

    def test_is_what_somebody_edited(self) -> None:
        state = volumes(claim(1), note="1")
        assert ensured(state) == []
        assert newly_noted(state) is None
        assert started(state) == ["c-1"], "its volume is there"


class TestWhatIsThere:
    def test_is_written_again_if_its_labels_or_annotations_differ(self) -> None:
        edited = claim(1, labels={"app": "nats", "nats_cluster": "c"})
        state = volumes(edited, claim(2), claim(3), note=noted(1, 2, 3))
        assert ensured(state) == [("js-c-1", True)]

    def test_keeps_its_size_and_class(self) -> None:
        grown = claim(1, spec=SPEC | {"jetstream": {"fileStore": {"pvc": {"size": "20Gi"}}}})
        made = msgspec.structs.replace(grown, metadata=claim(1).metadata)
        state = volumes(made, claim(2), claim(3), note=noted(1, 2, 3))
        assert ensured(state) == []

    def test_goes_with_the_cluster_from_when_the_spec_says_so_and_no_longer(self) -> None:
        spec = SPEC | {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
        state = volumes(*all_claims(), note=noted(1, 2, 3), spec=spec)
        assert len(ensured(state)) == 3
        owned = claim(1, **owned_by("NatsCluster", "c", UID))
        assert owned.metadata.owner_references == (OwnerReference("NatsCluster", "c", UID, True),)
        state = volumes(owned, claim(2), claim(3), note=noted(1, 2, 3))
        assert ensured(state) == [("js-c-1", True)]

    def test_is_never_deleted(self) -> None:
        more = SPEC | {
            "size": 4,
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"},
        }
        state = volumes(
            *all_claims(), claim(4, spec=more), note=noted(1, 2, 3, 4), pods=servers(1, 2, 3)
        )
        assert [a for stage in plan(state).stages for a in stage if "js-" in a.subject] == []


def test_the_plan_makes_claims_then_notes_them_then_starts_servers() -> None:
    def kinds(state: ClusterState) -> list[list[str]]:
        return [
            sorted({type(a).__name__ for a in stage})
            for stage in plan(without_budget(state)).stages
        ]

    assert kinds(volumes()) == [["Ensure"]]
    assert kinds(volumes(*all_claims())) == [["NoteClaims"]]
    assert kinds(volumes(*all_claims(), note=noted(1, 2, 3))) == [["CreateServer"]]


def test_nothing_is_noted_before_there_is_a_secret() -> None:
    """It is made in the same stage as the claims."""
    state = volumes(*all_claims())
    owned = {kind: found for kind, found in state.owned.items() if kind != "Secret"}
    assert decided(note_claims, attrs.evolve(state, owned=owned)) == ()
