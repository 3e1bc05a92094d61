"""The operator's own user in the system accounts of its clusters, one for each, from one secret.

All replicas share the secret. Who can read it can have all servers reload. A server only ever
sees a signature by the key of its own cluster: passed on to another cluster, it opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.kube.errors import AlreadyExists, NotFound, Terminal
from natsctl.kube.resources import SECRETS
from natsctl.nats.nkey import Key

if TYPE_CHECKING:
    from typing import Any

    from natsctl.kube.client import Client
    from natsctl.model.objects import Object

log = logging.getLogger(__name__)

SECRET = "nats-operator-system-user"
SEED, PUBLIC = "seed", "public"
_PURPOSE: Final = b"natsctl: key of the system user of the cluster with uid "


@attrs.frozen
class Identity:
    """What the operator keeps secret; empty where it may not keep a Secret.

    Versions before this one signed with the seed itself, for all clusters: nothing does any more.
    `pepper` keys the digests of what is secret.
    """

    seed: str = attrs.field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.seed)

    def key_of(self, uid: str) -> Key:
        """The key of the operator's user in the cluster with this uid."""
        assert self.seed
        return Key.of(hmac.digest(self.seed.encode(), _PURPOSE + uid.encode(), "sha256"))

    def user_of(self, uid: str) -> str:
        """The operator's user in the cluster with this uid: the public half of that key."""
        return _public(self, uid)

    @property
    def pepper(self) -> bytes:
        """A secret that is not the seed."""
        return hashlib.sha256(b"natsctl digests" + self.seed.encode()).digest()


@lru_cache(maxsize=4096)  # asked for in each pass, and costly
def _public(identity: Identity, uid: str) -> str:
    return identity.key_of(uid).public


async def load_identity(client: Client, namespace: str) -> Identity:
    """Read the operator's secret in this namespace; make it if there is none that is usable."""
    try:
        return await _load(client, namespace)
    except Terminal as error:
        log.warning("no system user: servers can reload only through their sidecars: %s", error)
        return Identity()


async def _load(client: Client, namespace: str) -> Identity:
    try:
        secret = await client.get(SECRETS, namespace, SECRET)
    except NotFound:
        return await _make(client, namespace)
    return _read(secret) or await _replace(client, secret)


async def _make(client: Client, namespace: str) -> Identity:
    manifest = {
        "apiVersion": "v1",
        "kind": SECRETS.kind,
        "metadata": {"name": SECRET, "namespace": namespace},
        "type": "Opaque",
        "stringData": _new(),
    }
    try:
        return _usable(await client.create(SECRETS, manifest))
    except AlreadyExists:
        return _usable(await client.get(SECRETS, namespace, SECRET))


async def _replace(client: Client, secret: Object) -> Identity:
    """What is no key serves nobody, and was not made by natsctl: somebody edited it."""
    meta = secret.metadata
    log.warning("Secret %s contains no key; creating a new one", SECRET)
    guard = {"uid": meta.uid, "resourceVersion": meta.resource_version}
    patch: dict[str, Any] = {"metadata": guard, "stringData": _new()}
    return _usable(await client.patch(SECRETS, meta.namespace, SECRET, patch))


def _new() -> dict[str, str]:
    """The public half is what versions before this one look for."""
    key = Key.generate()
    return {SEED: key.seed, PUBLIC: key.public}


def _usable(secret: Object) -> Identity:
    identity = _read(secret)
    if identity is None:
        raise Terminal(0, "Unusable", f"Secret {SECRET} contains no key: delete it")
    return identity


def _read(secret: Object) -> Identity | None:
    data = getattr(secret, "data", None) or {}
    try:
        text = base64.b64decode(data[SEED]).decode()
        Key.from_seed(text)
    except (KeyError, ValueError):
        return None
    return Identity(text)
