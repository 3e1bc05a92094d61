"""What is wrong with volumes is told in a condition, together with how to fix it."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model.objects import Pod
from natsctl.plan.claims import remedies
from natsctl.plan.claims.server_claims import ServerClaim
from natsctl.plan.decisions import decisions_of
from natsctl.plan.servers.server import servers_of
from natsctl.plan.state import ClusterState
from natsctl.plan.status.progressing import progressing
from natsctl.plan.status.status import status
from tests.unit.plan.claims.growing import sized, spec_of, wanting
from tests.unit.plan.claims.volumes import (
    EARLIER,
    SPEC,
    all_claims,
    claim,
    noted,
    servers,
    volumes,
)
from tests.unit.plan.gates.world import State
from tests.unit.plan.looks import NAMES, Named, looked
from tests.unit.plan.world import pod, running

ALL = noted(1, 2, 3)
AWAY = {NAMES["nats-2"]: State.DOWN}


def told(state: ClusterState, kind: str = "VolumesReady") -> tuple[str, str, str]:
    found = {c.type: c for c in status(state).conditions}[kind]
    return found.status, found.reason, found.message


def degraded(state: ClusterState) -> str:
    found = told(state, "Degraded")
    assert found[0] == "True"
    return found[2]


def test_a_cluster_without_jetstream_says_nothing_of_volumes() -> None:
    assert "VolumesReady" not in {c.type for c in status(running({"size": 1})).conditions}


def test_all_is_well_if_every_server_has_its_volume() -> None:
    state = volumes(*all_claims(), note=ALL, pods=servers(1, 2, 3))
    assert told(state) == ("True", "AllVolumesBound", "")
    assert told(state, "Degraded")[0] == "False"
    assert told(state, "Ready")[0] == "True"


def test_a_volume_that_waits_for_its_first_consumer_is_no_problem() -> None:
    state = volumes(claim(1, phase="Pending"), claim(2), note=noted(1, 2))
    message = "waiting for volumes: js-c-1, js-c-3"
    assert told(state) == ("False", "VolumesNotBound", message)
    assert told(state, "Degraded")[0] == "False"


def unscheduled() -> Pod:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return pod(1, SPEC, ready=False, phase="Pending", conditions=[condition])


def test_a_volume_that_does_not_bind_although_a_pod_waits_is_one() -> None:
    state = volumes(
        *(claim(1, phase="Pending"), claim(2), claim(3)),
        note=ALL,
        pods=(unscheduled(), *servers(2, 3)),
    )
    text = "PersistentVolumeClaim js-c-1 has no volume yet: see kubectl describe pvc js-c-1"
    assert told(state) == ("False", "VolumeNotBound", text)
    assert text in degraded(state)


def test_servers_wait_for_volumes_that_are_being_made() -> None:
    state = volumes()
    decisions = decisions_of(state, servers_of(state))
    verdict = progressing(state, (), decisions)
    assert verdict.reason == "StartingServers"
    assert "c-1: PersistentVolumeClaim js-c-1 is being created" in verdict.message
    some = volumes(claim(1), note=noted(1))
    text = progressing(some, (), decisions_of(some, servers_of(some))).message
    assert text.startswith("waiting for c-1; waiting: c-2: PersistentVolumeClaim js-c-2")


def test_what_is_to_be_written_is_told() -> None:
    edited = claim(1, labels={"app": "nats", "nats_cluster": "c"})
    state = volumes(edited, claim(2), claim(3), note=ALL, pods=servers(1, 2, 3))
    message = told(state, "Progressing")[2]
    assert message == "updating PersistentVolumeClaim js-c-1"


class TestALostVolume:
    def lost(self, toy: Named | None = None, accepts: str = "") -> ClusterState:
        """One is lost, and two servers were asked what they store."""
        state = volumes(claim(1), claim(3), note=ALL, pods=servers(1, 3), accepts=accepts)
        return looked(state, toy or Named(states=AWAY))

    def test_is_told_with_how_to_go_on(self) -> None:
        state = self.lost()
        text = (
            "PersistentVolumeClaim js-c-2 no longer exists, and c-2 lost its data with it: restore "
            "it, or accept an empty volume: kubectl annotate natscluster c --namespace ns "
            "--overwrite nats.io/new-volume=js-c-2=000002"
        )
        assert told(state) == ("False", "VolumeMissing", text)
        assert text in degraded(state)

    @pytest.mark.parametrize(
        ("accepts", "words"),
        [
            ("", "restore it; an empty volume has to wait"),
            ("js-c-2=000002", "the empty volume that you accepted has to wait"),
        ],
    )
    def test_is_told_without_a_command_while_another_server_is_needed(
        self, accepts: str, words: str
    ) -> None:
        toy = Named(states=AWAY)
        toy.stream("ORDERS", members=toy.names, leader="")
        message = told(self.lost(toy, accepts))[2]
        assert f"{words}: stream A/ORDERS has no leader; to continue" in message
        assert "nats.io/override-no-leader=js-c-2=000002" in message
        assert "new-volume" not in message

    def test_is_told_without_a_command_before_the_others_were_asked(self) -> None:
        for state in (
            attrs.evolve(self.lost(), jetstream=()),
            attrs.evolve(self.lost(), now=self.lost().now + 200),
        ):
            message = told(state)[2]
            assert "natsctl has not asked the other servers yet what they store" in message
            assert "new-volume" not in message

    def test_is_told_in_few_words_however_much_is_wrong(self) -> None:
        toy = Named(states=AWAY)
        for number in range(20):
            toy.stream(f"S{number}", members=toy.names, leader="")
        message = told(self.lost(toy))[2]
        assert message.count("has no leader") == 4
        assert "; more of this kind; " in message

    def test_beside_another_can_only_be_restored(self) -> None:
        message = degraded(volumes(claim(1), note=ALL, pods=servers(1)))
        assert "restore it (more than one is missing" in message
        assert "annotate" not in message

    def test_of_every_server_can_be_given_up_with_one_command(self) -> None:
        message = told(volumes(note=ALL))[2]
        assert "restore it, or accept empty volumes for all servers: kubectl annotate" in message
        assert message.count(" nats.io/new-volume=all=0f3c138930") == 3

    def test_of_an_earlier_cluster_is_told_as_such(self) -> None:
        state = volumes(claim(1, of=EARLIER), claim(3, of=EARLIER), pods=servers(1, 3))
        state = looked(state, Named(states=AWAY))
        text = "js-c-2 does not exist, although other volumes of c-2's cluster do: restore it, or"
        assert text in degraded(state)
        assert "nats.io/new-volume=js-c-2=new" in degraded(state)


class TestAnEmptyVolumeInsteadOfALostOne:
    def made(self, toy: Named) -> ClusterState:
        empty = claim(2, annotations=self.notes(2))
        state = volumes(claim(1), empty, claim(3), note=ALL, pods=servers(1, 3))
        return looked(state, toy)

    def test_is_told_while_its_server_may_not_start(self) -> None:
        toy = Named(states=AWAY)
        toy.stream("ORDERS", members=toy.names, leader="")
        state = self.made(toy)
        assert told(state)[:2] == ("False", "VolumeEmpty")
        text = (
            "PersistentVolumeClaim js-c-2 is there instead of a lost one and may be empty; its "
            "server does not start with it yet: stream A/ORDERS has no leader"
        )
        assert text in degraded(state)

    def test_of_many_only_the_first_are_judged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Their servers start one after the other; judging all of them would take a while."""
        asked = list[str]()

        def why(_: object, claim: ServerClaim) -> tuple[str, ...]:
            asked.append(claim.name)
            return ("streams have no leader",)

        monkeypatch.setattr(remedies, "JUDGED", 1)
        monkeypatch.setattr(remedies, "why_not_yet", why)
        there = [claim(i, annotations=self.notes(i)) for i in (1, 2, 3)]
        text = degraded(volumes(*there, note=ALL))
        assert set(asked) == {"js-c-1"}
        assert "js-c-1 is there instead of a lost one" in text
        assert text.count(remedies.OTHERS_FIRST) == 2

    def notes(self, index: int) -> dict[str, str]:
        return {**(claim(index).metadata.annotations or {}), "nats.io/replaces": "000002"}

    def test_is_no_trouble_once_it_may(self) -> None:
        assert told(self.made(Named(states=AWAY))) == ("True", "AllVolumesBound", "")


OWNERS = {
    "StatefulSet": "belongs to StatefulSet c and is left alone, but a server needs the name",
    "NatsCluster": "it is deleted with an earlier one of this name",
}


@pytest.mark.parametrize("kind", OWNERS)
def test_whose_a_volume_is_is_told(kind: str) -> None:
    owner = {"kind": kind, "name": "c", "uid": "x", "controller": True}
    state = volumes(claim(1), claim(2, ownerReferences=[owner]), claim(3), note=noted(1, 3))
    assert OWNERS[kind] in degraded(state)


TROUBLES: dict[str, dict[str, Any]] = {
    "VolumeDeleting": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    "VolumeLost": {"phase": "Lost"},
    "VolumeMisnamed": {"annotations": {"nats.io/server-name": "c-2"}},
}


@pytest.mark.parametrize("reason", TROUBLES)
def test_a_volume_of_no_use_is_told(reason: str) -> None:
    state = volumes(claim(1), claim(2, **TROUBLES[reason]), claim(3), note=noted(1, 3))
    assert told(state)[:2] == ("False", reason)
    assert "js-c-2" in degraded(state)


class TestWhatIsNotKnown:
    def test_for_lack_of_a_right_is_told_with_the_right(self) -> None:
        state = volumes(note=ALL, known=False, pods=servers(1, 2, 3))
        status, reason, message = told(state)
        assert (status, reason) == ("Unknown", "VolumesNotRead")
        assert "allow natsctl to get, list, watch, create and patch them" in message
        assert message in degraded(state)

    def test_is_not_taken_for_missing(self) -> None:
        state = volumes(note=ALL, known=False, pods=servers(1, 2, 3))
        assert told(state, "Ready")[0] == "True"
        assert told(volumes(claim(1), claim(2), note=ALL, pods=servers(1, 2, 3)), "Ready")[:2] == (
            *("False", "ObjectsMissing"),
        )

    def test_because_somebody_edited_the_note_is_told(self) -> None:
        state = volumes(*all_claims(), note="x", pods=servers(1, 2, 3))
        assert told(state)[:2] == ("False", "VolumeNoteUnreadable")
        assert "annotation nats.io/claims of Secret c" in degraded(state)


class TestWhatTheSpecCannotChange:
    def spec(self, **pvc: str) -> dict[str, Any]:
        return SPEC | {"jetstream": {"fileStore": {"pvc": pvc}}}

    def test_the_size_stays_where_the_operator_leaves_volumes_alone(self) -> None:
        state = wanting("20Gi", *all_claims(), spec=spec_of("20Gi", resizePolicy="Manual"))
        assert told(state)[:2] == ("True", "VolumesDiffer")
        why = "resizePolicy is Manual, so natsctl does not grow it"
        assert f"js-c-1 keeps 10Gi: {why}" in told(state)[2]

    def test_a_volume_that_is_larger_stays_so(self) -> None:
        state = volumes(sized(1, "20Gi", "20Gi"), sized(2), sized(3), note=ALL)
        text = "js-c-1 asks for 20Gi, more than the spec, and cannot shrink"
        assert told(state) == ("True", "VolumesDiffer", text)

    def test_the_class_stays(self) -> None:
        state = volumes(*all_claims(), note=ALL, spec=self.spec(storageClassName="fast"))
        assert "js-c-1 keeps storage class none" in told(state)[2]

    def test_a_size_that_nobody_can_read_is_not_compared(self) -> None:
        odd = msgspec.structs.replace(claim(1), spec=msgspec.convert({}, type(claim(1).spec)))
        state = volumes(odd, claim(2), claim(3), note=ALL)
        assert told(state) == ("True", "AllVolumesBound", "")

    def test_volumes_of_removed_servers_stay_and_that_is_told_only_if_they_should_not(self) -> None:
        four = claim(4, spec=SPEC | {"size": 4})
        state = volumes(*all_claims(), four, note=noted(1, 2, 3, 4))
        assert told(state) == ("True", "AllVolumesBound", "")
        spec = SPEC | {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}
        state = volumes(*all_claims(spec=spec), four, note=noted(1, 2, 3, 4), spec=spec)
        assert "js-c-4 of removed servers are kept" in told(state)[2]
