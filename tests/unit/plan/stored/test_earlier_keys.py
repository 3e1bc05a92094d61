"""Each server starts with the key of its own volume while a new one is on its way."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.types.jetstream import Encryption
from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim, Pod, Secret
from natsctl.plan.claims.data import Data, data_text, fields_of
from natsctl.plan.encryption.seal import wanted_key_seal
from natsctl.plan.encryption.wanted import key_of
from natsctl.plan.stored.earlier_keys import MOST_KEYS, MOST_SECRETS, noted_secrets
from natsctl.plan.stored.key import keyed
from natsctl.plan.written_block import StreamKey, keys_in
from natsctl.render.inputs import STREAM_KEY, ConfigInputs, EarlierKey
from natsctl.render.objects.secret import config_secret
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.target import Target
from tests.unit.plan.claims.volumes import annotated_claim, claim
from tests.unit.plan.encrypted import ANOTHER, KEY, PLAIN, REPLACED, SPEC, made_for, stored
from tests.unit.plan.references import PEPPER, references, resolved, secret

KEYS = {"old": KEY, "new": ANOTHER, "third": "a key of twenty chars"}
OLD = Encryption("old", "key", "chacha")
REPLACE: dict[str, Any] = {"fileStore": {"resizePolicy": "Replace"}}
Name = str | None


def spec_of(name: Name, cipher: str = "chacha") -> dict[str, Any]:
    """What the spec says if the key is that of this Secret; None: no encryption."""
    given = {"encryption": {"secret": name, "cipher": cipher}} if name else {}
    return SPEC | {"jetstream": REPLACE | given}


def wanting(name: Name, *, pepper: bytes = PEPPER, key: str | None = None) -> Target:
    """What is wanted for that; `key` is in the Secret instead of the usual one."""
    users = (secret(it, {"key": key if key and it == name else KEYS[it]}) for it in KEYS)
    found = resolved(spec_of(name), references(*users, pepper=pepper))
    assert found.missing == ()
    return made_for(spec_of(name), found.inputs)


def pod_of(made: Target, index: int) -> Pod:
    return msgspec.convert(render_pod(made.of_server(index), index), Pod)


def claim_of(made: Target, index: int, *, size: int = 3) -> PersistentVolumeClaim:
    """Its volume was written by a server of this target."""
    one = made.of_server(index)
    seal = wanted_key_seal(one.inputs)
    fields = fields_of(one.spec) | ({STREAM_KEY: str(seal)} if seal is not None else {})
    note = data_text(Data(fields, size, "2.14.10"))
    found = claim(index, spec=PLAIN | {"size": max(3, index)})
    return annotated_claim(found, **{names.DATA_ANNOTATION: note})


def config_of(made: Target) -> Secret:
    return msgspec.convert(config_secret(made), Secret)


def given_to(
    wanted: Target,
    *written: tuple[Target, int],
    pods: tuple[Pod, ...] = (),
    config: Secret | None = None,
    secrets: tuple[str, ...] = ("old", "new", "third"),
    **more: Any,
) -> tuple[Target, str]:
    """The keys that servers get whose volumes were written like this."""
    known = attrs.evolve(stored(*(claim_of(*it) for it in written), config=config), **more)
    users = (secret(name, {"key": KEYS[name]}) for name in secrets)
    return keyed(wanted, pods, known, references(*users))


def sealed(made: Target) -> str:
    return made.inputs.sealed[STREAM_KEY]


THREE = (1, 2, 3)
WAS = wanting("old")
RUNNING = tuple(pod_of(WAS, index) for index in THREE)
WRITTEN = tuple((WAS, index) for index in THREE)
KNOWN = EarlierKey(OLD, KEY, sealed(WAS), "")


class TestWhatServersHave:
    @pytest.mark.parametrize("pods", [RUNNING, ()])
    def test_is_in_the_configuration(self, pods: tuple[Pod, ...]) -> None:
        found, why = given_to(wanting("new"), *WRITTEN, pods=pods, config=config_of(WAS))
        assert why == ""
        assert found.earlier == dict.fromkeys(THREE, KNOWN)
        assert key_of(found) == StreamKey(ANOTHER, "chacha")
        assert keys_in(config_of(found)) == {
            "": StreamKey(KEY, "chacha"),
            sealed(wanting("new")): StreamKey(ANOTHER, "chacha"),
        }

    def test_or_still_in_the_users_secret(self) -> None:
        """No file that another key may have been in gets one: pods may start with it."""
        found, why = given_to(wanting("new"), *WRITTEN, pods=RUNNING)
        assert why == ""
        assert found.earlier[1] == attrs.evolve(KNOWN, suffix=sealed(WAS))
        assert found.inputs.suffix == sealed(wanting("new"))

    @pytest.mark.parametrize("pods", [RUNNING, ()])
    def test_or_nothing_changes(self, pods: tuple[Pod, ...]) -> None:
        found, why = given_to(wanting("new"), *WRITTEN, pods=pods, secrets=("new",))
        assert why == (
            "natsctl does not find the key that the data on PersistentVolumeClaim js-c-1 is "
            "encrypted with: restore Secret old with it, at the key key (and natsctl's own Secret "
            "nats-operator-system-user, if that was replaced), or set spec.jetstream.encryption "
            "back; or delete the claim, if its data may be lost"
        )
        assert found.earlier == dict.fromkeys(THREE, EarlierKey(OLD))
        assert set(keys_in(config_of(found))) == {found.inputs.suffix}

    def test_is_what_new_ones_get_too_where_the_key_is_the_same(self) -> None:
        same = wanting("new", key=KEY)
        assert given_to(same, *WRITTEN, pods=RUNNING, config=config_of(WAS)) == (same, "")

    def test_is_nothing_where_nothing_was_stored(self) -> None:
        waiting = made_for(spec_of("old"), ConfigInputs(seal=WAS.inputs.seal))
        found, why = given_to(wanting("new"), (waiting, 1), (waiting, 2))
        assert (found.earlier, why) == ({}, "")

    def test_is_the_same_while_the_new_secret_is_missing(self) -> None:
        lacking = made_for(spec_of("new"), ConfigInputs(seal=WAS.inputs.seal))
        found, why = given_to(lacking, *WRITTEN, pods=RUNNING, config=config_of(WAS))
        assert (found.earlier, why) == (dict.fromkeys(THREE, KNOWN), "")
        assert key_of(found) == StreamKey()

    def test_and_those_that_have_the_new_one_keep_it_then(self) -> None:
        half, _ = given_to(wanting("new"), *WRITTEN[:2], config=config_of(WAS))
        lacking = made_for(spec_of("new"), ConfigInputs(seal=WAS.inputs.seal))
        there = (pod_of(half, 1), pod_of(half, 2), pod_of(half, 3))
        found, why = given_to(
            lacking, *WRITTEN[:2], (wanting("new"), 3), pods=there, config=config_of(half)
        )
        assert (found.earlier, why) == (dict.fromkeys((1, 2), KNOWN), "")
        assert key_of(found) == StreamKey(ANOTHER, "chacha")
        assert found.inputs.suffix == half.inputs.suffix

    def test_does_not_matter_of_servers_that_were_removed(self) -> None:
        found, _ = given_to(wanting("new"), (WAS, 9), config=config_of(WAS))
        assert found.earlier == {}

    def test_matters_of_those_that_are_to_come_back(self) -> None:
        beyond = claim_of(WAS, 4, size=4)
        known = stored(beyond, config=config_of(WAS))
        assert set(keyed(wanting("new"), (), known, references())[0].earlier) == {4}
        left = attrs.evolve(known, left=frozenset({4}))
        assert keyed(wanting("new"), (), left, references())[0].earlier == {}


class TestWithoutEncryption:
    def test_servers_go_on_without_until_they_are_replaced(self) -> None:
        plain = wanting(None)
        there = tuple(pod_of(plain, index) for index in THREE)
        was = tuple((plain, index) for index in THREE)
        found, why = given_to(wanting("old"), *was, pods=there, config=config_of(plain))
        assert (found.earlier, why) == (dict.fromkeys(THREE, EarlierKey(None)), "")
        assert keys_in(config_of(found))[""] == StreamKey()

    def test_and_with_it_likewise(self) -> None:
        found, why = given_to(wanting(None), *WRITTEN, pods=RUNNING, config=config_of(WAS))
        assert (found.earlier, why) == (dict.fromkeys(THREE, KNOWN), "")
        assert keys_in(config_of(found)) == {"": StreamKey(KEY, "chacha"), "plain": StreamKey()}

    def test_no_file_of_a_lost_configuration_is_guessed(self) -> None:
        plain = wanting(None)
        found, why = given_to(wanting("old"), (plain, 1), pods=(pod_of(plain, 1),))
        assert (found.earlier, why) == ({1: EarlierKey(None, suffix="plain")}, "")

    def test_what_no_claim_tells_stays_as_it_is(self) -> None:
        told = "PersistentVolumeClaim js-c-1 does not say how its data is encrypted"
        assert given_to(wanting(None), pods=RUNNING)[1].startswith(told)
        there = (pod_of(wanting(None), 1),)
        assert given_to(wanting("old"), pods=there)[1].startswith(told)

    def test_a_claim_that_somebody_edited_tells_nothing_beside_its_pod(self) -> None:
        edited = ((wanting(None), 1),)
        assert given_to(wanting(None), *edited, pods=RUNNING[:1])[1] != ""
        found, why = given_to(WAS, *edited, pods=RUNNING[:1])
        assert (found.earlier, why) == ({}, "")


BEFORE = wanting("old", pepper=REPLACED)
PODS = tuple(pod_of(BEFORE, index) for index in THREE)
CLAIMS = tuple((BEFORE, index) for index in THREE)


class TestNatsctlHasAnotherSecret:
    """Its digests can be compared with no key."""

    def test_the_file_that_pods_start_with_tells(self) -> None:
        found, why = given_to(wanting("new"), *CLAIMS, pods=PODS, config=config_of(BEFORE))
        assert (found.earlier, why) == (dict.fromkeys(THREE, KNOWN), "")

    def test_also_that_it_is_the_same_key(self) -> None:
        same = wanting("new", key=KEY)
        config = config_of(BEFORE)
        assert given_to(same, *CLAIMS, pods=PODS, config=config) == (same, "")

    def test_without_pods_nothing_does(self) -> None:
        config = config_of(BEFORE)
        found, why = given_to(wanting("new"), *CLAIMS, config=config)
        assert found.earlier == dict.fromkeys(THREE, EarlierKey(OLD))
        assert "natsctl does not find the key" in why

    def test_nor_does_a_file_with_another_cipher(self) -> None:
        aes = made_for(spec_of("old", "aes"), WAS.inputs)
        found, why = given_to(wanting("new"), *CLAIMS, pods=PODS, config=config_of(aes))
        assert found.earlier == dict.fromkeys(THREE, EarlierKey(OLD))
        assert why != ""


def test_so_many_keys_are_enough() -> None:
    many = {f"k{number}": f"key number {number:09}" for number in range(MOST_KEYS + 1)}
    users = [secret(name, {"key": key}) for name, key in (KEYS | many).items()]
    made = {
        name: made_for(spec_of(name), resolved(spec_of(name), references(*users)).inputs)
        for name in many
    }
    there = [claim_of(one, index, size=9) for index, one in enumerate(made.values(), 1)]
    known = references(*users)
    wanted = attrs.evolve(wanting("new"), spec=attrs.evolve(wanting("new").spec, size=9))
    assert keyed(wanted, (), stored(*there[1:]), known)[1] == ""
    assert keyed(wanted, (), stored(*there), known)[1] == (
        "servers have more than 4 different encryption keys: set spec.jetstream.encryption back to "
        "one of these, and wait until all servers have it"
    )


def test_claims_name_secrets_and_not_too_many() -> None:
    assert noted_secrets(stored(*(claim_of(*it) for it in WRITTEN))) == {"old"}
    assert noted_secrets(stored(claim_of(wanting(None), 1))) == frozenset()
    data = {
        index: Data(fields_of(made_for(spec_of(f"s{index:03}"), ConfigInputs()).spec), 3)
        for index in range(1, 100)
    }
    assert len(noted_secrets(attrs.evolve(stored(), data=data))) == MOST_SECRETS


def test_nobody_sees_a_key() -> None:
    found, _ = given_to(wanting("new"), *WRITTEN, pods=RUNNING, config=config_of(WAS))
    assert KEY not in repr(found)
    assert KEY not in str(render_pod(found.of_server(1), 1))


@attrs.frozen
class Step:
    """The user asks for this key, and then some servers get it; the configuration may be lost."""

    name: Name
    replaced: frozenset[int]
    is_lost: bool = False


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([None, *KEYS]),
        st.frozensets(st.sampled_from(THREE)),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(st.sampled_from([None, *KEYS]), STEPS)
def test_no_server_ever_starts_with_another_key(first: Name, steps: list[Step]) -> None:
    """Whatever is asked for, in the files that the pod starts with is the key of its volume."""
    made = wanting(first)
    written = {index: (made, index) for index in THREE}
    pods, files = {index: pod_of(made, index) for index in THREE}, dict.fromkeys(THREE, "")
    names_of: dict[int, Name] = dict.fromkeys(THREE, first)
    config: Secret | None = config_of(made)
    for step in steps:
        there = tuple(pods.values())
        found, why = given_to(
            wanting(step.name),
            *written.values(),
            pods=there,
            config=None if step.is_lost else config,
        )
        assert why == ""
        config = config_of(found)
        for index, name in names_of.items():
            one = found.of_server(index)
            has = StreamKey(KEYS[name], "chacha") if name else StreamKey()
            assert key_of(one) == keys_in(config)[one.inputs.suffix] == has
            assert keys_in(config).get(files[index], has) == has, "a container that starts again"
            assert step.is_lost or files[index] == one.inputs.suffix
        for index in THREE:
            made = attrs.evolve(found, earlier={}) if index in step.replaced else found
            if index in step.replaced:
                written[index], names_of[index] = (made, index), step.name
            if index in step.replaced or step.is_lost:
                pods[index], files[index] = pod_of(made, index), made.of_server(index).inputs.suffix
