"""A volume that is not encrypted as the spec says is replaced, once the new key is there."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.jetstream import Encryption
from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim, Pod, Secret
from natsctl.plan.claims.keys import awaited_keys
from natsctl.plan.claims.live import LiveClaim
from natsctl.plan.claims.renewal import comes_back, due_of
from natsctl.plan.claims.starting import obstacles_to_others
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.rules.empty_volumes import delete_given_up
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.rules.volume_renewal import renew_volumes
from natsctl.plan.servers.digest import server_digests
from natsctl.plan.servers.server import servers_of
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from natsctl.plan.volume_actions import DeleteClaim, GiveUpVolume
from natsctl.render.inputs import STREAM_KEY, EarlierKey
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.objects.secret import config_secret
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import STORE_FILE, hashed, revision
from tests.unit.plan.claims.growing import sized, spec_of
from tests.unit.plan.claims.renewing import full, pods, state_of, stopped
from tests.unit.plan.claims.volumes import annotated_claim, noted
from tests.unit.plan.world import NAME, UID, context, decided, stamped

SPEC: dict[str, Any] = spec_of("10Gi", resizePolicy="Replace")
PLAIN = EarlierKey(None)
UNPROVEN = "no server has taken up yet what Secret c contains"
OLD = EarlierKey(Encryption("old", "key", "chacha"), "0123456789abcdef", "0123456789")


def rekeyed(state: ClusterState, known: EarlierKey = PLAIN, *indexes: int) -> ClusterState:
    """The same where these servers have an earlier key, and the configuration has both."""
    assert state.desired is not None
    goal = attrs.evolve(
        state.desired.target,
        earlier=dict.fromkeys(indexes or (2, 3), known),
        inputs=attrs.evolve(state.desired.target.inputs, suffix="plain"),
    )
    live = state.secrets[NAME]
    fresh = msgspec.convert(config_secret(goal), Secret)
    config = msgspec.structs.replace(live, data=fresh.data)
    desired = attrs.evolve(
        state.desired,
        target=goal,
        revision=revision(goal),
        objects=tuple(map(stamped, owned_objects(goal))),
    )
    owned = {**state.owned, "Secret": {NAME: config}}
    made = tuple(_made(pod, goal, number) for number, pod in enumerate(state.pods, 1))
    return attrs.evolve(state, desired=desired, owned=owned, pods=made)


def _made(pod: Pod, goal: Any, index: int) -> Pod:
    """With the revision of what it was made from."""
    fresh = render_pod(goal.of_server(index), index)["metadata"]["annotations"]
    notes = {**(pod.metadata.annotations or {}), **fresh}
    meta = msgspec.structs.replace(pod.metadata, annotations=notes)
    return msgspec.structs.replace(pod, metadata=meta)


def there(*indexes: int) -> tuple[PersistentVolumeClaim, ...]:
    return tuple(sized(index, spec=SPEC) for index in indexes)


def halfway(known: EarlierKey = PLAIN, **changes: Any) -> ClusterState:
    given = {"spec": SPEC, "standing": pods(1, 2, 3, spec=SPEC), "there": there(1, 2, 3)}
    return rekeyed(state_of(full(), **(given | changes)), known)


def told(state: ClusterState) -> tuple[str, str, str]:
    found = {c.type: c for c in status(state).conditions}["VolumesReady"]
    return found.status, found.reason, found.message


class TestTheNextOne:
    def test_is_the_first_with_an_earlier_key(self) -> None:
        found = due_of(context(halfway()))
        assert found is not None
        assert found.name == "js-c-2"

    @pytest.mark.parametrize(
        ("known", "why"), [(PLAIN, "it is not encrypted"), (OLD, "it is encrypted with an earlier")]
    )
    def test_is_told(self, known: EarlierKey, why: str) -> None:
        found = told(halfway(known))
        assert found[:2] == ("True", "VolumesReplacing")
        text = "js-c-2 is to be replaced with an empty volume, because"
        assert found[2].startswith(f"{text} {why}")
        assert found[2].endswith(", then js-c-3")

    def test_the_last_one_is_told_alone(self) -> None:
        state = rekeyed(halfway(), PLAIN, 3)
        assert told(state)[2] == (
            "js-c-3 is to be replaced with an empty volume, because it is not encrypted"
        )

    def test_is_none_with_another_policy(self) -> None:
        spec = spec_of("10Gi")
        state = halfway(spec=spec, standing=pods(1, 2, 3, spec=spec))
        assert due_of(context(state)) is None
        assert told(state) == (
            "True",
            "VolumesDiffer",
            "js-c-2 is not encrypted as the spec says: set "
            "spec.jetstream.fileStore.resizePolicy to Replace, and spec.size to 3 or more, and "
            "natsctl replaces it; js-c-3 is not encrypted as the spec says: set "
            "spec.jetstream.fileStore.resizePolicy to Replace, and spec.size to 3 or more, and "
            "natsctl replaces it",
        )


def waits(state: ClusterState) -> tuple[str, ...]:
    found = renew_volumes(context(state))
    assert found.actions == ()
    return found.waiting


def with_config(state: ClusterState, **changes: Any) -> ClusterState:
    live = msgspec.structs.replace(state.secrets[NAME], **changes)
    return attrs.evolve(state, owned={**state.owned, "Secret": {NAME: live}})


def unproven(state: ClusterState) -> ClusterState:
    """The same before any server has taken up the configuration."""
    meta = state.secrets[NAME].metadata
    notes = {**(meta.annotations or {}), names.PROVEN_ANNOTATION: "of another one"}
    return with_config(state, metadata=msgspec.structs.replace(meta, annotations=notes))


class TestBeforeAServerStops:
    def test_it_stops_where_all_is_well(self) -> None:
        (action,) = renew_volumes(context(halfway())).actions
        assert isinstance(action, GiveUpVolume)
        assert action.message == (
            "stopping c-2 to replace its volume with an empty one of 10Gi, not encrypted, which "
            "the others fill"
        )

    def test_the_configuration_has_the_new_key(self) -> None:
        state = halfway()
        data = {**(state.secrets[NAME].data or {})}
        del data["jetstream-plain.json"]
        assert waits(with_config(state, data=data)) == (
            "Secret c does not contain the right encryption key yet",
        )

    def test_a_server_has_taken_that_configuration_up(self) -> None:
        """What was not proven may be taken back, and the new key with it."""
        assert waits(unproven(halfway())) == (UNPROVEN,)


class TestAServerThatStopped:
    def test_keeps_its_volume_while_the_new_key_may_be_taken_back(self) -> None:
        state = stopped(spec=SPEC, standing=pods(1, 3, spec=SPEC), there=there(1, 2, 3))
        assert decided(delete_given_up, rekeyed(state), DeleteClaim)
        found = delete_given_up(context(unproven(rekeyed(state))))
        assert (found.actions, found.waiting) == ((), (UNPROVEN,))

    def test_comes_back_if_its_key_is_wanted_again(self) -> None:
        state = stopped(spec=SPEC, standing=pods(1, 3, spec=SPEC), there=there(1, 2, 3))
        for known, back in (((2, 3), False), ((3,), True)):
            found = volumes_of(context(rekeyed(state, PLAIN, *known)))
            assert found is not None
            claim = found.claims[1]
            assert comes_back(context(rekeyed(state, PLAIN, *known)), claim) is back


class TestWhileThereAreSeveral:
    """A server starts with the key of its volume, and only if that is known."""

    def state(self, *known: int) -> ClusterState:
        made = state_of(full(), pods(1, 3, spec=SPEC), there(1, 2, 3), spec=SPEC)
        return rekeyed(made, PLAIN, *(known or (2, 3)))

    def test_it_starts_with_its_own(self) -> None:
        assert awaited_keys(context(self.state()))(2, None) == ""

    def test_not_if_its_claim_says_nothing(self) -> None:
        state, told = self.state(), "PersistentVolumeClaim js-c-2 does not say which encryption key"
        (mute,) = there(2)
        assert awaited_keys(context(state))(2, LiveClaim(mute, UID)).startswith(told)

    def test_not_if_the_claims_cannot_be_read(self) -> None:
        state = self.state()
        owned = {kind: it for kind, it in state.owned.items() if kind != "PersistentVolumeClaim"}
        found = scale_up(context(attrs.evolve(state, owned=owned)))
        assert found.actions == ()
        assert "does not say which encryption key its data has" in found.waiting[0]

    def test_nor_does_one_that_returns_to_leave(self) -> None:
        four = (*there(1, 2, 3), sized(4, spec={**SPEC, "size": 4}))
        made = state_of(full(), pods(1, 2, 3, spec=SPEC), four, spec=SPEC, note=noted(1, 2, 3, 4))
        mute = annotated_claim(four[3], **{names.DATA_ANNOTATION: "edited"})
        claims = {**made.owned["PersistentVolumeClaim"], "js-c-4": mute}
        odd = attrs.evolve(made, owned={**made.owned, "PersistentVolumeClaim": claims})
        held = obstacles_to_others(context(rekeyed(odd, PLAIN, 3)), (4,))
        assert "js-c-4 does not say which encryption key" in held[4]


class TestNothingChangesForAServer:
    def test_that_has_an_earlier_key(self) -> None:
        found = {it.index: it for it in servers_of(halfway(OLD))}
        assert {index: (it.changes, it.reloads) for index, it in found.items()} == dict.fromkeys(
            (1, 2, 3), ((), ())
        )

    def test_it_is_made_from_its_own(self) -> None:
        desired = context(halfway(OLD)).desired
        assert desired.revision_of(2)[STREAM_KEY] == OLD.sealed
        assert STORE_FILE not in desired.revision_of(2)
        assert desired.revision_of(1) == desired.revision
        assert desired.revision[STORE_FILE] == hashed("plain")

    def test_and_reports_its_own(self) -> None:
        state = halfway(OLD)
        made = context(state)
        digest = server_digests(made.desired.target)
        one, two, three = (digest(server) for server in made.servers)
        assert None not in (one, two, three)
        assert len({one, two, three}) == 3, "each has its name"
