"""Pods and claims tell which key there is, and nobody learns it from that."""

from __future__ import annotations

import pytest

from natsctl.plan.encryption.seal import (
    KeySeal,
    in_present_form,
    is_comparable,
    key_seal_of,
    parse_key_seal,
    wanted_key_seal,
)
from natsctl.render.inputs import ConfigInputs
from tests.unit.plan.encrypted import (
    ANOTHER,
    KEY,
    PLAIN,
    REPLACED,
    found,
    found_before,
    running,
    running_since_before,
)
from tests.unit.plan.world import pod

SEAL = KeySeal("0123456789", "abcdef0123")


def test_what_is_noted_is_read_again() -> None:
    assert parse_key_seal(str(SEAL)) == SEAL
    assert parse_key_seal(str(KeySeal("", SEAL.digest))) == KeySeal("", SEAL.digest)


@pytest.mark.parametrize("text", ["", ":", "abcdef0123", "x:abcdef0123", "0123:abc", f"{SEAL}\n"])
def test_what_somebody_edited_is_not(text: str) -> None:
    assert parse_key_seal(text) is None


def test_a_pod_tells_what_was_wanted_when_it_was_made() -> None:
    (made,) = running(1)
    assert key_seal_of(made) == wanted_key_seal(found())
    assert key_seal_of(made) != wanted_key_seal(found(ANOTHER))
    assert KEY not in str(key_seal_of(made))


def test_without_a_key_there_is_nothing_to_tell() -> None:
    assert key_seal_of(pod(1, PLAIN)) is None
    assert wanted_key_seal(ConfigInputs()) is None


def test_another_secret_of_natsctl_makes_another_digest_of_the_same_key() -> None:
    now, before = wanted_key_seal(found()), wanted_key_seal(found(pepper=REPLACED))
    assert now is not None
    assert before is not None
    assert now.seal != before.seal
    assert now.digest != before.digest


class TestOfAnEarlierNatsctl:
    def test_the_same_key_is_known_as_the_wanted_one(self) -> None:
        (told,), now = map(key_seal_of, running_since_before(1)), found_before()
        assert told is not None
        assert told != wanted_key_seal(now)
        assert is_comparable(told, now)
        assert in_present_form(told, now) == wanted_key_seal(now)

    def test_another_key_is_known_as_another_one_and_stays_as_it_was_noted(self) -> None:
        (told,), now = map(key_seal_of, running_since_before(1, key=ANOTHER)), found_before()
        assert told is not None
        assert is_comparable(told, now)
        assert in_present_form(told, now) == told

    def test_none_is_compared_where_it_may_not_be(self) -> None:
        """Whoever notes what somebody else's claim says learns nothing about it."""
        (told,) = map(key_seal_of, running_since_before(1))
        assert told is not None
        assert not is_comparable(told, found())
        assert in_present_form(told, found()) == told
