"""Keys that somebody made to cost time are refused before anything is computed with them."""

from __future__ import annotations

import base64
import datetime
import random
import time
from collections.abc import Callable
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from natsctl.plan.inputs.certificates import CA_BYTES, CA_MOST, CHAIN_BYTES, inspect
from natsctl.plan.inputs.keys import RSA_BITS, blocks, public_half, public_problem
from tests.unit.pace import allowed
from tests.unit.plan.inputs.test_certificates import BAD_KEY, CA, CHAIN, ELLIPTIC, KEY, pem, private

LONGEST = 0.1
"""Seconds for which nothing else may run; the processor's, not those of a busy machine."""
RANDOM = random.Random(1)
SMALL = rsa.generate_private_key(65537, 1024).private_numbers()


def element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes(3, "big").lstrip(b"\0")
    return bytes([tag, 0x80 | len(length)]) + length + content


def integer(number: int) -> bytes:
    return element(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def sequence(*parts: bytes) -> bytes:
    return element(0x30, b"".join(parts))


def text(der: bytes, label: str = "RSA PRIVATE KEY") -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def rsa_key(
    n: int, e: int, d: int, p: int, q: int, dp: int | None = None, iq: int | None = None
) -> bytes:
    inverse = pow(q, -1, p) if iq is None else iq
    numbers = (0, n, e, d, p, q, d % (p - 1) if dp is None else dp, d % (q - 1), inverse)
    return text(sequence(*map(integer, numbers)))


def crafted(bits: int, e: int = 65537) -> bytes:
    """A key whose numbers belong together, but for the primes, which are none."""
    while True:
        p, q = (RANDOM.getrandbits(bits // 2) | 1 | 3 << bits // 2 - 2 for _ in range(2))
        try:
            d = pow(e, -1, (p - 1) * (q - 1))
            return rsa_key(p * q, e, d, p, q)
        except ValueError:
            continue


def seconds(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started


@pytest.mark.parametrize("bits", [2048, 4096, RSA_BITS])
def test_the_largest_keys_cost_next_to_nothing(bits: int) -> None:
    key = crafted(bits)
    assert public_problem(public_half(key)) == ""
    assert seconds(lambda: public_half(key)) < allowed(LONGEST)


@pytest.mark.parametrize("bits", [RSA_BITS + 2, 8676, 16384])
def test_larger_ones_are_refused_with_the_reason(bits: int) -> None:
    key = crafted(bits)
    problem = public_problem(public_half(key))
    assert problem == f"the RSA key has {bits} bits: servers and clients accept at most {RSA_BITS}"
    assert seconds(lambda: public_half(key)) < allowed(LONGEST)


def test_a_certificate_with_such_a_key_says_so() -> None:
    public = public_half(crafted(8676))
    assert isinstance(public, rsa.RSAPublicKey)
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, public, 1)
    start, end = datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)
    signed = builder.not_valid_before(start).not_valid_after(end).sign(ELLIPTIC, hashes.SHA256())
    found = inspect(signed.public_bytes(Encoding.PEM), crafted(8676), None)
    assert found.problem.startswith("the RSA key has 8676 bits")
    assert found.not_after


def test_exponents_are_bounded() -> None:
    key = public_half(crafted(2048, e=2**40 + 1))
    assert "exponent" in public_problem(key)


@pytest.mark.parametrize(
    "change",
    [
        {"p": SMALL.p + 2},
        {"d": SMALL.d + 2},
        {"n": SMALL.public_numbers.n + 2},
        {"dp": SMALL.dmp1 + 1},
        {"iq": SMALL.iqmp + 1},
        {"p": 1, "q": SMALL.public_numbers.n, "dp": 1, "iq": 1},
    ],
)
def test_numbers_that_do_not_belong_together_are_no_key(change: dict[str, int]) -> None:
    good = {
        "n": SMALL.public_numbers.n,
        "e": 65537,
        "d": SMALL.d,
        "p": SMALL.p,
        "q": SMALL.q,
    }
    assert public_half(rsa_key(**good)) == SMALL.public_numbers.public_key()
    with pytest.raises(ValueError, match=r"."):
        public_half(rsa_key(**{**good, **change}))


def test_both_formats_are_read() -> None:
    key = rsa.generate_private_key(65537, 1024)
    older = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert public_half(older) == public_half(private(key)) == key.public_key()


OIDS = {"dsa": "2a8648ce380401", "dh": "2a864886f70d010301", "x9.42": "2a8648ce3e0201"}


@pytest.mark.parametrize("oid", OIDS.values(), ids=OIDS)
def test_kinds_that_are_computed_with_while_they_are_read_are_not_read(oid: str) -> None:
    p = RANDOM.getrandbits(30_000) | 1
    kind = sequence(
        element(6, bytes.fromhex(oid)), sequence(integer(p), integer(p >> 9), integer(5))
    )
    key = text(sequence(integer(0), kind, element(4, integer(p >> 9))), "PRIVATE KEY")
    assert seconds(lambda: inspect(CHAIN, key, None)) < allowed(LONGEST)
    assert inspect(CHAIN, key, None).problem == BAD_KEY


BEGIN = b"-----BEGIN CERTIFICATE-----"
HOSTILE = {
    "begins and no end": BEGIN * 19_000,
    "ends and no begin": b"-----END CERTIFICATE-----" * 19_000,
    "many that are none": pem(b"garbage") * 6_000,
    "keys without an end": b"-----BEGIN PRIVATE KEY-----\n" * 18_000,
    "a long line": b"A" * CA_BYTES,
    "many blank lines": b"\n" * CA_BYTES,
}


@pytest.mark.parametrize("junk", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(junk: bytes) -> None:
    for cert, key, ca in (
        (CHAIN + junk[: CHAIN_BYTES - len(CHAIN)], KEY, CA),
        (CHAIN, junk, CA),
        (CHAIN, KEY, junk[:CA_BYTES]),
        (junk, junk, junk),
    ):
        assert seconds(partial(inspect, cert, key, ca)) < allowed(LONGEST)


def test_texts_are_bounded() -> None:
    assert f"reads at most {CHAIN_BYTES}" in inspect(CHAIN + b"\n" * CHAIN_BYTES, KEY, CA).problem
    assert f"reads at most {CA_BYTES}" in inspect(CHAIN, KEY, CA + b"\n" * CA_BYTES).problem
    assert inspect(CHAIN, KEY, CA * CA_MOST).problem == ""
    assert inspect(CHAIN, KEY, CA * (CA_MOST + 1)).problem.startswith("the CA has more than 160")
    assert inspect(CHAIN, b"\n" * 20_000 + KEY, CA).problem == BAD_KEY


def test_blocks_are_found_in_order() -> None:
    one, two = pem(b"one").strip(), pem(b"two").strip()
    assert list(blocks(b"x" + one + b"\n# y\n" + two + BEGIN, b"CERTIFICATE")) == [one, two]
