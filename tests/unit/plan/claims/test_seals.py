"""Notes of volumes are sealed: what somebody edited is put right, and believed by nobody."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim
from natsctl.plan.actions import Ensure, NoteClaims
from natsctl.plan.claims.note import Note, Noted, copy_text, parse_note
from natsctl.plan.claims.remedies import volume_troubles
from natsctl.plan.claims.seals import Seals, seals_of
from natsctl.plan.claims.server_claims import Volumes
from natsctl.plan.claims.stored import stored_of
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.rules.claims import ensure_claims, note_claims
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.volumes import (
    EARLIER,
    SPEC,
    after,
    all_claims,
    annotated_claim,
    claim,
    noted,
    servers,
    volumes,
    with_copy,
)
from tests.unit.plan.looks import Named, looked
from tests.unit.plan.world import NAME, NAMESPACE, UID, context, decided

PEPPER = b"a secret of the operator's"
SEALS = seals_of(PEPPER, NAMESPACE, NAME)
ALL = noted(1, 2, 3)
TEXT = f"uid-of-c:{ALL}"
MORE = SPEC | {"size": 5}
FIVE = noted(1, 2, 3, 4, 5)


class TestASeal:
    def test_tells_the_number_of_a_note_that_natsctl_wrote(self) -> None:
        assert SEALS.number(TEXT, SEALS.seal(17, TEXT)) == 17
        assert SEALS.seal(17, TEXT).startswith("17.")

    @pytest.mark.parametrize(
        "other",
        [
            seals_of(b"another", NAMESPACE, NAME),
            seals_of(PEPPER, "other", NAME),
            seals_of(PEPPER, NAMESPACE, "other"),
            Seals(),
        ],
    )
    def test_is_worth_nothing_elsewhere(self, other: Seals) -> None:
        assert other.number(TEXT, SEALS.seal(1, TEXT)) == 0

    @pytest.mark.parametrize("text", ["", "x", TEXT + ",4=abcdef", TEXT[:-1], "\ud800"])
    def test_is_worth_nothing_on_another_text(self, text: str) -> None:
        assert SEALS.number(text, SEALS.seal(1, TEXT)) == 0

    @pytest.mark.parametrize("edit", ["", "x", "0.", "1", "2{}", "1{}0", "1.{}", "-1{}", "9" * 99])
    def test_that_somebody_edited_is_worth_nothing(self, edit: str) -> None:
        assert SEALS.number(TEXT, edit.format(SEALS.seal(1, TEXT)[1:])) == 0

    def test_is_none_without_a_secret_of_the_operators(self) -> None:
        assert seals_of(b"", NAMESPACE, NAME).seal(1, TEXT) == ""


def keyed(state: ClusterState, pepper: bytes = PEPPER) -> ClusterState:
    assert state.desired is not None
    return attrs.evolve(state, desired=attrs.evolve(state.desired, pepper=pepper))


def sealed(*claims: PersistentVolumeClaim, note: str = ALL, **given: Any) -> ClusterState:
    """A cluster all of whose notes are natsctl's own."""
    made = claims or all_claims()
    given = {"pods": servers(1, 2, 3)} | given
    state = keyed(volumes(*made, note=note, **given))
    for _ in range(2):
        state = after(state)
    assert decided(note_claims, state) == ()
    return state


def edited(state: ClusterState, name: str = "js-c-2", **notes: str | None) -> ClusterState:
    """The same once somebody wrote on a claim, or on the Secret."""
    kind = "Secret" if name == NAME else "PersistentVolumeClaim"
    live = state.owned[kind][name]
    texts = {**(live.metadata.annotations or {})} | {
        names.CLAIMS_ANNOTATION if key == "copy" else names.CLAIMS_SEAL_ANNOTATION: text
        for key, text in notes.items()
    }
    kept = {key: text for key, text in texts.items() if text is not None}
    meta = msgspec.structs.replace(live.metadata, annotations=kept)
    fresh = {**state.owned[kind], name: msgspec.structs.replace(live, metadata=meta)}
    return attrs.evolve(state, owned={**state.owned, kind: fresh})


def without(state: ClusterState, *gone: str) -> ClusterState:
    """The same once these claims are lost."""
    found = state.owned["PersistentVolumeClaim"]
    left = {name: live for name, live in found.items() if name not in gone}
    return attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": left})


def found(state: ClusterState) -> Volumes:
    made = volumes_of(context(state))
    assert made is not None
    return made


def written(state: ClusterState) -> list[str]:
    """Objects on which something is noted."""
    return [action.name for action in decided(note_claims, state, NoteClaims)]


def place(state: ClusterState, name: str) -> tuple[str, str]:
    """What is noted on a claim, and its seal."""
    meta = state.owned["PersistentVolumeClaim"][name].metadata
    return meta.annotation("nats.io/claims") or "", meta.annotation("nats.io/claims-seal") or ""


EDITS: dict[str, dict[str, str | None]] = {
    "a server that never was": {"copy": f"{TEXT},4=abcdef"},
    "a server less": {"copy": f"uid-of-c:{noted(1, 3)}"},
    "nobody": {"copy": "uid-of-c:none"},
    "another volume": {"copy": f"uid-of-c:{noted(1, 3)},2=abcdef"},
    "another name": {"copy": f"uid-of-c:{ALL}@77aa00bb"},
    "another cluster": {"copy": f"77aa00bb:{ALL}"},
    "nothing that can be read": {"copy": "x"},
    "nothing": {"copy": None},
    "nothing and no seal": {"copy": None, "seal": None},
    "no seal": {"seal": None},
    "a seal of somebody's": {"copy": f"{TEXT},4=abcdef", "seal": f"9.{'0' * 32}"},
    "more than is kept": {"copy": "sha256:" + "0" * 64},
}


class TestAnEdit:
    @pytest.mark.parametrize("edit", EDITS)
    @pytest.mark.parametrize("name", ["js-c-1", "js-c-2"])
    def test_of_one_claim_is_put_right_by_one_write_and_believed_by_nobody(
        self, name: str, edit: str
    ) -> None:
        state = sealed()
        odd = edited(state, name, **EDITS[edit])
        assert written(odd) == [name]
        assert found(odd).note == found(state).note == parse_note(ALL)
        assert place(after(odd), name) == place(state, name)
        assert volume_troubles(context(odd)) == ()

    @pytest.mark.parametrize("edit", [key for key in EDITS if key != "a seal of somebody's"])
    def test_of_the_secret_likewise(self, edit: str) -> None:
        """Also one that leaves nothing to be read."""
        state = sealed()
        texts = {key: text and text.rpartition(":")[2] for key, text in EDITS[edit].items()}
        odd = edited(state, NAME, **texts)
        same = edit == "another cluster"  # which the Secret does not name
        assert written(odd) == ([] if same else [NAME])
        assert found(odd).note == parse_note(ALL)
        assert volume_troubles(context(odd)) == ()
        assert decided(note_claims, after(odd)) == ()

    def test_says_of_no_server_that_it_had_a_volume(self) -> None:
        odd = edited(sealed(), copy=f"{TEXT},4=abcdef")
        larger = keyed(volumes(spec=SPEC | {"size": 4}, pods=servers(1, 2, 3)))
        grown = attrs.evolve(larger, owned=odd.owned)
        made = [a.wanted.name for a in decided(ensure_claims, grown, Ensure) if not a.present]
        assert made == ["js-c-4"]

    def test_of_a_claim_beside_a_lost_one_leaves_the_loss_what_it_is(self) -> None:
        """Else nobody could accept it, and somebody could accept another one."""
        lost = without(sealed(), "js-c-2")
        odd = edited(lost, "js-c-1", copy=f"uid-of-c:{noted(1, 3)},2=abcdef")
        assert found(odd).token == found(lost).token == "js-c-2=000002"
        assert written(odd) == ["js-c-1"]

    def test_is_put_right_in_the_largest_cluster_by_one_write(self) -> None:
        count = 40
        spec = SPEC | {"size": count}
        indexes = range(1, count + 1)
        state = sealed(
            *(claim(index, spec=spec) for index in indexes), note=noted(*indexes), spec=spec
        )
        assert written(edited(state, "js-c-7", copy="uid-of-c:none")) == ["js-c-7"]

    def test_of_what_data_depends_on_costs_one_write(self) -> None:
        state = sealed()
        live = state.owned["PersistentVolumeClaim"]["js-c-2"]
        assert isinstance(live, PersistentVolumeClaim)
        odd = {"js-c-2": annotated_claim(live, **{"nats.io/data": "x"})}
        claims = {**state.owned["PersistentVolumeClaim"], **odd}
        state = attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": claims})
        assert written(state) == ["js-c-2"]


class TestClaimsBeyondSize:
    def test_that_somebody_makes_are_noted_nowhere(self) -> None:
        """Each costs the write that tells it who has had a volume."""
        state = sealed()
        owned = state.owned["PersistentVolumeClaim"]
        for odd in (claim(4, spec=MORE), with_copy(claim(4, spec=MORE), noted(1, 2, 3, 4))):
            fresh = {**owned, "js-c-4": odd}
            more = attrs.evolve(state, owned={**state.owned, "PersistentVolumeClaim": fresh})
            assert written(more) == ["js-c-4"]
            assert found(more).note == parse_note(ALL)
            assert found(more).left == {4}
            claims = [each for each in fresh.values() if isinstance(each, PersistentVolumeClaim)]
            secret = (ALL, place(state, "js-c-1")[1])
            assert stored_of(more.cluster, claims, secret, SEALS).left == {4}

    def test_of_servers_that_did_not_leave_empty_stay_noted(self) -> None:
        five = [claim(index, spec=MORE) for index in range(1, 6)]
        state = sealed(*five, note=FIVE)
        assert found(state).left == frozenset()
        assert found(edited(state, "js-c-5", copy=TEXT)).note == parse_note(FIVE)
        assert written(edited(state, "js-c-5", copy=TEXT)) == ["js-c-5"]

    def test_that_somebody_else_controls_are_noted_nowhere(self) -> None:
        owner = {"kind": "StatefulSet", "name": "x", "uid": "x", "controller": True}
        theirs = claim(4, spec=MORE, ownerReferences=[owner])
        state = volumes(*all_claims(), theirs, note=ALL, copies=True)
        assert written(state) == []


def from_backup(older: ClusterState, newer: ClusterState, *restored: str) -> ClusterState:
    """The newer state, with some objects as they were: claims, or the Secret."""
    owned = {kind: dict(all_) for kind, all_ in newer.owned.items()}
    for kind in ("Secret", "PersistentVolumeClaim"):
        owned[kind] |= {name: live for name, live in older.owned[kind].items() if name in restored}
    return attrs.evolve(newer, owned=owned)


class TestABackup:
    """Three servers, then five; then the volumes of the two new ones are lost."""

    @pytest.fixture
    def older(self) -> ClusterState:
        return sealed()

    @pytest.fixture
    def newer(self, older: ClusterState) -> ClusterState:
        claims = [*all_claims(spec=MORE), claim(4, spec=MORE), claim(5, spec=MORE)]
        made = keyed(volumes(*claims, note=ALL, spec=MORE, pods=servers(1, 2, 3), copies=False))
        names_ = {c.metadata.name: c for c in claims}
        owned = {
            **made.owned,
            "Secret": older.owned["Secret"],
            "PersistentVolumeClaim": {**names_, **older.owned["PersistentVolumeClaim"]},
        }
        return after(after(looked(attrs.evolve(made, owned=owned), Named())))

    def test_numbers_grow_with_each_other_note(
        self, older: ClusterState, newer: ClusterState
    ) -> None:
        numbers = [SEALS.number(*place(state, "js-c-1")) for state in (older, newer)]
        assert numbers == [numbers[0], numbers[0] + 1]

    @pytest.mark.parametrize(
        "restored",
        [
            (NAME,),
            ("js-c-1",),
            (NAME, "js-c-1", "js-c-2"),
            ("js-c-1", "js-c-2", "js-c-3"),
        ],
        ids=" and ".join,
    )
    def test_of_some_places_makes_nobody_forget_anything(
        self, older: ClusterState, newer: ClusterState, restored: tuple[str, ...]
    ) -> None:
        """One that is newer is enough: natsctl wrote it."""
        state = from_backup(older, without(newer, "js-c-4", "js-c-5"), *restored)
        assert found(state).note == parse_note(FIVE)
        assert [c.name for c in found(state).lost] == ["js-c-4", "js-c-5"]
        assert decided(ensure_claims, state) == ()
        assert sorted(written(state)) == sorted(restored)
        assert decided(note_claims, after(state)) == ()

    def test_that_is_put_in_place_of_a_note_again_and_again_costs_one_write_each_time(
        self, older: ClusterState, newer: ClusterState
    ) -> None:
        """Whoever could read an earlier note has its seal, too."""
        state = without(newer, "js-c-4")
        copy, seal = place(older, "js-c-1")
        for _ in range(3):
            odd = edited(state, "js-c-1", copy=copy, seal=seal)
            assert written(odd) == ["js-c-1"]
            assert found(odd).token == found(state).token == "js-c-4=000004"
            state = after(odd)

    def test_of_an_earlier_loss_is_overruled_by_the_latest(self) -> None:
        first = sealed()
        fresh = {"js-c-2": claim(2, uid="5c1e77-volume")}
        claims = {**first.owned["PersistentVolumeClaim"], **fresh}
        later = after(attrs.evolve(first, owned={**first.owned, "PersistentVolumeClaim": claims}))
        lost = without(after(later), "js-c-2")
        copy, seal = place(first, "js-c-3")
        odd = edited(lost, "js-c-3", copy=copy, seal=seal)
        assert found(odd).token == found(lost).token == "js-c-2=5c1e77"
        assert written(odd) == ["js-c-3"]


class TestWithoutSealsThatAreKnown:
    def test_all_that_can_be_read_is_believed_and_then_sealed(self) -> None:
        """As after an upgrade, or once the operator has another secret."""
        for before in (b"", b"another"):
            state = keyed(sealed(), before)
            odd = edited(after(after(state)), copy=f"{TEXT},4=abcdef")
            told: Note = {**(parse_note(ALL) or {}), 4: Noted("abcdef")}
            there = keyed(odd)
            assert found(there).note == told
            assert sorted(written(there)) == ["c", "js-c-1", "js-c-2", "js-c-3"]
            assert decided(note_claims, after(there)) == ()

    def test_one_claim_is_enough_for_a_server_alone(self) -> None:
        """Of two places, none is the most."""
        one = SPEC | {"size": 1}
        state = sealed(claim(1, spec=one), note=noted(1), spec=one, pods=())
        odd = edited(state, "js-c-1", copy=f"uid-of-c:{noted(1)},2=abcdef")
        assert sorted(written(odd)) == ["c", "js-c-1"]

    def test_a_place_that_cannot_be_written_is_no_reason_to_write_all_others_again(self) -> None:
        """Those that are of no use may be the most."""
        gone = [claim(i, deletionTimestamp="2026-01-01T00:00:00Z") for i in (1, 2)]
        going = [with_copy(each, ALL) for each in gone]
        state = keyed(volumes(*going, claim(3), note=ALL))
        assert decided(note_claims, after(after(state))) == ()
        assert not found(after(state)).memory.is_sealed


def test_a_new_claim_is_sealed_from_the_start() -> None:
    state = after(keyed(volumes(note="none")))
    made = decided(ensure_claims, state, Ensure)[0].wanted.manifest["metadata"]["annotations"]
    assert SEALS.number(made["nats.io/claims"], made["nats.io/claims-seal"]) == 1


def test_the_next_cluster_of_the_name_knows_what_natsctl_wrote() -> None:
    left = [
        with_copy(each, ALL, EARLIER)
        for each in (claim(index, of=EARLIER, spec=SPEC) for index in (1, 3))
    ]
    copy = copy_text(EARLIER, parse_note(ALL) or {})
    known = [annotated_claim(each, **{"nats.io/claims-seal": SEALS.seal(7, copy)}) for each in left]
    state = keyed(volumes(*known, note=None))
    assert [c.name for c in found(state).lost] == ["js-c-2"]
    seals = {a.seal.partition(".")[0] for a in decided(note_claims, state, NoteClaims)}
    assert seals == {"8"}, UID


def test_what_is_noted_is_sealed_or_the_seal_goes() -> None:
    notes = decided(note_claims, volumes(*all_claims()), NoteClaims)
    (note,) = (each for each in notes if each.name == NAME)
    assert note.seal == ""
