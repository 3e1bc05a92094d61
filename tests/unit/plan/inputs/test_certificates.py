"""What certificates are good for, by certificates that were really issued."""

from __future__ import annotations

import base64
import datetime
import warnings
from collections.abc import Iterable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from natsctl.plan.inputs.certificates import Certificate, inspect, route_problem
from tests.compat import shown_certificate

HOST = "c-1.c-mgmt.ns.svc"
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
AUTHORITY = trustme.CA()
ISSUED = AUTHORITY.issue_cert(HOST, "*.c-mgmt.ns.svc", common_name="c")
CHAIN = b"".join(pem.bytes() for pem in ISSUED.cert_chain_pems)
KEY = ISSUED.private_key_pem.bytes()
CA = AUTHORITY.cert_pem.bytes()
DER = x509.load_pem_x509_certificate(CHAIN).public_bytes(Encoding.DER)
GARBAGE = [b"", b"\xff\xfe", b"secret", CHAIN[:100], CHAIN.replace(b"MII", b"MIX", 1)]
UNREADABLE = "the certificate cannot be read"
BAD_KEY = (
    "the key cannot be read: it must be a private key in PEM, of RSA, an elliptic curve or "
    "Ed25519, and not encrypted"
)


def self_signed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
    usages: Iterable[x509.ObjectIdentifier] = (),
    names: Iterable[x509.GeneralName] = (),
    serial: int = 1,
) -> bytes:
    """A certificate with exactly these extensions, good until the last second of 2030."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2030, 12, 31, 23, 59, 59))
    )
    if usages := list(usages):
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if names := list(names):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.PEM)


def pem(der: bytes) -> bytes:
    body = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


def private(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


ELLIPTIC = ec.generate_private_key(ec.SECP256R1())


class TestWhatItIs:
    def test_it_tells_names_usages_and_end(self) -> None:
        names = [x509.DNSName("a.b"), x509.DNSName("*.b")]
        found = inspect(self_signed(ELLIPTIC, BOTH, names, 0x1F), private(ELLIPTIC), None)
        assert found == Certificate(
            "2030-12-31T23:59:59Z",
            ("a.b", "*.b"),
            client_auth=True,
            server_auth=True,
            serial="1F",
            not_before="2020-01-01T00:00:00Z",
        )

    @pytest.mark.parametrize(("serial", "text"), [(1, "01"), (255, "FF"), (256, "0100")])
    def test_serial_numbers_are_whole_bytes(self, serial: int, text: str) -> None:
        assert inspect(self_signed(ELLIPTIC, serial=serial), b"", None).serial == text

    def test_the_serial_number_is_the_one_that_a_handshake_shows(self, tmp_path: Path) -> None:
        file = tmp_path / "certificate"
        file.write_bytes(CHAIN)
        assert inspect(CHAIN, KEY, CA).serial == shown_certificate(file)["serialNumber"]

    @pytest.mark.parametrize(
        ("usages", "client", "server"),
        [
            ((), True, True),
            ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), True, True),
            (BOTH, True, True),
            (BOTH[:1], False, True),
            (BOTH[1:], True, False),
            ((ExtendedKeyUsageOID.CODE_SIGNING,), False, False),
        ],
    )
    def test_usages(
        self, usages: tuple[x509.ObjectIdentifier, ...], client: bool, server: bool
    ) -> None:
        found = inspect(self_signed(ELLIPTIC, usages), private(ELLIPTIC), None)
        assert (found.client_auth, found.server_auth) == (client, server)

    def test_only_dns_names_are_names(self) -> None:
        names = [x509.RFC822Name("a@b"), x509.UniformResourceIdentifier("nats://a")]
        assert inspect(self_signed(ELLIPTIC, names=names), b"", None).dns_names == ()

    def test_the_first_certificate_counts(self) -> None:
        assert inspect(CHAIN + CA, KEY, None) == inspect(CHAIN, KEY, None)
        assert inspect(CA + CHAIN, KEY, None).problem


class TestProblems:
    def test_a_good_one_has_none(self) -> None:
        assert inspect(CHAIN, KEY, CA).problem == ""
        assert inspect(CHAIN, KEY, None).problem == ""

    @pytest.mark.parametrize(
        "key",
        [ELLIPTIC, rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()],
        ids=["ec", "rsa", "ed25519"],
    )
    def test_every_kind_of_key_will_do(
        self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    ) -> None:
        assert inspect(self_signed(key), private(key), None).problem == ""

    def test_keys_in_the_older_format_will_do_also_behind_their_parameters(self) -> None:
        older = ELLIPTIC.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        parameters = (
            b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        )
        assert inspect(self_signed(ELLIPTIC), parameters + older, None).problem == ""

    def test_key_and_certificate_in_one_text_will_do(self) -> None:
        assert inspect(KEY + CHAIN, CHAIN + KEY, CA).problem == ""

    @pytest.mark.parametrize("text", [*GARBAGE, KEY])
    def test_no_certificate(self, text: bytes) -> None:
        assert inspect(text, KEY, CA) == Certificate(problem=UNREADABLE)

    @pytest.mark.parametrize("text", [*GARBAGE, CA])
    def test_no_key(self, text: bytes) -> None:
        assert inspect(CHAIN, text, CA).problem == BAD_KEY

    def test_an_encrypted_key(self) -> None:
        sealed = BestAvailableEncryption(b"password")
        text = ELLIPTIC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)
        assert inspect(self_signed(ELLIPTIC), text, None).problem == BAD_KEY

    @pytest.mark.parametrize(
        "other",
        [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)],
        ids=["same kind", "another kind"],
    )
    def test_the_key_of_another_certificate(
        self, other: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    ) -> None:
        text = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        found = inspect(self_signed(ELLIPTIC), text, None)
        assert found.problem == "the key does not belong to the certificate"

    @pytest.mark.parametrize(
        "text",
        [
            dsa.generate_private_key(1024).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            KEY[:60] + b"\n-----END EC PRIVATE KEY-----",
            b"-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----",
            b"-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----",
        ],
        ids=["another kind", "cut", "no DER", "no base64"],
    )
    def test_no_key_of_ours(self, text: bytes) -> None:
        assert inspect(CHAIN, text, CA).problem == BAD_KEY

    @pytest.mark.parametrize("text", [*GARBAGE, KEY, pem(b"garbage")])
    def test_no_ca(self, text: bytes) -> None:
        assert inspect(CHAIN, KEY, text).problem == "the CA cannot be read"

    def test_a_panic_of_the_parser_is_no_more_than_an_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class PanicException(BaseException):
            pass

        for raised in (PanicException, KeyboardInterrupt):

            def panics(_: bytes, error: type[BaseException] = raised) -> None:
                raise error

            monkeypatch.setattr("natsctl.plan.inputs.certificates._load", panics)
            if raised is PanicException:
                assert inspect(CHAIN, KEY, CA).problem == UNREADABLE
            else:
                with pytest.raises(KeyboardInterrupt):
                    inspect(CHAIN, KEY, CA)

    def test_one_readable_ca_is_enough(self) -> None:
        assert inspect(CHAIN, KEY, b"# comment\n" + pem(b"garbage") + CA).problem == ""

    def test_a_certificate_with_a_problem_still_tells_what_it_is(self) -> None:
        good, bad = inspect(CHAIN, KEY, CA), inspect(CHAIN, b"", CA)
        assert (bad.not_after, bad.dns_names) == (good.not_after, good.dns_names)

    @given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), max_size=4))
    def test_no_damage_raises(self, damage: list[tuple[int, int]]) -> None:
        damaged = bytearray(DER)
        for place, byte in damage:
            damaged[place] = byte
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what later versions of cryptography refuse
            found = inspect(pem(bytes(damaged)), KEY, pem(bytes(damaged)))
        assert found.problem or found.not_after

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"\x55\x1d\x0f", b"\x55\x1d\x13"),  # key usage -> basic constraints, which it has
            (b"\x82" + bytes((len(HOST),)), b"\x83" + bytes((len(HOST),))),  # DNS name -> X.400
        ],
        ids=["an extension twice", "a name of an unknown kind"],
    )
    def test_what_the_parser_has_exceptions_of_its_own_for(
        self, before: bytes, after: bytes
    ) -> None:
        assert before in DER
        assert inspect(pem(DER.replace(before, after)), KEY, None).problem == UNREADABLE


class TestRoutes:
    def test_trustme_issues_what_works(self) -> None:
        assert route_problem(inspect(CHAIN, KEY, CA), HOST) == ""

    @pytest.mark.parametrize("name", [HOST, HOST.upper(), "*.c-mgmt.ns.svc", "*.C-MGMT.ns.svc"])
    @pytest.mark.parametrize("host", [HOST, HOST + ".", HOST.upper()])
    def test_names_that_cover_the_host(self, name: str, host: str) -> None:
        found = Certificate(dns_names=("x", name), client_auth=True, server_auth=True)
        assert route_problem(found, host) == ""

    @pytest.mark.parametrize(
        "name",
        [
            "*",
            "*.svc",
            "*.ns.svc",
            "*.*.ns.svc",
            "c*.c-mgmt.ns.svc",
            "c-1.*.ns.svc",
            "c-mgmt.ns.svc",
            "*.c-1.c-mgmt.ns.svc",
            "c-2.c-mgmt.ns.svc",
            "*.c-mgmt.ns.svc.",
        ],
    )
    def test_names_that_do_not(self, name: str) -> None:
        found = Certificate(dns_names=(name,), client_auth=True, server_auth=True)
        assert route_problem(found, HOST) == f"it is not valid for {HOST}: it has {name}"

    def test_of_many_names_some_are_told(self) -> None:
        found = Certificate(dns_names=tuple(f"a{i}\n" for i in range(1000)))
        problem = route_problem(found, HOST)
        assert 'it has "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7" and 992 more' in problem

    def test_without_names_the_common_name_does_not_help(self) -> None:
        found = inspect(self_signed(ELLIPTIC, BOTH), private(ELLIPTIC), None)
        assert route_problem(found, HOST) == f"it is not valid for {HOST}: it has no DNS names"

    @pytest.mark.parametrize(
        ("client", "server", "says"),
        [
            (False, True, "client authentication"),
            (True, False, "server authentication"),
            (False, False, "server authentication and client authentication"),
        ],
    )
    def test_a_usage_is_lacking(self, client: bool, server: bool, says: str) -> None:
        found = Certificate(dns_names=(HOST,), client_auth=client, server_auth=server)
        assert route_problem(found, HOST) == f"its extended key usage lacks {says}"

    def test_everything_that_is_wrong_is_told_at_once(self) -> None:
        assert route_problem(Certificate(), HOST).count("; ") == 1
