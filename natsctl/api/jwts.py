"""Public keys and JWTs of NATS."""

import base64
import binascii
import re
from typing import Any, Final

from natsctl.api import limits

_KINDS: Final = {"A": "account", "O": "operator", "U": "user"}


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


def subject(jwt: str) -> str | None:
    """Whom a JWT is about; its signature is the server's to check."""
    claims = _claims(jwt)
    found = claims.get("sub") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else None


def _claims(jwt: str) -> Any:
    parts = jwt.split(".")
    if len(parts) != 3 or not re.fullmatch(r"[A-Za-z0-9_.-]+", jwt, re.ASCII):
        return None
    try:
        return limits.load(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
