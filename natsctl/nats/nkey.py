"""User nkeys: Ed25519 keys as NATS writes them, with which a user proves who it is.

https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED: Final = 18 << 3
_USER: Final = 20 << 3
# A seed has its own prefix and that of its public key in two bytes: five bits of each.
_USER_SEED: Final = bytes((_SEED | _USER >> 5, (_USER & 31) << 3))
_SIZE: Final = 32


@frozen
class Key:
    """The key of one user. `seed` is its secret half, the text that begins with SU."""

    seed: str = field(repr=False)

    @classmethod
    def generate(cls) -> Key:
        """A key that nobody else has."""
        return cls.of(secrets.token_bytes(_SIZE))

    @classmethod
    def of(cls, secret: bytes) -> Key:
        """The key with these 32 secret bytes."""
        assert len(secret) == _SIZE
        return cls(_encode(_USER_SEED + secret))

    @classmethod
    def from_seed(cls, text: str) -> Key:
        """The key of a seed; ValueError, which does not quote it, if it is none of a user."""
        return cls.of(_secret(text.strip()))

    @property
    def public(self) -> str:
        """The public half as configurations name the user: text that begins with U."""
        return _encode(bytes((_USER,)) + self._private().public_key().public_bytes_raw())

    def sign(self, nonce: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._private().sign(nonce)

    def _private(self) -> Ed25519PrivateKey:
        # Imported late: it costs an operator without servers to reload 7 MiB.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(_secret(self.seed))


def _encode(content: bytes) -> str:
    return base64.b32encode(content + _checksum(content)).rstrip(b"=").decode()


def _secret(seed: str) -> bytes:
    try:
        padded = seed + "=" * (-len(seed) % 8)
        content = base64.b32decode(padded)
    except (ValueError, binascii.Error):
        raise ValueError("not an nkey: it is not base32") from None
    body, checksum = content[:-2], content[-2:]
    if checksum != _checksum(body):
        raise ValueError("not an nkey: its checksum is wrong")
    if len(body) != len(_USER_SEED) + _SIZE or not body.startswith(_USER_SEED):
        raise ValueError("not the seed of a user's nkey")
    return body[len(_USER_SEED) :]


def _checksum(content: bytes) -> bytes:
    """CRC-16/XMODEM."""
    return binascii.crc_hqx(content, 0).to_bytes(2, "little")
