"""The operator's own user in the system accounts of all its clusters: an nkey in a Secret.

All replicas share it. Who can read it can have servers reload, and see what they report.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import TYPE_CHECKING

import attrs

from natsctl.kube.errors import AlreadyExists, NotFound, Terminal
from natsctl.kube.resources import SECRETS
from natsctl.servers.nkey import Key

if TYPE_CHECKING:
    from natsctl.kube.client import Client
    from natsctl.plan.objects import Object

log = logging.getLogger(__name__)

SECRET = "nats-operator-system-user"
SEED, PUBLIC = "seed", "public"


@attrs.frozen
class Identity:
    """Seed and public key; both empty where the operator may not keep a Secret.

    `pepper` keys the digests of what is secret.
    """

    seed: str = attrs.field(default="", repr=False)
    public: str = ""

    @property
    def key(self) -> Key:
        """The key, to sign with."""
        return Key.from_seed(self.seed)

    @property
    def pepper(self) -> bytes:
        """A secret that is not the seed."""
        return hashlib.sha256(b"natsctl digests" + self.seed.encode()).digest()


async def load_identity(client: Client, namespace: str) -> Identity:
    """Read the operator's key from its Secret in this namespace; make it if there is none."""
    try:
        return await _load(client, namespace)
    except Terminal as error:
        log.warning("no system user: servers reload by their side-cars only: %s", error)
        return Identity()


async def _load(client: Client, namespace: str) -> Identity:
    try:
        return _read(await client.get(SECRETS, namespace, SECRET))
    except NotFound:
        pass
    key = Key.generate()
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": namespace},
        "type": "Opaque",
        "stringData": {SEED: key.seed, PUBLIC: key.public},
    }
    try:
        return _read(await client.create(SECRETS, manifest))
    except AlreadyExists:
        return _read(await client.get(SECRETS, namespace, SECRET))


def _read(secret: Object) -> Identity:
    data = getattr(secret, "data", None) or {}
    try:
        found = Identity(*(base64.b64decode(data[key]).decode() for key in (SEED, PUBLIC)))
        found.key  # noqa: B018 - a ValueError, if the seed is none
    except (KeyError, ValueError):
        message = f"Secret {SECRET} holds no key: delete it, and restart the operator"
        raise Terminal(0, "Unusable", message) from None
    return found
