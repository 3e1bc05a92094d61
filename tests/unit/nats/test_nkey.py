"""User nkeys are those of NATS."""

from __future__ import annotations

import base64
import binascii

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from natsctl.nats.nkey import Key

# The example of the NATS documentation.
SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"


def verify(key: Key, signature: bytes, signed: bytes) -> None:
    raw = base64.b32decode(key.public)[1:33]
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, signed)


def test_the_public_key_follows_from_the_seed() -> None:
    assert Key.from_seed(SEED).public == PUBLIC


def test_white_space_around_a_seed_is_no_part_of_it() -> None:
    assert Key.from_seed(f" {SEED}\n") == Key.from_seed(SEED)


def test_spellings_of_the_same_seed_are_the_same_key() -> None:
    """The last letter of base32 has bits that say nothing."""
    assert Key.from_seed(SEED[:-1] + "Z") == Key.from_seed(SEED)


def test_a_generated_key_comes_back_from_its_seed() -> None:
    key = Key.generate()
    assert (key.seed[:2], key.public[0], len(key.seed), len(key.public)) == ("SU", "U", 58, 56)
    assert Key.from_seed(key.seed) == key
    assert Key.from_seed(key.seed).public == key.public


def test_no_two_keys_are_generated_alike() -> None:
    assert len({Key.generate().public for _ in range(20)}) == 20


def test_signatures_are_verified_by_the_public_key_of_the_same_pair() -> None:
    mine, other = Key.generate(), Key.generate()
    signature = mine.sign(b"nonce")
    assert len(signature) == 64
    verify(mine, signature, b"nonce")
    with pytest.raises(InvalidSignature):
        verify(other, signature, b"nonce")
    with pytest.raises(InvalidSignature):
        verify(mine, signature, b"ecnon")


def test_a_key_does_not_show_its_seed() -> None:
    key = Key.from_seed(SEED)
    assert SEED not in f"{key} {key!r}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "checksum|seed"),
        ("SU1", "base32"),
        ("sü", "base32"),
        (SEED.lower(), "base32"),
        (SEED.replace("XKF", "XKG"), "checksum"),
        (SEED[:-2], "base32|checksum"),
        (PUBLIC, "not the seed"),
    ],
)
def test_what_is_no_seed_of_a_user_is_refused_without_being_quoted(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        Key.from_seed(text)
    shown = f"{raised.value!r} {raised.value.__cause__!r}"
    assert not text or text not in shown


def test_the_seed_of_an_account_is_refused() -> None:
    """It differs in the kind only: its checksum is right."""
    with pytest.raises(ValueError, match="not the seed of a user"):
        Key.from_seed(_account_seed())


def _account_seed() -> str:
    body = bytes((18 << 3, 0)) + bytes(32)
    checksum = binascii.crc_hqx(body, 0).to_bytes(2, "little")
    return base64.b32encode(body + checksum).rstrip(b"=").decode()
