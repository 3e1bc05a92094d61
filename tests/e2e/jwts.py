"""A NATS operator, its accounts and their users, as `nsc` would make them.

https://docs.nats.io/running-a-nats-service/nats_admin/security/jwt
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED: Final = 18 << 3
_PREFIXES: Final = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
_LIMITS: Final = dict.fromkeys(("subs", "data", "payload"), -1)
_ACCOUNT_LIMITS: Final = {
    **_LIMITS,
    **dict.fromkeys(("conn", "leaf", "imports", "exports"), -1),
    "wildcards": True,
}
_CREDENTIALS: Final = """\
-----BEGIN NATS USER JWT-----
{jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------
"""


@attrs.frozen
class Identity:
    """An operator, an account or a user: a key pair."""

    kind: str
    key: Ed25519PrivateKey = attrs.field(factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def public(self) -> str:
        """The public half as NATS writes it."""
        return _text(bytes((_PREFIXES[self.kind],)) + self.key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        """The secret half."""
        prefix = _PREFIXES[self.kind]
        first = bytes((_SEED | prefix >> 5, (prefix & 31) << 3))
        return _text(first + self.key.private_bytes_raw())

    def vouch(self, subject: Identity, **nats: Any) -> str:
        """A JWT that this identity signs."""
        claims = {
            "jti": subject.public,
            "iat": 1700000000,
            "iss": self.public,
            "name": subject.kind,
            "sub": subject.public,
            "nats": {"type": subject.kind, "version": 2, **nats},
        }
        signed = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part(claims)}"
        return f"{signed}.{self.sign(signed)}"

    def sign(self, text: str) -> str:
        """The signature of a text."""
        return _base64(self.key.sign(text.encode()))


@attrs.frozen
class Tree:
    """An operator, its system account and an account of an application with one user."""

    operator: Identity = attrs.field(factory=lambda: Identity("operator"))
    system: Identity = attrs.field(factory=lambda: Identity("account"))
    account: Identity = attrs.field(factory=lambda: Identity("account"))
    user: Identity = attrs.field(factory=lambda: Identity("user"))

    @property
    def operator_jwt(self) -> str:
        """What the Secret of `operatorConfig` holds."""
        return self.operator.vouch(self.operator, system_account=self.system.public)

    @property
    def accounts(self) -> dict[str, str]:
        """Public key -> JWT."""
        accounts = (self.system, self.account)
        return {a.public: self.operator.vouch(a, limits=_ACCOUNT_LIMITS) for a in accounts}

    @property
    def user_jwt(self) -> str:
        """What the user shows."""
        return self.account.vouch(self.user, pub={}, sub={}, **_LIMITS)

    @property
    def credentials(self) -> str:
        """The user's credentials file."""
        return _CREDENTIALS.format(jwt=self.user_jwt, seed=self.user.seed)

    def login(self, nonce: str) -> dict[str, str]:
        """What CONNECT needs after an INFO with this nonce."""
        return {"jwt": self.user_jwt, "sig": self.user.sign(nonce)}


def _text(content: bytes) -> str:
    checksum = binascii.crc_hqx(content, 0).to_bytes(2, "little")
    return base64.b32encode(content + checksum).rstrip(b"=").decode()


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
