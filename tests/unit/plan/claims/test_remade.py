"""A claim that somebody made instead of a lost one has another uid, and may be empty.

A GitOps tool makes it again without the data, and a restore from a snapshot with the data: nothing
tells the two apart. So it passes the gate of an empty volume, unless somebody says what it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import pytest

from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim, Pod
from natsctl.plan.actions import CreateServer, Ensure, NoteClaims
from natsctl.plan.engine import plan
from natsctl.plan.rules.claims import ensure_claims, note_claims
from natsctl.plan.rules.empty_volumes import start_empty
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from tests.unit.plan.claims.volumes import (
    EARLIER,
    SPEC,
    after,
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
from tests.unit.plan.restarts.test_gated import WAITING, process
from tests.unit.plan.world import UID, context, decided

ONE, TWO, THREE = (NAMES[f"nats-{index}"] for index in (1, 2, 3))
ALL = noted(1, 2, 3)
BEGINNING = {1: "aaaaaa", 2: "bbbbbb", 3: "cccccc", 5: "eeeeee"}
"""Of the uid of the claim that somebody made for a server."""


def remade(index: int, **meta: Any) -> PersistentVolumeClaim:
    return claim(index, uid=f"{BEGINNING[index]}-remade", **meta)


def restored(index: int, **meta: Any) -> PersistentVolumeClaim:
    """With the word of its user."""
    text = {names.RESTORED_ANNOTATION: BEGINNING[index]}
    return annotated_claim(remade(index, **meta), **text)


def marked(found: PersistentVolumeClaim, lost: int) -> PersistentVolumeClaim:
    """As natsctl notes what it is there instead of."""
    return annotated_claim(found, **{names.REPLACES_ANNOTATION: f"{lost:06}"})


def state_of(
    *claims: PersistentVolumeClaim,
    note: str = ALL,
    pods: tuple[Pod, ...] = (),
    **states: State,
) -> ClusterState:
    """Two looks at a cluster, of whose servers those without a pod are down."""
    there = {pod.metadata.name for pod in pods}
    down = {NAMES[f"nats-{i}"]: State.DOWN for i in (1, 2, 3) if f"c-{i}" not in there}
    toy = Named(states=down, meta_leader=ONE if len(there) > 1 else "")
    toy.stream("ORDERS", members=toy.names, leader=None if len(there) > 1 else "")
    return looked(without_budget(volumes(*claims, note=note, pods=pods)), toy)


def started(state: ClusterState) -> list[str]:
    return [a.name for stage in plan(state).stages for a in stage if isinstance(a, CreateServer)]


def written(state: ClusterState) -> dict[str, Any]:
    """Annotations of claims that are written, by the name of the claim."""
    return {
        action.wanted.name: action.wanted.manifest["metadata"]["annotations"]
        for action in decided(ensure_claims, state, Ensure)
        if action.present
    }


def newly_noted(state: ClusterState) -> str | None:
    notes = [a.text for a in decided(note_claims, state, NoteClaims) if a.kind == "Secret"]
    return notes[0] if notes else None


def trouble(state: ClusterState) -> str:
    found = {c.type: c for c in status(state).conditions}["VolumesReady"]
    return f"{found.reason}: {found.message}"


class TestOneBesideOthers:
    state = staticmethod(partial(state_of, claim(1), pods=servers(1, 3)))

    def test_says_instead_of_which_it_is_there_before_it_is_noted(self) -> None:
        """Once it is noted, it is the server's own, and only that annotation tells what it is."""
        state = self.state(remade(2), claim(3))
        assert written(state) == {"js-c-2": {names.REPLACES_ANNOTATION: "000002"}}
        assert newly_noted(state) is None
        assert scale_up(context(state)).waiting == (
            "c-2: PersistentVolumeClaim js-c-2 is there instead of a lost one and may be empty, "
            "and is not noted yet",
        )

    def test_is_noted_then(self) -> None:
        state = self.state(marked(remade(2), 2), claim(3))
        assert names.REPLACES_ANNOTATION not in written(state).get("js-c-2", {})
        assert newly_noted(state) == f"{noted(1)},2=bbbbbb,{noted(3)}"

    def test_starts_through_the_gate(self) -> None:
        state = self.state(marked(remade(2), 2), claim(3), note=f"{noted(1)},2=bbbbbb,{noted(3)}")
        assert scale_up(context(state)).actions == ()
        assert [it.name for it in decided(start_empty, state, CreateServer)] == ["c-2"]

    def test_starts_like_any_other_if_somebody_says_that_it_has_the_data(self) -> None:
        state = self.state(restored(2), claim(3))
        assert written(state) == {}
        assert newly_noted(state) == f"{noted(1)},2=bbbbbb,{noted(3)}"
        assert [it.name for it in decided(scale_up, after(state), CreateServer)] == ["c-2"]

    def test_that_was_noted_already_starts_then_too(self) -> None:
        note = f"{noted(1)},2=bbbbbb,{noted(3)}"
        state = self.state(marked(restored(2), 2), claim(3), note=note)
        assert [it.name for it in decided(scale_up, state, CreateServer)] == ["c-2"]
        assert written(state)["js-c-2"][names.REPLACES_ANNOTATION] is None

    def test_is_not_taken_for_restored_by_what_was_said_of_the_one_before(self) -> None:
        """A restored claim has all annotations of the one that was saved."""
        stale = annotated_claim(remade(2), **{names.RESTORED_ANNOTATION: "000002"})
        assert newly_noted(self.state(stale, claim(3))) is None

    def test_whose_pod_waits_for_it_is_marked_all_the_same(self) -> None:
        waits = process(2, SPEC, ready=False, state=WAITING)
        state = self.state(remade(2), claim(3), pods=(*servers(1), waits, *servers(3)))
        assert written(state) == {"js-c-2": {names.REPLACES_ANNOTATION: "000002"}}

    def test_with_which_its_server_has_run_is_its_own(self) -> None:
        state = self.state(remade(2), claim(3), pods=servers(1, 2, 3))
        assert newly_noted(state) == f"{noted(1)},2=bbbbbb,{noted(3)}"

    def test_that_is_of_no_use_is_left_alone(self) -> None:
        going = remade(2, deletionTimestamp="2026-01-01T00:00:00Z")
        assert written(self.state(going, claim(3))) == {}


class TestSeveralBesideOneWithData:
    """Two empty servers would outvote the first one."""

    def test_do_not_start(self) -> None:
        state = state_of(claim(1), remade(2), remade(3), pods=servers(1))
        assert started(state) == []
        assert set(written(state)) == {"js-c-2", "js-c-3"}
        note = f"{noted(1)},2=bbbbbb,3=cccccc"
        later = state_of(
            *(claim(1), marked(remade(2), 2), marked(remade(3), 3)), note=note, pods=servers(1)
        )
        assert started(later) == []
        assert trouble(later).startswith("VolumeEmpty: PersistentVolumeClaim js-c-2 is there")
        assert (
            "if js-c-2 has the data, because somebody restored it, say so: kubectl annotate pvc "
            "js-c-2 --namespace ns --overwrite nats.io/restored=bbbbbb"
        ) in trouble(later)

    def test_start_as_far_as_somebody_says_that_they_have_the_data(self) -> None:
        note = f"{noted(1)},2=bbbbbb,3=cccccc"
        claims = claim(1), marked(restored(2), 2), marked(remade(3), 3)
        assert started(state_of(*claims, note=note, pods=servers(1))) == ["c-2"]
        later = state_of(*claims, note=note, pods=servers(1, 2))
        assert started(later) == ["c-3"], "through the gate, once the others have all data"


class TestAllOfThem:
    """A whole cluster is restored from snapshots: nothing is left that they could outvote."""

    @pytest.mark.parametrize(
        ("note", "of"), [(ALL, UID), ("none", EARLIER)], ids=["beside the Secret", "elsewhere"]
    )
    def test_are_taken(self, note: str, of: str) -> None:
        claims = [with_copy(with_data(remade(index, of=of)), ALL, of) for index in (1, 2, 3)]
        state = state_of(*claims, note=note)
        assert not any(names.REPLACES_ANNOTATION in notes for notes in written(state).values())
        noted_now = newly_noted(state) or ""
        assert [entry[:8] for entry in noted_now.split(",")] == ["1=aaaaaa", "2=bbbbbb", "3=cccccc"]
        assert started(attrs.evolve(after(state), jetstream=())) == ["c-1", "c-2", "c-3"]

    def test_are_not_noted_before_the_last_is_there(self) -> None:
        """Else the first one would count as data that the others could outvote."""
        state = state_of(remade(1), remade(2))
        assert written(state) == {}
        assert newly_noted(state) is None
        assert started(state) == []
        assert trouble(state) == (
            "VolumeMissing: PersistentVolumeClaim js-c-3 no longer exists, and c-3 lost its data "
            "with it: restore it, too: servers start once all are there; if js-c-1 has the data, "
            "because somebody restored it, say so: kubectl annotate pvc js-c-1 --namespace ns "
            "--overwrite nats.io/restored=aaaaaa"
        )

    def test_but_one_start_if_somebody_says_that_they_have_the_data(self) -> None:
        state = after(state_of(restored(1), restored(2)))
        assert started(state) == ["c-1", "c-2"]
        assert "more than one" not in trouble(state)

    def test_are_not_all_while_a_server_beyond_size_has_data(self) -> None:
        """It would be outvoted like any other."""
        fifth = claim(5, spec=SPEC | {"size": 5})
        claims = remade(1), remade(2), remade(3), fifth
        state = state_of(*claims, note=noted(1, 2, 3, 5), pods=servers(5))
        assert set(written(state)) == {"js-c-1", "js-c-2", "js-c-3"}


class TestBeyondSize:
    """A server that is away comes back to leave empty, with what it had and nothing else."""

    def note_of(self, fifth: PersistentVolumeClaim) -> str | None:
        claims = claim(1), claim(2), claim(3), fifth
        return newly_noted(state_of(*claims, note=noted(1, 2, 3, 5), pods=servers(1, 2, 3)))

    def test_one_is_not_noted(self) -> None:
        assert self.note_of(remade(5, spec=SPEC | {"size": 5})) is None

    def test_one_that_has_the_data_is(self) -> None:
        fifth = restored(5, spec=SPEC | {"size": 5})
        assert self.note_of(fifth) == f"{ALL},5=eeeeee"
