"""Certificates of every kind that people put into Secrets, and whether servers mesh with them."""

from __future__ import annotations

import datetime
import functools
import ipaddress
from collections.abc import Iterable
from typing import Any

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

HOST = "c-1.c-mgmt.ns.svc"
BOTH = (Usage.SERVER_AUTH, Usage.CLIENT_AUTH)
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
MINUTE = NOW.strftime("%Y-%m-%dT%H:%M:00Z")

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@frozen
class Files:
    """A chain, its key and what is trusted; whether servers that share them form a mesh."""

    cert: bytes
    key: bytes
    ca: bytes
    works: bool


@functools.cache
def key_of(name: str, kind: str = "ec") -> Any:
    kinds: dict[str, Any] = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    return kinds[kind]()


def issue(
    name: str,
    *,
    by: str | None = None,
    of: Any = None,
    kind: str = "ec",
    ca: bool | None = False,
    usages: Iterable[x509.ObjectIdentifier] = BOTH,
    hosts: Iterable[str] = (HOST, "127.0.0.1"),
    days: tuple[int, int] = (-2, 90),
    length: int | None = None,
    signs: bool | None = None,
) -> x509.Certificate:
    """A certificate of one's own key, signed by another one's or by that; `ca` None: unsaid."""
    own, signer = key_of(name, kind), key_of(by or name, kind)
    builder = (
        x509.CertificateBuilder(_called(by or name), _called(name), of or own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + days[0] * DAY)
        .not_valid_after(NOW + days[1] * DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, length), critical=True)
    if signs is not None:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=signs,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    if usages := list(usages):
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if hosts := list(hosts):
        names = x509.SubjectAlternativeName([_general(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, digest)


def authority(name: str, **more: Any) -> x509.Certificate:
    return issue(name, **{"ca": True, "usages": (), "hosts": (), **more})


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(host: str) -> x509.GeneralName:
    numeric = host.replace(".", "").isdigit()
    return x509.IPAddress(ipaddress.ip_address(host)) if numeric else x509.DNSName(host)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def _files(
    chain: x509.Certificate | tuple[x509.Certificate, ...],
    *trusted: x509.Certificate,
    works: bool = True,
    whose: str = "leaf",
    kind: str = "ec",
) -> Files:
    chain = chain if isinstance(chain, tuple) else (chain,)
    key = key_of(whose, kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Files(pem(*chain), key, pem(*trusted), works)


@functools.cache
def every() -> dict[str, Files]:
    """Each kind, by name."""
    return {
        **_chains(),
        **_of_other_times(),
        **_for_some_usage(),
        **_of_doubtful_authorities(),
        **{f"of-{kind}": _of_keys(kind) for kind in ("rsa", "ed25519")},
    }


def _leaf(by: str = "root", **more: Any) -> x509.Certificate:
    return issue("leaf", by=by, **more)


def _chains() -> dict[str, Files]:
    """Who signed, and which of those between are there."""
    root, other, middle = authority("root"), authority("other"), authority("middle", by="root")
    leaf, below = _leaf(), _leaf("middle")
    return {
        "good": _files(leaf, root),
        "of-another-ca": _files(leaf, other, works=False),
        "of-a-ca-of-the-same-name": _files(leaf, _namesake(), works=False),
        "of-one-of-several": _files(leaf, other, root),
        "with-its-intermediate": _files((below, middle), root),
        "with-its-whole-chain": _files((below, middle, root), root),
        "in-another-order": _files((below, root, middle), root),
        "without-its-intermediate": _files(below, root, works=False),
        "with-its-intermediate-among-the-cas": _files(below, root, middle),
        "trusted-by-its-intermediate-alone": _files(below, middle),
    }


def _of_other_times() -> dict[str, Files]:
    past, future = (-9, -1), (1, 9)
    root, ended = authority("root"), authority("root", days=past)
    between = authority("middle", by="root", days=past)
    return {
        "ended": _files(_leaf(days=past), root, works=False),
        "not-valid-yet": _files(_leaf(days=future), root, works=False),
        "of-an-ended-ca": _files(_leaf(), ended, works=False),
        "of-an-ended-intermediate": _files((_leaf("middle"), between), root, works=False),
        "of-a-renewed-ca": _files(_leaf(), ended, root),
    }


def _for_some_usage() -> dict[str, Files]:
    root = authority("root")
    return {
        "for-servers-only": _files(_leaf(usages=(Usage.SERVER_AUTH,)), root, works=False),
        "for-clients-only": _files(_leaf(usages=(Usage.CLIENT_AUTH,)), root, works=False),
        "for-no-usage-in-particular": _files(_leaf(usages=()), root),
        "for-any-usage": _files(_leaf(usages=(Usage.ANY_EXTENDED_KEY_USAGE,)), root),
        "for-other-hosts": _files(_leaf(hosts=("elsewhere",)), root, works=False),
    }


def _of_doubtful_authorities() -> dict[str, Files]:
    """Whether who signed may sign, and how far."""
    bare, strict = issue("leaf"), authority("strict", length=0)
    near, half = authority("near", by="strict"), authority("half", usages=(Usage.SERVER_AUTH,))
    unsaid, mute = authority("nobody", ca=None), authority("mute", signs=False)
    none = issue("leaf", ca=None)
    return {
        "its-own-ca": _files(bare, bare),
        "its-own-ca-that-is-none": _files(none, issue("other"), works=False),
        "of-somebody-who-is-no-ca": _files(_leaf("nobody"), issue("nobody"), works=False),
        "of-somebody-who-does-not-say": _files(_leaf("nobody"), unsaid, works=False),
        "of-a-ca-that-may-not-sign": _files(_leaf("mute"), mute, works=False),
        "of-a-ca-that-may-sign": _files(_leaf("mute"), authority("mute", signs=True)),
        "too-far-from-its-ca": _files((_leaf("near"), near), strict, works=False),
        "near-enough-to-its-ca": _files(_leaf("strict"), strict),
        "of-a-ca-for-servers-only": _files(_leaf("half"), half, works=False),
    }


def _of_keys(kind: str) -> Files:
    leaf, root = f"leaf-{kind}", f"root-{kind}"
    issued = issue(leaf, by=root, kind=kind)
    return _files(issued, authority(root, kind=kind), whose=leaf, kind=kind)


def _namesake() -> x509.Certificate:
    """A CA that is called "root", with another key."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder(_called("root"), _called("root"), key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 90 * DAY)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
    )
    return builder.sign(key, hashes.SHA256())
