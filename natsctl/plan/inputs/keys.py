"""Private and public keys of strangers, read without any computation that grows with them.

OpenSSL checks whether the primes of a private RSA key are some: that takes 0.4 s for a key of 4,096
bits and 14 s for one of 8,676, in which nothing else of the process runs. So it is not asked to;
whether the numbers of a key belong together shows in a few divisions.

`cryptography` is imported where it is used, as in `certificates`.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

KEY_BYTES: Final = 16 * 2**10
RSA_BITS: Final = 8192
"""Go's TLS takes no more from another side (crypto/tls, since 1.20.7)."""
EXPONENT_BITS: Final = 31
"""Nor a longer public exponent (crypto/x509)."""

_BEGIN, _KEY, _END = b"-----BEGIN ", b"PRIVATE KEY-----", b"-----END "
_OWN_FORMATS: Final = (b"RSA ", b"EC ")
_ALGORITHMS: Final = (
    bytes.fromhex("2a864886f70d010101"),  # rsaEncryption
    bytes.fromhex("2a8648ce3d0201"),  # id-ecPublicKey
    bytes.fromhex("2b6570"),  # id-Ed25519
)
_HEADER: Final = 128
"""Characters of a key in base64 that have its algorithm."""


def blocks(pem: bytes, label: bytes) -> Iterator[bytes]:
    """The parts of a text between `BEGIN` and `END` of a label, in one go through it."""
    begin, end = b"-----BEGIN %s-----" % label, b"-----END %s-----" % label
    at = 0
    while (start := pem.find(begin, at)) >= 0 and (stop := pem.find(end, start)) >= 0:
        at = stop + len(end)
        yield pem[start:at]


def public_half(pem: bytes) -> PublicKeyTypes:
    """The public key of the first private one; a ValueError if it is none that servers take."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    block = _first(pem[:KEY_BYTES])
    key = load_pem_private_key(block, None, unsafe_skip_rsa_key_validation=True)
    public = key.public_key()
    if isinstance(key, RSAPrivateKey) and not public_problem(public) and not _is_whole(key):
        raise ValueError("not an RSA key")
    return public


def public_problem(key: PublicKeyTypes) -> str:
    """Why nobody should compute with this key; empty if anybody may."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if not isinstance(key, RSAPublicKey):
        return ""
    numbers = key.public_numbers()
    if (bits := numbers.n.bit_length()) > RSA_BITS:
        return f"the RSA key has {bits} bits: servers and clients accept at most {RSA_BITS}"
    if numbers.e.bit_length() > EXPONENT_BITS:
        return (
            "the RSA key has an exponent that servers and clients do not accept: create a new one"
        )
    return ""


def _first(pem: bytes) -> bytes:
    """The first private key of a text, as nats-server finds it, of a kind that it takes."""
    label_end = pem.find(_KEY)
    start, stop = pem.rfind(_BEGIN, 0, label_end), pem.find(_END, label_end)
    if min(label_end, start, stop) < 0:
        raise ValueError("not a private key")
    label = pem[start + len(_BEGIN) : label_end]
    body = pem[label_end + len(_KEY) : stop]
    if label not in _OWN_FORMATS and (label or _algorithm(body) not in _ALGORITHMS):
        raise ValueError("not a type of key that servers accept")
    return pem[start:stop] + _END + label + _KEY + b"\n"


def _algorithm(body: bytes) -> bytes:
    """Which kind of key a PKCS #8 text has: the first identifier in it."""
    text = b"".join(body.split())[:_HEADER]
    try:
        der = base64.b64decode(text[: len(text) // 4 * 4])
        start, _ = _content(der, 0)
        _, version = _content(der, start)
        sequence, _ = _content(der, version)
        start, stop = _content(der, sequence)
    except (binascii.Error, IndexError) as error:
        raise ValueError("not a key") from error
    return der[start:stop]


def _content(der: bytes, at: int) -> tuple[int, int]:
    """From where to where the content of the element goes that begins here."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(der[start : start + count], "big"), start + count
    return start, start + length


def _is_whole(key: RSAPrivateKey) -> bool:
    """Whether its numbers belong together, as far as divisions tell."""
    private = key.private_numbers()
    public, p, q, d = private.public_numbers, private.p, private.q, private.d
    return (
        min(p, q) > 2
        and p * q == public.n
        and (d * public.e - 1) % (p - 1) == 0
        and (d * public.e - 1) % (q - 1) == 0
        and private.dmp1 == d % (p - 1)
        and private.dmq1 == d % (q - 1)
        and private.iqmp * q % p == 1
    )
