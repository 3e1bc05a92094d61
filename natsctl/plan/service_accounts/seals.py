"""The seal on a bound-token Secret: proof that natsctl wrote it, and for whom.

Anybody may put labels on Secrets of their own namespace, so labels prove nothing. The seal is an
annotation that says for which cluster, role and ServiceAccount a Secret was made, with a keyed
digest over that, the Secret's own name and uid, and its tokens. Whoever has not the operator's
key can neither make one, nor move one to another Secret, nor change a token below it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

import msgspec

from natsctl.model import names
from natsctl.model.bound_tokens import ANNOTATIONS, KEYS, RENEW_AFTER, SEAL, SWITCH_AT
from natsctl.model.objects import Meta, Secret, Wire
from natsctl.model.struct_types import known_to_threads
from natsctl.model.times import moment

LONGEST_SEAL = 4096
"""Characters of an annotation that may be a seal: eight names and uids at most."""
LONGEST_TOKEN = 8192
"""Characters of a token; nats-server takes no CONNECT beyond 4 KiB unless it is told to."""
_TOKEN = re.compile(rf"[A-Za-z0-9._~+/=-]{{1,{LONGEST_TOKEN}}}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class Bond(Wire, frozen=True):
    """What a bound-token Secret was made for; times are RFC 3339 text, or empty for never."""

    namespace: str
    cluster: str
    cluster_uid: str
    role: str
    role_uid: str
    account_uid: str
    renew_after: str = ""
    switch_at: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The cluster's namespace and name."""
        return self.namespace, self.cluster


class _Seal(Wire, frozen=True):
    """The annotation."""

    bond: Bond
    mac: str


def sealing_key(pepper: bytes) -> bytes:
    """The key of seals: one that nothing else is keyed with."""
    return hmac.new(pepper, b"natsctl seals of bound tokens", hashlib.sha256).digest()


def sealed(key: bytes, bond: Bond, meta: Meta, data: dict[str, str]) -> str:
    """The annotation for a Secret that holds this data (base64)."""
    return msgspec.json.encode(_Seal(bond, _mac(key, bond, meta, data))).decode()


def bond_of(secret: Secret, key: bytes) -> Bond | None:
    """What a Secret was made for; None without a valid seal."""
    seal, data = _read(secret), secret.data or {}
    if seal is None or not key or not all(map(str.isascii, data.values())):
        return None
    mac = _mac(key, seal.bond, secret.metadata, data)
    return seal.bond if hmac.compare_digest(mac, seal.mac) else None


def claimed(secret: Secret) -> tuple[str, str] | None:
    """Namespace and name of the cluster that the seal of a Secret names, valid or not."""
    seal = _read(secret)
    return seal.bond.key if seal is not None else None


def kept(secret: Secret) -> Secret:
    """What is worth keeping of a sealed Secret: nobody can make it grow."""
    meta, data = secret.metadata, secret.data or {}
    small = Meta(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        resource_version=meta.resource_version,
        deletion_timestamp=meta.deletion_timestamp,
        annotations={
            note: text
            for note in ANNOTATIONS
            if (text := meta.annotation(note)) is not None and len(text) <= LONGEST_SEAL
        },
    )
    return Secret(small, data={k: data[k] for k in KEYS if k in data})


def renew_after(secret: Secret, bond: Bond) -> str:
    """When to renew a token: an annotation may bring that forward, and never put it off."""
    return _earlier(secret.metadata.annotation(RENEW_AFTER), bond.renew_after)


def switch_at(secret: Secret, bond: Bond) -> str:
    """When servers change over to the new token; the same goes for it."""
    return _earlier(secret.metadata.annotation(SWITCH_AT), bond.switch_at)


def decoded(secret: Secret, key: str) -> str:
    """A token of a Secret; empty unless it has the form of one."""
    given = (secret.data or {}).get(key, "")
    try:
        text = base64.b64decode(given, validate=True).decode("ascii") if len(given) < 16_384 else ""
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return text if is_token(text) else ""


def is_token(text: str) -> bool:
    """Whether a password has the form of a token: bounded, printable, without spaces."""
    return bool(_TOKEN.fullmatch(text))


def _earlier(noted: str | None, sealed: str) -> str:
    return min(filter(None, (_moment(noted or ""), sealed)), default="")


def _moment(text: str) -> str:
    """The same text if it is a moment in UTC, or nothing."""
    return text if _MOMENT.fullmatch(text) and moment(text) else ""


def _read(secret: Secret) -> _Seal | None:
    text = secret.metadata.annotation(SEAL)
    if (
        not text
        or len(text) > LONGEST_SEAL
        or not secret.metadata.name.endswith(names.BOUND_TOKEN_SUFFIX)
    ):
        return None
    try:
        seal = msgspec.json.decode(text, type=_Seal)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    plain = all(map(str.isascii, (*msgspec.structs.astuple(seal.bond), seal.mac)))
    return seal if plain else None


def _mac(key: bytes, bond: Bond, meta: Meta, data: dict[str, str]) -> str:
    parts = (
        "natsctl seal 1",
        bond,
        (meta.namespace, meta.name, meta.uid),
        [data.get(k) for k in KEYS],
    )
    encoded = msgspec.json.encode(parts, order="deterministic")
    return hmac.new(key, encoded, hashlib.sha256).hexdigest()


def labels_of(namespace: str, cluster: str) -> dict[str, str]:
    """Labels of a bound-token Secret; they lead back to the cluster, and prove nothing."""
    return {
        names.LABEL_APP: names.APP,
        names.LABEL_CLUSTER: cluster,
        names.LABEL_CLUSTER_NAMESPACE: namespace,
        names.LABEL_K8S_MANAGED_BY: names.MANAGED_BY,
    }


known_to_threads(_Seal)
