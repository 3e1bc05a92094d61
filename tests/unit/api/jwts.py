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


def made(
    kind: str,
    subject: str,
    nats: Any = None,
    *,
    signer: int = 1,
    letter: str = "O",
    form: int = 1,
    body: Any = None,
    **claims: Any,
) -> str:
    """A JWT of any kind that one of these keys signs, of the older form or the newer one."""
    key = _key(signer)
    body = body or {**(nats or {}), **({"type": kind, "version": 2} if form == 2 else {})}
    told = {
        "jti": "0",
        "iat": 1700000000,
        "iss": _public(key, letter),
        "name": kind,
        "sub": subject,
        **({"type": kind} if form == 1 else {}),
        "nats": body,
        **claims,
    }
    header = {"typ": "JWT", "alg": "ed25519" if form == 1 else "ed25519-nkey"}
    first, second = _encoded(header), _encoded(told)
    signed = second if form == 1 else f"{first}.{second}"
    signature = base64.urlsafe_b64encode(key.sign(signed.encode())).decode().rstrip("=")
    return f"{first}.{second}.{signature}"


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


def _decorated(jwt: str) -> str:
    return f"-----BEGIN NATS OPERATOR JWT-----\n{jwt}\n------END NATS OPERATOR JWT------\n"


def _forged(jwt: str) -> str:
    return jwt[:-8] + "AAAAAAAA"


_NEVER, _EVER = "9.0.0", "2.0.0"
_OLD, _NEW = made("operator", OPERATOR), made("operator", OPERATOR, form=2)
OPERATORS: dict[str, tuple[str, str]] = {
    "of-the-older-form": (_OLD, _EVER),
    "of-the-newer-form": (_NEW, "2.2.0"),
    "with-line-ends": (f"\n{_OLD}\r\n", _EVER),
    "as-nsc-writes-it": (_decorated(_OLD), _EVER),
    "as-nsc-writes-it-now": (_decorated(_NEW), "2.2.0"),
    "ended": (made("operator", OPERATOR, exp=1700000100), _EVER),
    "with-a-signing-key": (
        made("operator", OPERATOR, {"signing_keys": [_public(_key(9), "O")]}),
        _EVER,
    ),
    "with-this-system-account": (
        made("operator", OPERATOR, {"system_account": ACCOUNT}, form=2),
        "2.2.0",
    ),
    "for-this-version": (
        made("operator", OPERATOR, {"assert_server_version": "2.2.0"}, form=2),
        "2.2.0",
    ),
    "garbage": ("not a jwt", _NEVER),
    "nothing": ("", _NEVER),
    "two-in-one": (f"{_OLD}\n{_OLD}", _NEVER),
    "with-blanks": (f"  {_OLD}", _NEVER),
    "with-blanks-behind": (f"{_OLD}  \n", _NEVER),
    "of-three-words": ("a.b.c", _NEVER),
    "json": ('{"a": 1}', _NEVER),
    "forged": (_forged(_OLD), _NEVER),
    "forged-of-the-newer-form": (_forged(_NEW), _NEVER),
    "of-an-account": (made("account", ACCOUNT), _NEVER),
    "of-an-account-by-its-words": (made("operator", ACCOUNT), _NEVER),
    "signed-by-an-account": (made("operator", OPERATOR, signer=2, letter="A"), _NEVER),
    "with-a-broken-signing-key": (
        made("operator", OPERATOR, {"signing_keys": ["x"]}, form=2),
        _NEVER,
    ),
    "with-another-system-account": (
        made("operator", OPERATOR, {"system_account": OTHER_ACCOUNT}, form=2),
        _NEVER,
    ),
    "for-a-later-version": (
        made("operator", OPERATOR, {"assert_server_version": "9.0.0"}, form=2),
        _NEVER,
    ),
}
"""JWTs of an operator, and the first version that starts with them.

Below 2.2 servers look at fewer things: what is refused there as well is told by `_NEVER`.
"""

_LIMITS = {"limits": _UNLIMITED}
ACCOUNTS: dict[str, tuple[str, str]] = {
    "of-the-older-form": (made("account", ACCOUNT, _LIMITS), _EVER),
    "of-the-newer-form": (made("account", ACCOUNT, _LIMITS, form=2), "2.2.0"),
    "garbage": ("garbage", _NEVER),
    "forged": (_forged(made("account", ACCOUNT, _LIMITS)), _NEVER),
    "of-a-user": (made("user", ACCOUNT), _NEVER),
    "signed-by-itself": (made("account", ACCOUNT, _LIMITS, signer=2, letter="A"), _NEVER),
    "of-another-operator": (made("account", ACCOUNT, _LIMITS, signer=9), _NEVER),
    "ended": (made("account", ACCOUNT, _LIMITS, exp=1700000100), _NEVER),
    "not-valid-yet": (made("account", ACCOUNT, _LIMITS, nbf=4000000000), _NEVER),
}
"""JWTs of a system account, and the first version that starts with them."""
