"""Public keys and JWTs of NATS."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from natsctl.api.version import ServerVersion
from natsctl.model import limits

LONGEST: Final = 64 * 2**10
_FORMS: Final = {"ed25519": 1, "ed25519-nkey": 2}
"""Of the older form the header is not signed."""
_DECORATED: Final = re.compile(
    r"-{3,}[^\r\n]*-{3,}\r?\n([\w.=-]+)\r?\n-{3,}[^\r\n]*-{3,}", re.ASCII
)


@frozen
class Jwt:
    """What is said, by whom and about whom; times in seconds since 1970, 0: none."""

    form: int
    kind: str
    subject: str
    issuer: str
    body: Mapping[str, Any]
    begins: int = 0
    ends: int = 0

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of the body."""
        texts = self.body.get(key)
        return tuple(map(str, texts)) if isinstance(texts, list) else ()


def is_account(key: str) -> bool:
    """Whether it is the public nkey of an account."""
    return public_key(key, "A") is not None


def is_user(key: str) -> bool:
    """Whether it is the public nkey of a user."""
    return public_key(key, "U") is not None


def public_key(key: str, letter: str) -> bytes | None:
    """The 32 bytes of a public nkey: prefix, bytes, CRC (XMODEM, little endian)."""
    if not re.fullmatch(rf"{letter}[A-Z2-7]{{55}}", key, re.ASCII):
        return None
    raw = base64.b32decode(key)
    good = binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")
    return raw[1:-2] if good else None


def read(text: str) -> Jwt:
    """What a JWT says, its signature checked; a ValueError says what is wrong with it.

    As nats-server reads it: bare, or between the two lines that nsc writes around it.
    """
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} bytes")
    bare = _bare(text)
    parts = bare.split(".")
    if len(parts) != 3 or not re.fullmatch(r"[A-Za-z0-9_.-]+", bare, re.ASCII):
        raise ValueError("is not a JWT: it must have three parts separated by dots")
    algorithm = str(_object(parts[0]).get("alg")).lower()
    if algorithm not in _FORMS:
        raise ValueError("is not a NATS JWT: its algorithm is neither ed25519-nkey nor ed25519")
    claims, form = _object(parts[1]), _FORMS[algorithm]
    signed = parts[1] if form == 1 else f"{parts[0]}.{parts[1]}"
    jwt = _jwt(claims, form)
    if not _is_signed(jwt.issuer, signed.encode(), parts[2]):
        raise ValueError("is not signed by its issuer")
    return jwt


def operator_problem(text: str, version: ServerVersion | None, system_account: str | None) -> str:
    """Why no server starts with this JWT of an operator; empty if servers do."""
    try:
        jwt = read(text)
    except ValueError as error:
        return str(error)
    keys = (jwt.issuer, jwt.subject, *jwt.texts("signing_keys"))
    account = jwt.body.get("system_account")
    needed = jwt.body.get("assert_server_version")
    if jwt.kind != "operator":
        return "is not an operator JWT"
    if not all(public_key(key, "O") for key in keys):
        return "lists signing keys that are not operator keys"
    if old := _too_old(jwt, version):
        return old
    if account and system_account and account != system_account:
        return "names a different system account than spec.operatorConfig.systemAccount"
    if needed and version is not None and not _reaches(version, str(needed)):
        return f"requires a later version of nats-server than {version}"
    return ""


def account_problem(key: str, text: str, version: ServerVersion | None) -> str:
    """Why no server starts with this JWT of an account; empty if servers do."""
    try:
        jwt = read(text)
    except ValueError as error:
        return str(error)
    if jwt.kind != "account" or jwt.subject != key:
        return "is not a JWT of this account; use the one whose subject is this account"
    if not (public_key(jwt.issuer, "O") or public_key(jwt.issuer, "A")):
        return "is signed neither by an operator nor by an account"
    return _too_old(jwt, version)


def _too_old(jwt: Jwt, version: ServerVersion | None) -> str:
    # Measured: 2.1.9 knows the older form only, 2.2.6 both.
    if jwt.form == 1 or version is None or version.at_least(2, 2):
        return ""
    return f"has a format that nats-server {version} does not support; use version 2.2.0 or later"


def _reaches(version: ServerVersion, needed: str) -> bool:
    numbers = re.match(r"v?([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})", needed, re.ASCII)
    return numbers is not None and version.at_least(*(int(part) for part in numbers.groups()))


def _jwt(claims: dict[str, Any], form: int) -> Jwt:
    body = claims.get("nats") or {}
    body = body if isinstance(body, dict) else {}
    kind = body.get("type") if form == 2 else claims.get("type")
    return Jwt(
        form=form,
        kind=str(kind),
        subject=str(claims.get("sub")),
        issuer=str(claims.get("iss")),
        body=body,
        begins=_seconds(claims.get("nbf")),
        ends=_seconds(claims.get("exp")),
    )


def _seconds(value: Any) -> int:
    return value if type(value) is int else 0


def _bare(text: str) -> str:
    decorated = _DECORATED.search(text)
    return (decorated[1] if decorated else text).replace("\r", "").replace("\n", "")


def _object(part: str) -> dict[str, Any]:
    try:
        contents = limits.load(_decoded(part))
    except ValueError:
        raise ValueError("is not a JWT: its contents cannot be read") from None
    if not isinstance(contents, dict):
        raise ValueError("is not a JWT: its contents are not an object")
    return contents


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _is_signed(issuer: str, signed: bytes, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = next((raw for letter in "OAU" if (raw := public_key(issuer, letter))), None)
    if raw is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(_decoded(signature), signed)
    except (InvalidSignature, ValueError):
        return False
    return True
