"""A server starts once its configuration has the key of what its volume holds."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim, Secret
from natsctl.plan.actions import CreateServer, NoteClaims
from natsctl.plan.claims.data import parse_data
from natsctl.plan.claims.data_to_note import data_of_others
from natsctl.plan.claims.server_claims import Volumes
from natsctl.plan.claims.starting import obstacles_of, obstacles_to_others
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.encryption.seal import KeySeal, wanted_key_seal
from natsctl.plan.rules.claims import note_claims
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from natsctl.render.inputs import ConfigInputs
from natsctl.render.objects.owned_objects import owned_objects
from tests.unit.plan.claims.volumes import EARLIER, annotated_claim, claim, noted, volumes
from tests.unit.plan.encrypted import (
    ANOTHER,
    ENCRYPTED,
    KEY,
    PLAIN,
    REPLACED,
    described,
    described_before,
    found,
    found_before,
    running,
    running_since_before,
    with_key,
    written,
)
from tests.unit.plan.references import PEPPER
from tests.unit.plan.world import NAME, changed_secret, context, decided, stamped

ALL = (1, 2, 3)
GUESSES = ((1, KEY), (2, ANOTHER), (3, ANOTHER))
FOREIGN = "natsctl cannot tell whether Secret js-key has the key"


def state(
    *claims: PersistentVolumeClaim,
    config: Secret | None = None,
    spec: dict[str, Any] | None = None,
    inputs: ConfigInputs | None = None,
    beyond: bool = False,
    **more: Any,
) -> ClusterState:
    """A cluster with these claims; `inputs` are what servers are to start with."""
    spec = spec or ENCRYPTED
    made = volumes(*claims, note=noted(*ALL, *((4,) if beyond else ())), spec=spec, **more)
    assert made.desired is not None
    goal = attrs.evolve(made.desired.target, inputs=found() if inputs is None else inputs)
    wanted = tuple(stamped(manifest) for manifest in owned_objects(goal))
    (live,) = made.owned["Secret"].values()
    config = config or written()
    config = changed_secret(config, annotations=live.metadata.annotations, uid="secret")
    owned = {**made.owned, "Secret": {NAME: config}}
    desired = attrs.evolve(made.desired, target=goal, objects=wanted)
    return attrs.evolve(made, owned=owned, desired=desired)


def claims(key: str | None = KEY, pepper: bytes = PEPPER) -> tuple[PersistentVolumeClaim, ...]:
    return tuple(described(index, key, pepper) for index in ALL)


def starts(made: ClusterState) -> list[str]:
    return [action.name for action in decided(scale_up, made, CreateServer)]


def why(made: ClusterState) -> str:
    return scale_up(context(made)).waiting[0]


def notes(made: ClusterState) -> set[KeySeal | None]:
    """What is to be noted on claims of their keys."""
    texts = (a.data for a in decided(note_claims, made, NoteClaims) if a.kind != "Secret")
    told = (parse_data(text) for text in texts)
    return {data.key for data in told if data is not None}


def vouching(made: ClusterState, key: str = KEY) -> ClusterState:
    """The user says that this is the key."""
    seal = wanted_key_seal(found(key))
    assert seal is not None
    texts = {names.KEY_ANNOTATION: seal.digest}
    meta = msgspec.structs.replace(made.cluster.metadata, annotations=texts)
    return attrs.evolve(made, cluster=msgspec.structs.replace(made.cluster, metadata=meta))


class TestTheKeyOfTheClaim:
    def test_is_the_one_that_servers_start_with(self) -> None:
        assert starts(state(*claims())) == ["c-1", "c-2", "c-3"]

    def test_is_another_one(self) -> None:
        odd = state(described(1), described(2, ANOTHER), described(3))
        assert starts(odd) == ["c-1", "c-3"]
        assert why(odd) == (
            "c-2: PersistentVolumeClaim js-c-2: Secret js-key has another key than the data is "
            "encrypted with: put the earlier one back; for a new key, set "
            "spec.jetstream.encryption to another Secret, or to another key of this one"
        )
        assert notes(odd) == set(), "it stays noted as it is"
        assert starts(vouching(odd)) == ["c-1", "c-3"], "nobody can say otherwise"

    def test_is_noted_before_the_first_server_starts(self) -> None:
        fresh = state(*claims(None))
        assert starts(fresh) == []
        assert notes(fresh) == {wanted_key_seal(found())}

    def test_is_what_a_pod_tells_while_there_is_one(self) -> None:
        there = state(*claims(ANOTHER), pods=running(1))
        assert notes(there) == {wanted_key_seal(found())}
        before = state(*claims(), pods=running(1, pepper=REPLACED))
        assert notes(before) == {wanted_key_seal(found(pepper=REPLACED))}

    def test_stays_where_a_pod_tells_nothing(self) -> None:
        (made,) = running(1)
        meta = msgspec.structs.replace(made.metadata, annotations={})
        there = state(*claims(), pods=(msgspec.structs.replace(made, metadata=meta),))
        assert notes(there) <= {wanted_key_seal(found())}


class TestTheKeyOfTheClaimCannotBeCompared:
    """natsctl had another secret when it was noted."""

    def test_the_configuration_of_this_very_cluster_tells_it(self) -> None:
        before = state(*claims(pepper=REPLACED))
        assert starts(before) == [], "it is noted anew first"
        assert notes(before) == {wanted_key_seal(found())}

    def test_of_an_earlier_cluster_only_the_user_knows_it(self) -> None:
        theirs = {names.CLUSTER_UID_ANNOTATION: EARLIER}
        left = tuple(annotated_claim(each, **theirs) for each in claims(pepper=REPLACED))
        before = state(*left)
        assert starts(before) == []
        assert FOREIGN in why(before)
        assert notes(before) == set()
        assert notes(vouching(before)) == {wanted_key_seal(found())}
        assert notes(vouching(before, ANOTHER)) == set()


class TestAnEarlierNatsctlNotedTheKey:
    """Its digest is of another form."""

    def test_the_same_key_is_noted_anew(self) -> None:
        before = state(*map(described_before, ALL), inputs=found_before())
        assert starts(before) == [], "it is noted anew first"
        assert notes(before) == {wanted_key_seal(found())}

    def test_so_it_is_of_a_server_that_runs(self) -> None:
        pods = running_since_before(*ALL)
        before = state(*map(described_before, ALL), inputs=found_before(), pods=pods)
        assert notes(before) == {wanted_key_seal(found())}

    def test_another_key_stays_noted_as_it_is(self) -> None:
        odd = described_before(2, ANOTHER)
        before = state(described(1), odd, described(3), inputs=found_before())
        assert starts(before) == ["c-1", "c-3"]
        assert "js-c-2: Secret js-key has another key" in why(before)
        assert notes(before) == set()

    def test_it_is_told_to_nobody_who_noted_it_on_a_claim_of_their_own(self) -> None:
        theirs = {names.CLUSTER_UID_ANNOTATION: EARLIER}
        copied = (annotated_claim(described_before(i, key), **theirs) for i, key in GUESSES)
        made = state(*copied)
        assert starts(made) == []
        told = scale_up(context(made)).waiting
        assert len(told) == len(GUESSES)
        assert all(FOREIGN in each for each in told)
        assert notes(made) == set()


class TestTheConfiguration:
    @pytest.mark.parametrize("config", [written(ANOTHER), written(spec=PLAIN)])
    def test_has_another_key_as_long_as_it_waits_for_something(self, config: Secret) -> None:
        made = state(*claims(), config=config)
        assert starts(made) == []
        assert why(made) == "c-1: Secret c does not contain the right encryption key yet"

    def test_has_a_key_that_is_not_wanted_any_more(self) -> None:
        """Nobody ever stored anything: then it is just written anew."""
        made = state(*(claim(i) for i in ALL), spec=PLAIN, inputs=ConfigInputs())
        assert starts(made) == []
        assert "does not contain the right encryption key yet" in why(made)

    def test_has_none_where_there_is_none(self) -> None:
        lacking = state(*claims(None), config=written(spec=PLAIN), inputs=ConfigInputs())
        assert starts(lacking) == []
        assert why(lacking) == "c-1: the key that its data is to be encrypted with is not there"

    def test_does_not_matter_to_servers_that_run(self) -> None:
        made = state(*claims(), config=written(ANOTHER), pods=running(*ALL))
        assert [obstacles_of(context(made))(index) for index in ALL] == ["", "", ""]


class TestAServerBeyondSize:
    """It may have to return to leave empty."""

    @pytest.mark.parametrize("key", [KEY, ANOTHER])
    def test_returns_with_its_key_only(self, key: str) -> None:
        made = state(*claims(), described(4, key), beyond=True, pods=running(*ALL))
        held = obstacles_to_others(context(made), (4,))
        if key == KEY:
            assert "is being noted" in held[4], "it tells of one more server by then"
        else:
            assert "js-c-4: Secret js-key has another key" in held[4]
            there = volumes_in(made)
            told = data_of_others(context(made), there.others, there.note or {}, (4,))(4)
            found = parse_data(told)
            assert found is not None
            assert found.key == wanted_key_seal(with_key(ANOTHER).inputs), "it stays noted"

    def test_waits_for_the_configuration_too(self) -> None:
        pods = running(*ALL)
        made = state(*claims(), described(4), config=written(ANOTHER), beyond=True, pods=pods)
        assert "right encryption key yet" in obstacles_to_others(context(made), (4,))[4]


def volumes_in(made: ClusterState) -> Volumes:
    there = volumes_of(context(made))
    assert there is not None
    return there
