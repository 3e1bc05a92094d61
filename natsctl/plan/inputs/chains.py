"""Whether a chain of certificates leads to a CA, as Go's crypto/x509 would find out.

Measured on real servers (tests/server/test_certificates.py). `cryptography.x509.verification` is
not asked: it follows the rules of the web and refuses CAs that servers take. What is not looked at
here (constraints of names, unknown critical extensions, SHA-1) counts as good: only what is known
to break is told.

`cryptography` is imported where it is used, as in `certificates`.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from natsctl.model.times import known
from natsctl.plan.inputs.certificates import attempt
from natsctl.plan.inputs.keys import blocks, public_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

LABEL: Final = b"CERTIFICATE"
DEEPEST: Final = 8
"""Certificates of one chain; common are two or three."""
MOST_CHECKS: Final = 64
"""Signatures that are checked; whoever has more to show is believed."""
UNSIGNED: Final = "it was not signed by the CA next to it, directly or through a chain"
OUT_OF_TIME: Final = "a CA that signed it is not valid at this time"

_Extension = TypeVar("_Extension")


def chain_problem(cert_pem: bytes, ca_pem: bytes, now: str = "") -> str:
    """Why nobody who has only these CAs believes the first certificate; empty if they do.

    `now` is RFC 3339 text; without it times do not count. For connections where both sides show
    their certificate, so that those of CAs may limit neither usage. Never raises.
    """
    # That something cannot be read is told elsewhere.
    return attempt(partial(_problem, roots=tuple(_ders(ca_pem)), now=now), cert_pem) or ""


def _problem(cert_pem: bytes, *, roots: tuple[bytes, ...], now: str) -> str:
    from cryptography import x509

    chain = tuple(_ders(cert_pem))
    leaf = x509.load_der_x509_certificate(chain[0])
    at = known(now) if now else None
    if _Search(chain[1:], roots, at).leads(leaf, chain[0]):
        return ""
    timeless = at is not None and _Search(chain[1:], roots, None).leads(leaf, chain[0])
    return OUT_OF_TIME if timeless else UNSIGNED


@attrs.define
class _Search:
    """A walk from a certificate to a root, over whatever may have signed it."""

    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    at: datetime | None
    checks: int = 0

    def leads(self, child: x509.Certificate, der: bytes, above: int = 0) -> bool:
        """Whether this one is a root, or signed by one that leads there."""
        if der in self.roots or self.checks >= MOST_CHECKS:
            return True
        return above < DEEPEST and any(
            self.leads(issuer, issuer_der, above + 1)
            for issuer_der in (*self.roots, *self.chain)
            if (issuer := self._signer(child, issuer_der, above)) is not None
        )

    def _signer(self, child: x509.Certificate, der: bytes, below: int) -> x509.Certificate | None:
        from cryptography import x509

        # Most are of other names, and reading one takes a while.
        if child.issuer.public_bytes() not in der:
            return None
        issuer = x509.load_der_x509_certificate(der)
        self.checks += 1
        good = _may_sign(issuer, below) and self._in_time(issuer) and _signed(child, issuer)
        return issuer if good else None

    def _in_time(self, issuer: x509.Certificate) -> bool:
        at = self.at
        return at is None or issuer.not_valid_before_utc <= at <= issuer.not_valid_after_utc


def _may_sign(issuer: x509.Certificate, below: int) -> bool:
    """Whether it is a CA for certificates that servers and clients show, so many levels down."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    basic = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    purposes = {one.dotted_string for one in _extension(issuer, x509.ExtendedKeyUsage) or ()}
    wanted = {Usage.SERVER_AUTH.dotted_string, Usage.CLIENT_AUTH.dotted_string}
    any_purpose = not purposes or Usage.ANY_EXTENDED_KEY_USAGE.dotted_string in purposes
    is_ca = issuer.version is x509.Version.v1 if basic is None else basic.ca
    deep_enough = basic is None or basic.path_length is None or basic.path_length >= below
    return (
        is_ca
        and deep_enough
        and (usage is None or usage.key_cert_sign)
        and (any_purpose or wanted <= purposes)
    )


def _signed(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    if public_problem(issuer.public_key()):
        return False
    try:
        child.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _extension(of: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    return next((e.value for e in of.extensions if isinstance(e.value, kind)), None)


def _ders(pem: bytes) -> Iterator[bytes]:
    """The certificates of a text, in binary; what is none of them is passed over, as Go does."""
    for block in islice(blocks(pem, LABEL), 1000):
        body = block.split(b"-----")[2]
        try:
            yield base64.b64decode(b"".join(body.split()))
        except binascii.Error:
            continue
