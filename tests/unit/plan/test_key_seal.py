"""Pods and claims tell which key there is, and nobody learns it from that."""

from __future__ import annotations

import pytest

from natsctl.plan.key_seal import KeySeal, key_seal_of, parse_key_seal, wanted_key_seal
from natsctl.render.inputs import ConfigInputs
from tests.unit.plan.encrypted import ANOTHER, KEY, PLAIN, REPLACED, found, running
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
