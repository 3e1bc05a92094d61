"""That a server had a volume is remembered in several places, of which any may be lost."""

from __future__ import annotations

from itertools import chain, combinations, product
from typing import Any

import attrs
import pytest

from natsctl.api.types.status import ClusterStatus, Condition, JetStreamStatus, ServerStatus
from natsctl.plan.actions import Ensure, NoteClaims
from natsctl.plan.claims.live import LiveClaim
from natsctl.plan.claims.memory import READ, memory_of
from natsctl.plan.claims.note import Noted, copy_text
from natsctl.plan.claims.starting import UNLED
from natsctl.plan.rules.claims import ensure_claims, note_claims
from natsctl.plan.rules.empty_volumes import make_empty
from natsctl.plan.rules.scale_up import scale_up
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
    uid_of,
    volumes,
    with_copy,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.world import UID, context, decided

ALL = noted(1, 2, 3)
OLDER = noted(1, 2)
"""From before the third server."""


def made(state: ClusterState) -> list[str]:
    """Empty volumes that are made, while all servers that are there have all data."""
    there = {pod.metadata.name for pod in state.pods}
    away = {NAMES[f"nats-{i}"]: State.DOWN for i in range(1, 21) if f"c-{i}" not in there}
    seen = looked(state, Named(size=max(context(state).size, 3), states=away))
    steps = [*decided(ensure_claims, seen, Ensure), *decided(make_empty, seen, Ensure)]
    return [step.wanted.name for step in steps if not step.present]


def notes(state: ClusterState) -> dict[str, str]:
    """What is noted, by the name of the object."""
    return {action.name: action.text for action in decided(note_claims, state, NoteClaims)}


def missing(state: ClusterState, index: int) -> str:
    """Why the server with this index does not start."""
    found = scale_up(context(state)).waiting
    return next((text for text in found if text.startswith(f"c-{index}: ")), "")


def told(ready: str = "True", reason: str = "AllVolumesBound", *names: str) -> ClusterStatus:
    return ClusterStatus(
        conditions=(Condition("VolumesReady", ready, reason),),
        servers=tuple(ServerStatus(name) for name in names),
    )


LIVE = tuple(chain.from_iterable(combinations((1, 2, 3), count) for count in range(4)))
SECRETS = {"all": ALL, "older": OLDER, "from the beginning": "none", "without": None}
COPIES = {"all": ALL, "older": OLDER, "without": ""}
ELSEWHERE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "pods": {"pods": servers(1, 2, 3)},
    "status": {"status": told("True", "AllVolumesBound", "c-1", "c-2", "c-3")},
    "streams": {"status": ClusterStatus(jetstream=JetStreamStatus())},
}


def ran(secret: str, live: tuple[int, ...], copies: str, elsewhere: str) -> ClusterState:
    """What is left of three servers that had volumes."""
    left = [claim(index) for index in live]
    if COPIES[copies]:
        left = [with_copy(each, COPIES[copies]) for each in left]
    known = {key: each for key, each in ELSEWHERE[elsewhere].items() if key == "pods"}
    state = volumes(*left, note=SECRETS[secret], copies=False, **known)
    return attrs.evolve(state, status=ELSEWHERE[elsewhere].get("status", state.status))


def tells(secret: str, live: tuple[int, ...], copies: str, elsewhere: str) -> bool:
    """Whether anything is left that is not from before the third server, or says so of itself."""
    if elsewhere in ("pods", "status") or secret == "all" or (live and copies == "all"):
        return True
    if not live:  # a note that no claim confirms may be from any time
        return elsewhere == "streams" or secret == "older"
    # Without a note, and where one of the beginning is not true, nobody knows who had one.
    absent = secret == "without" or (secret == "from the beginning" and elsewhere == "streams")
    return absent and copies == "without"


CASES = [case for case in product(SECRETS, LIVE, COPIES, ELSEWHERE) if tells(*case)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_no_lost_volume_is_taken_for_one_that_never_was(case: Any) -> None:
    """Whatever was deleted or came back from a backup, before and after notes are written."""
    state = ran(*case)
    assert made(state) == []
    assert made(after(state)) == []
    assert made(after(after(state))) == []


class TestANewCluster:
    def test_notes_first_that_there_is_nothing(self) -> None:
        state = volumes(note=None)
        assert made(state) == []
        assert notes(state) == {"c": "none"}
        assert made(after(state)) == ["js-c-1", "js-c-2", "js-c-3"]

    def test_makes_nothing_before_there_is_a_secret(self) -> None:
        state = volumes(note=None)
        owned = {kind: found for kind, found in state.owned.items() if kind != "Secret"}
        assert made(attrs.evolve(state, owned=owned)) == []

    def test_tells_each_claim_from_the_start(self) -> None:
        """Else nobody knew, without the Secret, whether those that are not there yet ever were."""
        created = decided(ensure_claims, volumes(), Ensure)[0].wanted
        notes_ = created.manifest["metadata"]["annotations"]
        assert notes_["nats.io/claims"] == "uid-of-c:none"
        assert notes_["nats.io/applied"] == created.digest
        first = with_copy(claim(1), "none")
        assert made(after(volumes(first, note=None))) == ["js-c-2", "js-c-3"]

    @pytest.mark.parametrize("status", [told("False", "VolumesNotBound"), ClusterStatus()])
    def test_whose_status_was_written_before_its_note_goes_on(self, status: ClusterStatus) -> None:
        state = attrs.evolve(volumes(note=None), status=status)
        assert notes(state) == {"c": "none"}

    def test_starts_servers_once_all_claims_tell_of_all(self) -> None:
        """A Secret and one claim may be lost at once."""
        state = volumes(*all_claims(), note=ALL, copies=False)
        text = "c-1: PersistentVolumeClaim js-c-1 is not yet noted on all claims and the Secret"
        assert missing(state, 1) == text
        assert notes(state) == dict.fromkeys(("js-c-1", "js-c-2", "js-c-3"), f"uid-of-c:{ALL}")
        assert not scale_up(context(after(state))).waiting
        some = volumes(*all_claims(), note=OLDER)
        assert (missing(some, 1), missing(some, 2)) == ("", "")
        assert missing(some, 3) == f"c-3: {UNLED}"

    def test_waits_for_claims_that_go_with_an_earlier_one(self) -> None:
        """One of them may still be saved."""
        owner = {"kind": "NatsCluster", "name": "c", "uid": EARLIER, "controller": True}
        going = claim(2, of=EARLIER, ownerReferences=[owner])
        state = volumes(with_copy(going, ALL, EARLIER), note=None)
        assert notes(state) == {"c": "none"}, "what it tells is about to go, too"
        assert made(after(state)) == []
        gone = attrs.evolve(after(state), owned={**after(state).owned, "PersistentVolumeClaim": {}})
        assert len(made(gone)) == 3


class TestWithoutTheNoteOfTheSecret:
    def test_it_is_written_again_from_the_copies(self) -> None:
        state = volumes(*(with_copy(claim(i), ALL) for i in (1, 3)), note=None)
        assert notes(state)["c"] == ALL

    def test_what_claims_of_an_earlier_natsctl_do_not_tell_is_noted_as_a_doubt(self) -> None:
        state = volumes(claim(1), claim(3), note=None)
        doubt = f"{noted(1)},2=new,{noted(3)}"
        assert notes(state)["c"] == doubt
        assert notes(state)["js-c-1"] == f"uid-of-c:{doubt}"
        accepts = volumes(
            *(claim(1), claim(3)), note=doubt, pods=servers(1, 3), accepts="js-c-2=new"
        )
        assert made(accepts) == ["js-c-2"]

    def test_what_there_was_of_a_cluster_that_lost_all_is_not_taken_for_nothing(self) -> None:
        state = ran("without", (), "all", "streams")
        assert notes(state) == {"c": "1=new,2=new,3=new"}
        lost = attrs.evolve(volumes(note=None, pods=servers(1)), pods=())
        assert notes(lost) == {"c": "none"}, "nothing at all is left"

    def test_a_new_server_gets_a_volume_if_claims_say_that_it_is_one(self) -> None:
        spec = SPEC | {"size": 4}
        left = [with_copy(each, ALL) for each in all_claims(spec=spec)]
        state = volumes(*left, note=None, spec=spec)
        assert made(after(state)) == ["js-c-4"]

    def test_nothing_is_said_of_claims_that_are_of_no_use(self) -> None:
        bad = [claim(i, deletionTimestamp="2026-01-01T00:00:00Z") for i in (1, 2, 3)]
        assert notes(volumes(*bad, note=None)) == {}


class TestAnEarlierCluster:
    def test_tells_which_volumes_there_were(self) -> None:
        spec = SPEC | {"size": 5}
        left = [with_copy(claim(i, of=EARLIER, spec=spec), noted(1, 2, 3), EARLIER) for i in (1, 3)]
        state = volumes(*left, note=None, spec=spec)
        assert notes(state)["c"] == noted(1, 2, 3, origin="7e57ab1e")
        assert made(after(state)) == ["js-c-4", "js-c-5"]

    def test_that_told_nothing_may_have_had_more_servers(self) -> None:
        spec = SPEC | {"size": 4}
        silent = all_claims(of=EARLIER, spec=spec)
        left = [annotated_claim(each, **{"nats.io/data": "unknown"}) for each in silent]
        state = volumes(*left, note=None, spec=spec)
        assert notes(state)["c"] == noted(1, 2, 3, origin="7e57ab1e") + ",4=new"


class TestCopies:
    def test_are_written_on_claims_of_removed_servers_too(self) -> None:
        more = SPEC | {"size": 5}
        owner = {"kind": "StatefulSet", "name": "x", "uid": "x", "controller": True}
        others = (claim(4, spec=more), claim(5, spec=more, ownerReferences=[owner]))
        note = noted(1, 2, 3, 4, 5)
        state = volumes(*all_claims(), *others, note=note, copies=False)
        assert notes(state).keys() == {"js-c-1", "js-c-2", "js-c-3", "js-c-4"}

    def test_that_differ_from_the_secret_in_a_loss_make_it_another_one(self) -> None:
        """The user accepted the loss of an earlier volume, and the Secret is of that time."""
        stale = noted(1, 3) + ",2=5c1e77"
        left = [with_copy(claim(i), ALL) for i in (1, 3)]
        state = volumes(*left, note=stale, pods=servers(1, 3), accepts="js-c-2=5c1e77")
        assert made(state) == made(after(state)) == []
        assert notes(after(state)) == {}, "and it stays the same loss"

    def test_that_are_outdated_hold_up_no_volume_that_is_there(self) -> None:
        left = [with_copy(claim(i), noted(1, 3) + ",2=5c1e77") for i in (1, 2, 3)]
        state = volumes(*left, note=ALL)
        assert notes(state).keys() == {"js-c-1", "js-c-2", "js-c-3"}
        assert not scale_up(context(after(state))).waiting

    def test_that_nobody_can_read_are_written_again_and_believed_by_nobody(self) -> None:
        odd = [
            claim(i, annotations={**(claim(i).metadata.annotations or {}), "nats.io/claims": "x"})
            for i in (1, 3)
        ]
        assert notes(volumes(*odd, note=ALL)).keys() == {"js-c-1", "js-c-3"}
        assert "2=new" in notes(volumes(*odd, note=None))["c"]

    def test_of_which_each_differs_are_not_all_read(self) -> None:
        count = READ + 1
        spec = SPEC | {"size": count + 1}
        claims = {i: with_copy(claim(i, spec=spec), noted(i)) for i in range(1, count + 1)}
        found = memory_of(UID, None, {i: LiveClaim(it, UID) for i, it in claims.items()})
        assert len(found.copies) == READ
        assert not found.is_copied
        state = volumes(*claims.values(), note=None, spec=spec)
        assert made(after(state)) == []
        assert missing(volumes(*claims.values(), note=noted(*claims), spec=spec), 1)

    def test_of_claims_that_somebody_else_controls_tell_nothing(self) -> None:
        owner = {"kind": "StatefulSet", "name": "x", "uid": "x", "controller": True}
        theirs = with_copy(claim(1, ownerReferences=[owner]), ALL)
        assert memory_of(UID, None, {1: LiveClaim(theirs, UID)}).note == {}

    def test_tell_the_name_under_which_a_server_has_data(self) -> None:
        text = copy_text(EARLIER, {2: Noted("5c1e77")})
        notes_ = {**(claim(1).metadata.annotations or {}), "nats.io/claims": text}
        found = memory_of(UID, None, {1: LiveClaim(claim(1, annotations=notes_), UID)})
        assert found.note == {2: Noted("5c1e77", "7e57ab1e")}
        assert not found.knows(2, uid_of(2))


class TestMoreServersAfterALoss:
    """New ones have nothing: alone they must not be a majority."""

    @pytest.mark.parametrize(("size", "new"), [(4, 1), (5, 2)])
    def test_are_made_while_they_cannot_outvote_what_is_left(self, size: int, new: int) -> None:
        spec = SPEC | {"size": size}
        assert len(made(volumes(claim(1), note=ALL, spec=spec))) == new

    def test_are_made_if_most_of_the_others_are_there(self) -> None:
        spec = SPEC | {"size": 9}
        assert len(made(volumes(claim(1), claim(3), note=ALL, spec=spec))) == 6

    def test_wait_if_they_could(self) -> None:
        spec = SPEC | {"size": 7}
        state = volumes(claim(1), note=ALL, spec=spec)
        assert made(state) == []
        assert missing(state, 4).endswith("js-c-4 is not created while so many volumes are missing")


def test_a_status_without_a_readable_name_tells_of_no_server() -> None:
    state = volumes(note=OLDER, copies=False)
    status = told("True", "AllVolumesBound", "other-3", "c-x")
    assert "3=new" in notes(attrs.evolve(state, status=status))["c"], "all claims are gone"
    one = volumes(claim(1), claim(2), note=OLDER)
    assert made(attrs.evolve(one, status=status)) == ["js-c-3"]
