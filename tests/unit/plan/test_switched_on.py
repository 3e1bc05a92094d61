"""Servers that run get JetStream: one after the other, and none that has it goes meanwhile."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import Object, Pod
from natsctl.plan.actions import (
    CreateServer,
    DeleteServer,
    Ensure,
    NoteClaims,
    NoteDepartures,
    ReplaceServer,
)
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.members import returning
from natsctl.plan.engine import plan
from natsctl.plan.queries import JetStreamLook
from natsctl.plan.restarts.kept_names import other_names
from natsctl.plan.rules.claims import ensure_claims, note_claims
from natsctl.plan.rules.members import await_members
from natsctl.plan.rules.rolling_update import FRESH, replace_outdated
from natsctl.plan.rules.rule import Decision
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.servers.server import lacks_store
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.volumes import (
    EARLIER,
    all_claims,
    claim,
    noted,
    volumes,
    with_data,
    without_budget,
)
from tests.unit.plan.departures.world import FIVE, LEFT, Shrinking
from tests.unit.plan.departures.world import state_of as leaving_state
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import Named, looked
from tests.unit.plan.restarts.test_gated import WAITING, process
from tests.unit.plan.world import answers, changed, changed_secret, context, decided

WITHOUT: dict[str, Any] = {"size": 3, "version": "2.14.10"}
WITH = WITHOUT | {"jetstream": {}}
NEWER = WITH | {"version": "2.14.11"}


def pods(*having: int, size: int = 3, since: Any = WITH, **changes: Any) -> tuple[Pod, ...]:
    """Servers of which these have JetStream already."""
    return tuple(
        process(index, since if index in having else WITHOUT | {"size": size}, **changes)
        for index in range(1, size + 1)
    )


def state_of(
    *having: int, spec: Any = WITH, standing: tuple[Pod, ...] = (), size: int = 3
) -> ClusterState:
    """All have a claim that is noted; who has JetStream is a member of the meta group."""
    there = [claim(index, spec=WITH | {"size": size}) for index in range(1, size + 1)]
    note = noted(*range(1, size + 1))
    found = without_budget(
        volumes(*there, note=note, pods=standing or pods(*having, size=size), spec=spec)
    )
    off = {name: State.DISABLED for name in Named(size=size).names}
    on = {Named(size=size).names[index - 1] for index in having}
    world = Named(size=size, states={name: it for name, it in off.items() if name not in on})
    return looked(found, world)


def without_claim(state: ClusterState, index: int) -> ClusterState:
    claims = dict(state.owned["PersistentVolumeClaim"])
    del claims[f"js-c-{index}"]
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})


def without_kind(state: ClusterState) -> ClusterState:
    """The same while claims cannot be read."""
    owned = {kind: own for kind, own in state.owned.items() if kind != "PersistentVolumeClaim"}
    return attrs.evolve(state, owned=owned)


def bare(found: Object) -> Object:
    """The same object with nothing noted on it."""
    return msgspec.structs.replace(
        found, metadata=msgspec.structs.replace(found.metadata, annotations={})
    )


def with_note_of_volumes(state: ClusterState, text: str) -> ClusterState:
    """The same if this is what the Secret says of volumes, and no claim says anything."""
    secret = changed_secret(state.secrets["c"], annotations={names.CLAIMS_ANNOTATION: text})
    claims = {name: bare(each) for name, each in state.owned["PersistentVolumeClaim"].items()}
    owned = {**state.owned, "PersistentVolumeClaim": claims, "Secret": {"c": secret}}
    return attrs.evolve(state, owned=owned)


def leaving_five() -> ClusterState:
    """The third of five servers has JetStream, and one is to go."""
    return state_of(3, spec=WITH | {"size": 4}, size=5)


def without_volume(index: int) -> ClusterState:
    """No claim was ever made for this server."""
    others = noted(*(each for each in range(1, 6) if each != index))
    return with_note_of_volumes(without_claim(leaving_five(), index), others)


def with_unbound_volume(index: int, **meta: Any) -> ClusterState:
    """It has a claim that waits for its first consumer."""
    state = leaving_five()
    claims = dict(state.owned["PersistentVolumeClaim"])
    found = claim(index, spec=WITH | {"size": 5}, phase="Pending", **meta)
    claims[found.metadata.name] = found
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})


def decision(state: ClusterState) -> Decision:
    return replace_outdated(context(state))


def restarted(state: ClusterState) -> list[str]:
    return [a.name for a in decision(state).actions if isinstance(a, ReplaceServer)]


class TestVolumesComeFirst:
    def test_claims_are_made_while_all_servers_run_on(self) -> None:
        state = without_budget(volumes(pods=pods(), spec=WITH))
        assert [a.wanted.name for a in decided(ensure_claims, state, Ensure)] == [
            "js-c-1",
            "js-c-2",
            "js-c-3",
        ]
        assert restarted(state) == []
        assert len(decision(state).waiting) == 3
        assert "js-c-1 is being created" in decision(state).waiting[0]

    def test_that_no_server_ever_had_one_is_noted_before(self) -> None:
        state = without_budget(volumes(pods=pods(), spec=WITH, note=None))
        assert decided(ensure_claims, state) == ()
        assert [a.text for a in decided(note_claims, state, NoteClaims)] == ["none"]

    def test_no_server_restarts_before_its_claim_is_noted(self) -> None:
        state = without_budget(volumes(*all_claims(), pods=pods(), spec=WITH))
        assert restarted(state) == []
        assert "not yet noted" in decision(state).waiting[0]

    def test_claims_that_are_left_say_themselves_what_their_data_depends_on(self) -> None:
        """The pods that run say nothing of it."""
        domain = WITH | {"jetstream": {"domain": "hub"}}
        told = [with_data(claim(index, spec=domain), domain) for index in (1, 2, 3)]
        found = volumes_of(context(volumes(*told, note=noted(1, 2, 3), pods=pods(), spec=WITH)))
        assert found is not None
        assert {c.trouble.reason for c in found.claims if c.trouble} == {"VolumeDoesNotFit"}

    def test_a_server_takes_the_name_that_its_data_has(self) -> None:
        """Without JetStream, a name is no more than a name."""
        told = [claim(index, of=EARLIER) for index in (1, 2, 3)]
        state = volumes(*told, note="none", pods=pods(3), spec=WITH)
        assert other_names(context(state)).keys() == {"c-3"}


class TestOneAfterTheOther:
    @pytest.mark.parametrize(
        ("having", "following"), [((), "c-3"), ((3,), "c-2"), ((2, 3), "c-1"), ((1, 2, 3), None)]
    )
    def test_whatever_the_meta_group_is_by_then(
        self, having: tuple[int, ...], following: str | None
    ) -> None:
        """It has no leader before most servers have JetStream."""
        expected = [following] if following else []
        assert restarted(state_of(*having)) == expected

    def test_only_while_all_others_were_just_seen_to_be_well(self) -> None:
        state = state_of(3)
        assert {query.freshness for query in decision(state).queries} == {FRESH}
        ill = attrs.evolve(state, observations=answers(*state.pods[:2]))
        assert restarted(ill) == []
        assert decision(ill).waiting == ("c-3 has not been queried yet",)
        absent = state_of(3, standing=pods(3)[1:])
        assert decision(absent).waiting == ("some servers do not exist yet",)

    def test_one_that_is_down_is_the_next(self) -> None:
        down = (*pods(3)[:1], process(2, WITHOUT, ready=False), process(3, WITH))
        assert restarted(state_of(3, standing=down)) == ["c-2"]

    def test_one_with_jetstream_that_does_not_run_is_before_all_others(self) -> None:
        failed = process(3, WITH, ready=False, state=WAITING)
        standing = (*pods()[:2], failed)
        assert restarted(state_of(3, spec=NEWER, standing=standing)) == ["c-3"]

    def test_those_that_have_it_wait_for_those_that_do_not(self) -> None:
        """They may have streams by then, and the gate asks all servers."""
        state = state_of(2, 3, spec=NEWER)
        assert restarted(state) == ["c-1"]
        held = attrs.evolve(state, observations=answers(*state.pods[1:]))
        assert restarted(held) == []

    def test_a_claim_in_trouble_holds_up_its_own_server_only(self) -> None:
        """Until others have JetStream, nobody can tell whether they can do without its data."""
        found = state_of(3)
        lost = dict(found.owned["PersistentVolumeClaim"])
        del lost["js-c-2"]
        state = attrs.evolve(found, owned={**found.owned, "PersistentVolumeClaim": lost})
        assert restarted(state) == ["c-1"]

    def test_a_pod_of_which_somebody_removed_the_revision_is_left_to_the_gate(self) -> None:
        edited = tuple(changed(pod, annotations={}) for pod in pods(1, 2, 3))
        bare = pods()[0]
        assert [lacks_store(pod) for pod in (*edited, bare)] == [False, False, False, True]

    def test_no_budget_allows_anything_meanwhile(self) -> None:
        found = volumes(*all_claims(), note=noted(1, 2, 3), pods=pods(3), spec=WITH)
        (budget,) = [
            a.wanted.manifest["spec"]["maxUnavailable"]
            for stage in plan(found).stages
            for a in stage
            if isinstance(a, Ensure) and a.wanted.kind == "PodDisruptionBudget"
        ]
        assert budget == 0


class TestTold:
    def test_nobody_is_waited_for_to_join_that_has_no_jetstream_yet(self) -> None:
        assert await_members(context(state_of(2, 3))) == Decision()

    def test_a_group_that_is_not_complete_yet_is_no_trouble(self) -> None:
        state = attrs.evolve(state_of(3), quiet=100.0)
        told = {c.type: c for c in status(state).conditions}
        assert "JetStream" not in told
        assert told["Progressing"].reason == "Rolling"
        assert told["Progressing"].message.startswith("restarting c-2, c-1, one at a time: spec.")


class TestFewerServersMeanwhile:
    def test_one_that_never_had_a_volume_leaves_at_once_and_may_be_forgotten(self) -> None:
        for state in (without_volume(5), with_unbound_volume(5)):
            gone, note = scale_down(context(state)).actions
            assert isinstance(gone, DeleteServer)
            assert gone.name == "c-5"
            assert isinstance(note, NoteDepartures)
            assert [index for index, _ in note.note] == [5]

    @pytest.mark.parametrize("lost", [False, True], ids=["there", "lost"])
    @pytest.mark.parametrize("spec", [WITH, WITHOUT], ids=["comes", "goes"])
    def test_one_with_a_volume_is_never_noted_to_have_left_empty(
        self, spec: dict[str, Any], *, lost: bool
    ) -> None:
        """What it stored before it ran without JetStream is there still, and nobody else tells of
        it: whoever is noted is taken out of the meta group, with what only it has."""
        state = state_of(3, spec=spec | {"size": 4}, size=5)
        (gone,) = scale_down(context(without_claim(state, 5) if lost else state)).actions
        assert isinstance(gone, DeleteServer)
        assert gone.name == "c-5"

    def test_nor_is_one_whose_lost_claim_somebody_made_again(self) -> None:
        """What it had may be restored yet."""
        (gone,) = scale_down(context(with_unbound_volume(5, uid="5c1e77-remade"))).actions
        assert isinstance(gone, DeleteServer)

    def test_it_comes_back_with_that_once_the_meta_group_lists_it(self) -> None:
        """And leaves as any other does."""
        world = Shrinking(size=4, ghosts=[LEFT])
        assert returning(context(leaving_state(world, FIVE | {"size": 4}))) == ((5, "c-5"),)

    def test_nobody_is_noted_while_claims_or_notes_cannot_be_read(self) -> None:
        for state in (
            without_kind(without_volume(5)),
            with_note_of_volumes(without_volume(5), "garbled"),
        ):
            (gone,) = scale_down(context(state)).actions
            assert isinstance(gone, DeleteServer)

    def test_before_any_has_it_nothing_is_noted(self) -> None:
        state = state_of(spec=WITH | {"size": 4}, size=5)
        (gone,) = scale_down(context(state)).actions
        assert isinstance(gone, DeleteServer)

    def test_one_that_has_it_leaves_by_the_gate(self) -> None:
        state = state_of(5, spec=WITH | {"size": 4}, size=5)
        assert scale_down(context(state)).actions == ()
        assert scale_down(context(state)).waiting


def test_more_servers_come_with_jetstream() -> None:
    state = state_of(3, spec=WITH | {"size": 3}, standing=pods(3)[1:])
    made = [a for stage in plan(state).stages for a in stage if isinstance(a, CreateServer)]
    assert [a.name for a in made] == ["c-1"]


def test_looks_are_taken_from_the_first_server_on() -> None:
    assert JetStreamLook not in map(type, plan(state_of()).queries)
    later = attrs.evolve(state_of(3), jetstream=())
    assert JetStreamLook in map(type, plan(later).queries)
