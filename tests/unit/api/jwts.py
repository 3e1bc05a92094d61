"""An operator, accounts and a user of NATS, and JWTs of the older form that every server reads."""

import base64
import binascii
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_PREFIXES = {"O": 14 << 3, "A": 0, "U": 20 << 3}
_UNLIMITED = {
    **dict.fromkeys(("subs", "conn", "leaf", "imports", "exports", "data", "payload"), -1),
    "wildcards": True,
}


def _key(fill: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([fill] * 32))


def _public(key: Ed25519PrivateKey, kind: str) -> str:
    raw = bytes([_PREFIXES[kind]]) + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    check = binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(raw + check).decode().rstrip("=")


def _encoded(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _jwt(kind: str, subject: str, nats: dict[str, Any]) -> str:
    claims = {
        "jti": "0",
        "iat": 1700000000,
        "iss": OPERATOR,
        "name": kind,
        "sub": subject,
        "type": kind,
        "nats": nats,
    }
    payload = _encoded(claims)
    # Of this form the header is not signed (nats-io/jwt, version 1).
    signature = base64.urlsafe_b64encode(_OPERATOR_KEY.sign(payload.encode())).decode().rstrip("=")
    return f"{_encoded({'typ': 'jwt', 'alg': 'ed25519'})}.{payload}.{signature}"


def operator_jwt(account_server: str = "") -> str:
    """The operator, and where its accounts' JWTs are found."""
    return _jwt("operator", OPERATOR, {"account_server_url": account_server})


_OPERATOR_KEY = _key(1)
OPERATOR = _public(_OPERATOR_KEY, "O")
ACCOUNT = _public(_key(2), "A")
OTHER_ACCOUNT = _public(_key(3), "A")
USER = _public(_key(4), "U")
OTHER_USER = _public(_key(5), "U")
ACCOUNT_JWT = _jwt("account", ACCOUNT, {"limits": _UNLIMITED})
OTHER_JWT = _jwt("account", OTHER_ACCOUNT, {"limits": _UNLIMITED})


def signed_by_user(nonce: str) -> dict[str, str]:
    """What USER says to prove its nkey."""
    signature = base64.urlsafe_b64encode(_key(4).sign(nonce.encode())).decode().rstrip("=")
    return {"nkey": USER, "sig": signature}
