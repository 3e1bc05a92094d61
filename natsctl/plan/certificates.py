"""What certificates are good for, as nats-server would find out once it uses them.

`cryptography` is imported where it is used: an operator without certificates saves its 9 MiB.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_Read = TypeVar("_Read")
_Extension = TypeVar("_Extension")
_BLOCK: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@frozen
class Certificate:
    """The certificate of one listener; `problem` says why no server could use it.

    `not_after` is RFC 3339 text in UTC; `serial` is in upper-case hexadecimal bytes, as Python's
    `ssl` and openssl write it. A certificate that does not restrict its usage has both.
    """

    not_after: str = ""
    dns_names: tuple[str, ...] = ()
    client_auth: bool = False
    server_auth: bool = False
    serial: str = ""
    problem: str = ""


def inspect(cert_pem: bytes, key_pem: bytes, ca_pem: bytes | None) -> Certificate:
    """Read what a listener gets: a chain that begins with its own, the key, the CAs if any.

    Never raises; no problem quotes what it was given.
    """
    read = _attempt(_describe, cert_pem)
    if read is None:
        return Certificate(problem="the certificate cannot be read")
    found, public_key = read
    return attrs.evolve(found, problem=_key_problem(public_key, key_pem) or _ca_problem(ca_pem))


def route_problem(certificate: Certificate, host: str) -> str:
    """Why servers cannot reach each other at `host` with this certificate; empty if they can.

    On routes and gateways a server is client as well, and each side checks the other. A common
    name counts for nothing.
    """
    problems = []
    if not any(_matches(name, host) for name in certificate.dns_names):
        names = ", ".join(certificate.dns_names) or "no DNS name at all"
        problems.append(f"it is not valid for {host}: it has {names}")
    usages = {"server": certificate.server_auth, "client": certificate.client_auth}
    if lacking := [f"{role} authentication" for role, has in usages.items() if not has]:
        problems.append(f"its extended key usage lacks {' and '.join(lacking)}")
    return "; ".join(problems)


def _matches(pattern: str, host: str) -> bool:
    """As Go's crypto/x509 does: only a whole first label may be `*`, and stands for one label."""
    wanted, given = pattern.lower().split("."), host.lower().removesuffix(".").split(".")
    return wanted == given or (wanted[0] == "*" and wanted[1:] == given[1:])


def _attempt(read: Callable[[bytes], _Read], pem: bytes) -> _Read | None:
    """What is read, or None if it cannot be: anybody may write anything into a Secret."""
    from cryptography import exceptions, x509

    try:
        return read(pem)
    except (
        TypeError,  # a key that is encrypted
        ValueError,
        exceptions.UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ):
        return None


def _describe(pem: bytes) -> tuple[Certificate, PublicKeyTypes]:
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    leaf = _load(pem)
    names, usages = _names(leaf), _usages(leaf)
    described = Certificate(
        not_after=leaf.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
        dns_names=names,
        client_auth=not usages or Usage.CLIENT_AUTH.dotted_string in usages,
        server_auth=not usages or Usage.SERVER_AUTH.dotted_string in usages,
        serial=_hexadecimal(leaf.serial_number),
    )
    return described, leaf.public_key()


def _load(pem: bytes) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem)


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    names = _extension(leaf, x509.SubjectAlternativeName)
    return tuple(names.get_values_for_type(x509.DNSName)) if names else ()


def _usages(leaf: x509.Certificate) -> Collection[str]:
    """The object identifiers of what it may be used for; none if that is anything."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    usages = {usage.dotted_string for usage in _extension(leaf, x509.ExtendedKeyUsage) or ()}
    return () if Usage.ANY_EXTENDED_KEY_USAGE.dotted_string in usages else usages


def _extension(leaf: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    return next((e.value for e in leaf.extensions if isinstance(e.value, kind)), None)


def _hexadecimal(serial: int) -> str:
    digits = f"{serial:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


def _key_problem(public_key: PublicKeyTypes, key_pem: bytes) -> str:
    found = _attempt(_public_half, key_pem)
    if found is None:
        return "the key cannot be read: it must be a private key in PEM, and not encrypted"
    return "" if found == public_key else "the key does not belong to the certificate"


def _public_half(key_pem: bytes) -> PublicKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(key_pem, None).public_key()


def _ca_problem(ca_pem: bytes | None) -> str:
    """As Go reads CAs: one that can be read is enough."""
    if ca_pem is None or any(_attempt(_load, block) for block in _BLOCK.findall(ca_pem)):
        return ""
    return "the CA cannot be read"
