"""No server gets a key that its data may not be encrypted with."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model.objects import Cluster, Meta, PersistentVolumeClaim, Pod
from natsctl.plan.desired import ParsedSpec, desired_of
from natsctl.plan.encryption.seal import wanted_key_seal
from natsctl.plan.encryption.wanted import key_of
from natsctl.plan.stored.key import keyed
from natsctl.plan.written_block import StreamKey
from natsctl.render.inputs import ConfigInputs, Images
from natsctl.render.revision.revision import STREAM_KEY
from tests.unit.plan.encrypted import (
    ANOTHER,
    ENCRYPTED,
    KEY,
    PLAIN,
    REPLACED,
    SPEC,
    described,
    described_before,
    found,
    found_before,
    made_for,
    running,
    running_since_before,
    stored,
    with_key,
    written,
)
from tests.unit.plan.references import BEFORE, PEPPER, references, secret
from tests.unit.plan.world import NAME, NAMESPACE, UID, target

BACK = "Secret js-key has another key than the data is encrypted with: put the earlier one back"
WHERE = ", which Secret c still contains"
INSTEAD = (
    "; for a new key, set spec.jetstream.encryption to another Secret, or to another key of this "
    "one"
)
OTHER, OTHER_THERE = BACK + INSTEAD, BACK + WHERE + INSTEAD
VOUCH = "kubectl annotate natscluster c --namespace ns --overwrite nats.io/encryption-key="
Claims = tuple[PersistentVolumeClaim, ...]


def claims(key: str | None = KEY, pepper: bytes = PEPPER) -> Claims:
    return tuple(described(index, key, pepper) for index in (1, 2, 3))


def objection(
    key: str = KEY,
    pods: tuple[Pod, ...] = (),
    there: Claims = (),
    config: str = "",
    vouched: str = "",
    *,
    before: bool = False,
) -> str:
    """To the key of the user's Secret; `config` is that of the config Secret.

    `before`: digests of an earlier natsctl may be compared.
    """
    known = stored(*there, config=written(config) if config else None, vouched=vouched)
    wanted = made_for(ENCRYPTED, found_before(key)) if before else with_key(key)
    compared = references(compared=BEFORE) if before else references()
    goal, why = keyed(wanted, pods, known, compared)
    kept = key_of(goal).key
    assert kept == (config if why else key), "the wrong key reaches nobody"
    assert (STREAM_KEY in goal.inputs.sealed) is bool(kept)
    return why


class TestNothingIsStored:
    def test_any_key_is_taken(self) -> None:
        assert objection() == ""
        assert objection(config=ANOTHER) == ""

    def test_so_it_is_where_only_the_claims_are_made(self) -> None:
        assert objection(there=claims(None)) == ""


class TestServersHaveData:
    @pytest.mark.parametrize("config", ["", KEY, ANOTHER])
    def test_pods_tell_the_key(self, config: str) -> None:
        assert objection(pods=running(1, 2), config=config) == ""
        other = OTHER_THERE if config else OTHER
        assert objection(ANOTHER, running(1, 2), config=config) == other

    @pytest.mark.parametrize("config", ["", ANOTHER])
    def test_so_do_claims_of_servers_without_pods(self, config: str) -> None:
        assert objection(there=claims(), config=config) == ""
        assert objection(KEY, there=claims(ANOTHER), config=config).startswith(BACK)

    def test_one_that_differs_is_enough(self) -> None:
        there = (described(1), described(2), described(3, ANOTHER))
        assert objection(there=there) == OTHER

    def test_beside_the_configuration_it_holds_up_its_own_server_only(self) -> None:
        there = (described(1), described(2), described(3, ANOTHER))
        assert objection(there=there, config=KEY) == ""

    def test_a_claim_that_somebody_edited_says_nothing_beside_its_pod(self) -> None:
        assert objection(pods=running(1, 2, 3), there=claims(ANOTHER)) == ""

    def test_claims_of_servers_that_were_removed_say_nothing(self) -> None:
        assert objection(there=(described(9, ANOTHER),)) == ""

    def test_the_configuration_tells_it_where_nobody_else_does(self) -> None:
        assert objection(ANOTHER, there=claims(None), config=KEY) == OTHER_THERE


class TestNatsctlHasAnotherSecret:
    """Digests of before can be compared with nothing."""

    @pytest.mark.parametrize(
        ("pods", "there"), [(running(1, pepper=REPLACED), ()), ((), claims(KEY, REPLACED))]
    )
    def test_the_configuration_tells_the_key(self, pods: tuple[Pod, ...], there: Claims) -> None:
        assert objection(pods=pods, there=there, config=KEY) == ""
        assert objection(ANOTHER, pods, there, config=KEY) == OTHER_THERE

    @pytest.mark.parametrize(
        ("pods", "there"), [(running(1, pepper=REPLACED), ()), ((), claims(KEY, REPLACED))]
    )
    def test_without_it_only_the_user_knows(self, pods: tuple[Pod, ...], there: Claims) -> None:
        digest = wanted_key_seal(found())
        assert digest is not None
        told = objection(pods=pods, there=there)
        assert told.startswith("natsctl cannot tell whether Secret js-key has the key")
        assert told.endswith(f"{VOUCH}{digest.digest}")
        assert objection(pods=pods, there=there, vouched=digest.digest) == ""
        assert objection(ANOTHER, pods, there, vouched=digest.digest) != ""

    def test_a_claim_that_was_noted_since_tells_more_than_a_pod_of_before(self) -> None:
        pods = running(1, pepper=REPLACED)
        assert objection(pods=pods, there=(described(1),)) == ""
        assert objection(ANOTHER, pods, (described(1),)) == OTHER

    def test_nobody_says_that_a_key_is_right_where_it_is_known_to_be_wrong(self) -> None:
        digest = wanted_key_seal(found(ANOTHER))
        assert digest is not None
        assert objection(ANOTHER, running(1), vouched=digest.digest) == OTHER
        assert objection(ANOTHER, there=claims(), vouched=digest.digest) == OTHER


class TestAnEarlierNatsctlNotedIt:
    """Its digests are of another form."""

    BEFORE_ALL = tuple(described_before(index) for index in (1, 2, 3))
    OTHERS = tuple(described_before(index, ANOTHER) for index in (1, 2, 3))

    @pytest.mark.parametrize("config", ["", KEY])
    def test_of_a_cluster_of_before_they_are_compared(self, config: str) -> None:
        pods, others = running_since_before(1), running_since_before(1, key=ANOTHER)
        other = OTHER_THERE if config else OTHER
        assert objection(pods=pods, there=self.BEFORE_ALL, config=config, before=True) == ""
        assert objection(pods=others, config=config, before=True) == other

    def test_so_they_are_where_no_pod_tells(self) -> None:
        assert objection(there=self.BEFORE_ALL, before=True) == ""
        assert objection(there=self.OTHERS, before=True) == OTHER

    def test_of_a_new_one_they_are_like_those_of_another_secret(self) -> None:
        """Somebody may have copied them from another namespace, to try what the key is."""
        right, wrong = (objection(there=each) for each in (self.BEFORE_ALL, self.OTHERS))
        assert right == wrong
        assert right.startswith("natsctl cannot tell whether Secret js-key has the key")
        digest = wanted_key_seal(found())
        assert digest is not None
        assert objection(there=self.BEFORE_ALL, vouched=digest.digest) == ""
        assert objection(there=self.BEFORE_ALL, config=KEY) == ""
        assert objection(ANOTHER, there=self.BEFORE_ALL, config=KEY) == OTHER_THERE


class TestNoKeyIsThere:
    def test_servers_keep_the_one_that_they_have(self) -> None:
        lacking = made_for(ENCRYPTED, ConfigInputs())
        goal, why = keyed(lacking, running(1), stored(config=written()), references())
        assert (key_of(goal), why) == (StreamKey(KEY, "chacha"), "")
        assert goal.inputs.sealed[STREAM_KEY] == found().sealed[STREAM_KEY]

    def test_without_any_none_starts(self) -> None:
        goal, why = keyed(made_for(ENCRYPTED, ConfigInputs()), (), stored(), references())
        assert (key_of(goal), why) == (StreamKey(), "")

    def test_with_another_cipher_it_is_another_key(self) -> None:
        aes = SPEC | {"jetstream": {"encryption": {"secret": "js-key", "cipher": "aes"}}}
        lacking = made_for(aes, ConfigInputs())
        goal, _ = keyed(lacking, (), stored(config=written()), references())
        assert key_of(goal) == StreamKey()


@pytest.mark.parametrize("spec", [PLAIN, SPEC])
def test_who_does_not_encrypt_needs_none(spec: dict[str, Any]) -> None:
    goal = target(spec)
    assert keyed(goal, (), stored(config=written()), references()) == (goal, "")


def test_the_configuration_waits_and_what_is_there_stays() -> None:
    made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID), spec=ENCRYPTED)
    parsed = ParsedSpec(target(ENCRYPTED).spec, target(ENCRYPTED).version)
    known = references(secret("js-key", {"key": ANOTHER}))
    there = attrs.evolve(stored(config=written()), known=True)
    goal = desired_of(made, parsed, running(1), known, Images(), stored=there)
    assert goal is not None
    assert goal.waiting == (OTHER_THERE,)
    assert key_of(goal.target) == StreamKey(KEY, "chacha")
    assert goal.revision[STREAM_KEY] == found().sealed[STREAM_KEY]
