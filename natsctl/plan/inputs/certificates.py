"""What certificates are good for, as nats-server would find out once it uses them.

`cryptography` is imported where it is used: an operator without certificates saves its 9 MiB.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
from attrs import frozen

from natsctl.model.foreign import named
from natsctl.model.times import known, written
from natsctl.plan.inputs.keys import blocks, public_half, public_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_Read = TypeVar("_Read")
_Extension = TypeVar("_Extension")
_CERTIFICATE: Final = b"CERTIFICATE"
CHAIN_BYTES: Final = 64 * 2**10
"""A chain has two or three certificates of a few kilobytes."""
CA_BYTES, CA_MOST = 512 * 2**10, 160
"""All authorities of a browser are some 145 and 220 kilobytes; OpenSSL takes 0.3 ms for each."""
NAMES_SHOWN: Final = 8


@frozen
class Certificate:
    """The certificate of one listener; `problem` says why no server could use it.

    `not_before` and `not_after` are RFC 3339 text in UTC; `serial` is in upper-case hexadecimal
    bytes, as Python's `ssl` and openssl write it. A certificate that does not restrict its usage
    has both.
    """

    not_after: str = ""
    dns_names: tuple[str, ...] = ()
    client_auth: bool = False
    server_auth: bool = False
    serial: str = ""
    problem: str = ""
    not_before: str = ""


def inspect(cert_pem: bytes, key_pem: bytes, ca_pem: bytes | None) -> Certificate:
    """Read what a listener gets: a chain that begins with its own, the key, the CAs if any.

    Never raises; no problem quotes what it was given.
    """
    if len(cert_pem) > CHAIN_BYTES:
        return Certificate(problem=_too_long("the certificate", cert_pem, CHAIN_BYTES))
    read = attempt(_describe, cert_pem)
    if read is None:
        return Certificate(problem="the certificate cannot be read")
    certificate, public_key = read
    problem = public_problem(public_key) or _key_problem(public_key, key_pem)
    return attrs.evolve(certificate, problem=problem or _ca_problem(ca_pem))


def _too_long(what: str, pem: bytes, limit: int) -> str:
    return f"{what} has {len(pem)} bytes: natsctl reads at most {limit}"


def route_problem(certificate: Certificate, host: str) -> str:
    """Why servers cannot reach each other at `host` with this certificate; empty if they can.

    On routes and gateways a server is client as well, and each side checks the other. A common
    name counts for nothing.
    """
    problems = []
    if not any(_matches(name, host) for name in certificate.dns_names):
        names = _listed(certificate.dns_names) or "no DNS names"
        problems.append(f"it is not valid for {host}: it has {names}")
    problems += filter(None, [usage_problem(certificate, client=True)])
    return "; ".join(problems)


def usage_problem(certificate: Certificate, *, client: bool) -> str:
    """What a server cannot use this certificate for; on some listeners it is `client` as well."""
    usages = {"server": certificate.server_auth, "client": certificate.client_auth or not client}
    lacking = [f"{role} authentication" for role, has in usages.items() if not has]
    return f"its extended key usage lacks {' and '.join(lacking)}" if lacking else ""


def coming_minute(timestamp: str) -> str:
    """The next full minute after an RFC 3339 time of UTC: what times of certificates count by.

    It changes rarely, and a certificate that was issued a moment ago is valid by then.
    """
    at = known(timestamp) + timedelta(minutes=1)
    return written(at.replace(second=0))


def time_problem(certificate: Certificate, now: str) -> str:
    """Why nobody believes it at this time, RFC 3339 text; empty if they do, or it is not known."""
    if not now or not certificate.not_after:
        return ""
    if now > certificate.not_after:
        return f"it expired at {certificate.not_after}"
    if now < certificate.not_before:
        return f"it is not valid before {certificate.not_before}"
    return ""


def _listed(names: tuple[str, ...]) -> str:
    """Some of them, as text: anybody can have a certificate of thousands."""
    shown = ", ".join(named(name) for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _matches(pattern: str, host: str) -> bool:
    """As Go's crypto/x509 does: only a whole first label may be `*`, and stands for one label."""
    wanted, given = pattern.lower().split("."), host.lower().removesuffix(".").split(".")
    return wanted == given or (wanted[0] == "*" and wanted[1:] == given[1:])


def attempt(read: Callable[[bytes], _Read], pem: bytes) -> _Read | None:
    """What is read, or None if it cannot be: anybody may write anything into a Secret."""
    try:
        return read(pem)
    except Exception:  # parsers of two libraries raise many kinds; whichever it is, it is not read
        return None
    except BaseException as error:  # what Rust calls a panic is no Exception
        if type(error).__name__ != "PanicException":
            raise
        return None


def _describe(pem: bytes) -> tuple[Certificate, PublicKeyTypes]:
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    leaf = _load(pem)
    names, usages = _names(leaf), _usages(leaf)
    described = Certificate(
        not_before=written(leaf.not_valid_before_utc),
        not_after=written(leaf.not_valid_after_utc),
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
    public_of_key = attempt(public_half, key_pem)
    if public_of_key is None:
        return (
            "the key cannot be read: it must be a private key in PEM, of RSA, an elliptic curve or "
            "Ed25519, and not encrypted"
        )
    return "" if public_of_key == public_key else "the key does not belong to the certificate"


def _ca_problem(ca_pem: bytes | None) -> str:
    """As Go reads CAs: one that can be read is enough."""
    if ca_pem is None:
        return ""
    if len(ca_pem) > CA_BYTES:
        return _too_long("the CA", ca_pem, CA_BYTES)
    certificates = tuple(islice(blocks(ca_pem, _CERTIFICATE), CA_MOST + 1))
    if len(certificates) > CA_MOST:
        return f"the CA has more than {CA_MOST} certificates, the most that natsctl reads"
    return "" if any(attempt(_load, block) for block in certificates) else "the CA cannot be read"
