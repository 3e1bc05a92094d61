"""Tokens of ServiceAccounts: made by the TokenRequest API, kept in Secrets that users mount.

nats-server takes the token for a password and knows nothing of its end, so a renewed one takes
two steps: clients find the new token in the Secret at once, and the servers change over once the
kubelets have had the time to tell every pod. Until then the previous one counts.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api import names
from natsctl.api.security import AuthConfig
from natsctl.kube.client import Client
from natsctl.kube.errors import AlreadyExists, Conflict, NotFound
from natsctl.kube.resources import ACCOUNTS_METADATA, SECRETS
from natsctl.plan.grants import (
    ACCOUNT_UID,
    EXPIRES,
    PREVIOUS,
    RENEW_AFTER,
    SWITCH_AT,
    TOKEN,
    USERNAME,
    Grant,
    labels_of,
)
from natsctl.plan.snapshot import Failure
from natsctl.render.target import Target

if TYPE_CHECKING:
    from natsctl.plan.actions import BindToken, RemoveToken
    from natsctl.plan.objects import Secret

LIFE = 365 * 24 * 3600
"""Seconds asked for unless the spec says; an API server may give less."""
RENEWED_AT = 0.8
"""Part of a token's life after which it is renewed."""
CHANGE_OVER = timedelta(seconds=180)
"""What kubelets need at most to show a changed Secret to every pod: the period of their passes (a
minute and its jitter) and the age of their caches."""


@attrs.frozen
class TokenWriter:
    """Writes the tokens of one cluster."""

    client: Client
    target: Target

    async def bind(self, action: BindToken) -> Secret | Failure:
        """Make sure of the Secret, then ask for a token that is bound to it."""
        grant = action.grant
        held = grant.held or await self._create(grant)
        if isinstance(held, Failure):
            return held
        token, expires = await self._request(grant, held)
        now = datetime.now(UTC)
        meta = {
            "uid": held.metadata.uid,
            "labels": self._labels(),
            "annotations": _annotations(grant, now, expires),
        }
        patch = {"metadata": meta, "data": _data(grant, token)}
        name = held.metadata.name
        found = await self.client.patch(SECRETS, held.metadata.namespace, name, patch)
        return found  # type: ignore[return-value] # SECRETS projects to Secret

    async def remove(self, action: RemoveToken) -> None:
        """Delete exactly this Secret."""
        meta = action.secret.metadata
        try:
            await self.client.delete(SECRETS, meta.namespace, meta.name, meta.uid)
        except (NotFound, Conflict):
            return

    async def _create(self, grant: Grant) -> Secret | Failure:
        meta = {
            "name": grant.secret,
            "namespace": grant.account.namespace,
            "labels": self._labels(),
            "annotations": {ACCOUNT_UID: grant.account.uid},
            "ownerReferences": [self._owner(grant)],
        }
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque"}
        try:
            return await self.client.create(SECRETS, manifest)  # type: ignore[return-value]
        except AlreadyExists:
            return await self._adopt(grant)

    async def _adopt(self, grant: Grant) -> Secret | Failure:
        """Take over a Secret that the Go operator made for this very role; no other."""
        namespace = grant.account.namespace
        live = await self.client.get(SECRETS, namespace, grant.secret)
        role, labels = grant.role.metadata, live.metadata.labels or {}
        owners = {o.name for o in live.metadata.owner_references or () if o.kind == names.KIND_ROLE}
        told = labels.get(names.LABEL_CLUSTER_NAMESPACE, self.target.namespace)
        if role.name in owners and told == self.target.namespace:
            return live  # type: ignore[return-value]
        return Failure(
            f"Secret {namespace}/{grant.secret}",
            "NotOurs",
            f"is not natsctl's and is left alone, but the token of ServiceAccount {role.name} "
            "needs the name: delete or rename it",
        )

    def _owner(self, grant: Grant) -> dict[str, Any]:
        """What takes the Secret along: its role, or in another namespace its ServiceAccount."""
        role = grant.role.metadata
        if grant.account.namespace == self.target.namespace:
            kind, version, uid = names.KIND_ROLE, names.API_VERSION, role.uid
        else:
            kind, version, uid = "ServiceAccount", "v1", grant.account.uid
        return {"apiVersion": version, "kind": kind, "name": role.name, "uid": uid}

    def _labels(self) -> dict[str, str]:
        return labels_of(self.target.namespace, self.target.name)

    async def _request(self, grant: Grant, held: Secret) -> tuple[str, datetime]:
        auth = self.target.spec.auth or AuthConfig()
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [f"nats://{self.target.name}.{grant.account.namespace}.svc"],
                "expirationSeconds": auth.service_account_token_seconds or LIFE,
                "boundObjectRef": {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "name": held.metadata.name,
                    "uid": held.metadata.uid,
                },
            },
        }
        where = grant.account.namespace, grant.role.metadata.name
        reply = await self.client.submit(ACCOUNTS_METADATA, *where, "token", body)
        return reply["status"]["token"], datetime.fromisoformat(
            reply["status"]["expirationTimestamp"]
        )


def _annotations(grant: Grant, now: datetime, expires: datetime) -> dict[str, str]:
    told = {
        ACCOUNT_UID: grant.account.uid,
        EXPIRES: _text(expires),
        RENEW_AFTER: _text(now + (expires - now) * RENEWED_AT),
    }
    return told | ({SWITCH_AT: _text(now + CHANGE_OVER)} if grant.token else {})


def _data(grant: Grant, token: str) -> dict[str, str | None]:
    """The new token, and the one that counts until the change-over."""
    return {
        TOKEN: _encoded(token),
        USERNAME: _encoded(grant.user),
        PREVIOUS: _encoded(grant.token) if grant.token else None,
    }


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
