"""Tokens of ServiceAccounts: made by the TokenRequest API, kept in Secrets that users mount.

nats-server takes the token for a password and knows nothing of its end, so a renewed one takes
two steps: clients find the new token in the Secret at once, and the servers change over once the
kubelets have had the time to tell every pod. Until then the previous one counts.
"""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api.types.security import NO_AUTH
from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError, Conflict, NotFound, Terminal
from natsctl.kube.resources import ACCOUNTS_METADATA, SECRETS
from natsctl.model import names
from natsctl.model.bound_tokens import (
    ACCOUNT_UID,
    EXPIRES,
    PREVIOUS,
    RENEW_AFTER,
    SEAL,
    SWITCH_AT,
    TOKEN,
    USERNAME,
)
from natsctl.model.foreign import quoted
from natsctl.model.objects import Secret
from natsctl.model.times import known, written
from natsctl.plan.service_accounts.adoption import RENEWED_AT, kept_token, objection, passwords_of
from natsctl.plan.service_accounts.seals import bond_of, is_token, labels_of, sealed
from natsctl.plan.state import Failure
from natsctl.render.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.plan.actions import RemoveToken
    from natsctl.plan.service_accounts.grants import Grant

LIFE = 365 * 24 * 3600
"""Seconds asked for unless the spec says; an API server may give less."""
CHANGE_OVER = timedelta(seconds=180)
"""What kubelets need at most to show a changed Secret to every pod: the period of their passes (a
minute and its jitter) and the age of their caches."""


@attrs.frozen
class Refused:
    """What stood in the way of one token, and nothing else. `token` counts nevertheless."""

    failure: Failure
    token: str = attrs.field(default="", repr=False)


@attrs.frozen
class Content:
    """What a bound-token Secret is to hold; `previous` counts until `switch_at`."""

    token: str = attrs.field(repr=False)
    previous: str = attrs.field(default="", repr=False)
    expires: str = ""
    renew_after: str = ""
    switch_at: str = ""


@attrs.define
class Running:
    """The users of the configuration that the servers have now: read once, if anybody asks."""

    client: Client
    target: Target
    _passwords: dict[str, str] | None = attrs.field(default=None, repr=False)
    _reading: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    async def passwords(self) -> Mapping[str, str]:
        """Passwords by user; none of a Secret that the cluster does not control."""
        async with self._reading:
            if self._passwords is None:
                self._passwords = passwords_of(await self._config())
        return self._passwords

    async def _config(self) -> Secret | None:
        try:
            config = await self.client.get(SECRETS, self.target.namespace, self.target.name)
        except NotFound:
            return None
        owner = config.metadata.controller
        ours = owner is not None and owner.uid == self.target.uid
        return config if ours and isinstance(config, Secret) else None


@attrs.frozen
class TokenWriter:
    """Writes the tokens of one cluster, and their seals."""

    client: Client
    target: Target
    sealing: bytes = attrs.field(repr=False)
    running: Running

    async def bind(self, grant: Grant) -> Secret | Refused:
        """Make sure of the Secret, then of a token that is bound to it.

        What cannot be written costs this grant alone. What cannot be read because the API server
        is in trouble is raised: then nobody knows yet what becomes of a token that is in use.
        """
        try:
            secret = grant.sealed_secret or await self._create(grant)
            return await self._write(secret, grant, await self._renewed(grant, secret, grant.token))
        except ApiError as error:
            live = None if grant.sealed_secret is not None else await self._live(grant)
            if live is None:
                return _refused(grant, error)
        if self._is_sealed(live, grant):
            return live
        if words := objection(live, grant):
            return Refused(Failure(_subject(grant), "NotOurs", words))
        return await self._adopt(live, grant)

    async def _adopt(self, live: Secret, grant: Grant) -> Secret | Refused:
        """Write over a Secret that was made for this grant; a token known to be ours stays."""
        kept = kept_token(live, grant, await self.running.passwords())
        try:
            if kept is not None and kept.current:
                content = Content(kept.token, "", kept.expires, kept.renew_after)
            else:
                content = await self._renewed(grant, live, kept.token if kept is not None else "")
            return await self._write(live, grant, content)
        except ApiError as error:
            return _refused(grant, error, kept.token if kept is not None else "")

    async def remove(self, action: RemoveToken) -> Refused | None:
        """Delete exactly this Secret."""
        meta = action.secret.metadata
        try:
            await self.client.delete(SECRETS, meta.namespace, meta.name, meta.uid)
        except (NotFound, Conflict):
            return None
        except ApiError as error:
            subject = f"Secret {meta.namespace}/{meta.name}"
            text = f"not deleted, but no longer valid: {quoted(str(error))}"
            return Refused(Failure(subject, error.reason or "Refused", text))
        return None

    async def _create(self, grant: Grant) -> Secret:
        meta = {
            "name": grant.secret,
            "namespace": grant.account.namespace,
            "labels": labels_of(*grant.cluster),
            "annotations": {ACCOUNT_UID: grant.account.uid},
            "ownerReferences": [self._owner(grant)],
        }
        manifest = {"apiVersion": "v1", "kind": SECRETS.kind, "metadata": meta, "type": "Opaque"}
        return await self.client.create(SECRETS, manifest)  # type: ignore[return-value]

    async def _live(self, grant: Grant) -> Secret | None:
        """The Secret that is there already; a quota that is full hides that there is one."""
        try:
            secret = await self.client.get(SECRETS, *grant.key)
        except Terminal:
            return None
        return secret  # type: ignore[return-value] # SECRETS projects to Secret

    def _is_sealed(self, live: Secret, grant: Grant) -> bool:
        """Whether it is what is wanted, and only the watch has not told of it yet."""
        bond = bond_of(live, self.sealing)
        going = live.metadata.deletion_timestamp is not None
        return (
            bond is not None
            and not going
            and bond == grant.new_bond(bond.renew_after, bond.switch_at)
        )

    async def _renewed(self, grant: Grant, secret: Secret, previous: str) -> Content:
        """A new token; the previous one counts until clients have had the time to find it."""
        token, expires = await self._request(grant, secret)
        now = datetime.now(UTC)
        return Content(
            token,
            previous,
            written(expires),
            written(now + (expires - now) * RENEWED_AT),
            written(now + CHANGE_OVER) if previous else "",
        )

    async def _write(self, secret: Secret, grant: Grant, content: Content) -> Secret:
        """All that counts is written anew, so that the seal is over what is known to be there."""
        data = {TOKEN: content.token, USERNAME: grant.user, PREVIOUS: content.previous}
        written = {key: _encoded(text) if text else None for key, text in data.items()}
        bond = grant.new_bond(content.renew_after, content.switch_at)
        seal = sealed(self.sealing, bond, secret.metadata, {k: v for k, v in written.items() if v})
        notes = {
            ACCOUNT_UID: grant.account.uid,
            EXPIRES: content.expires or None,
            RENEW_AFTER: content.renew_after or None,
            SWITCH_AT: content.switch_at or None,
            SEAL: seal,
        }
        meta = {
            "uid": secret.metadata.uid,
            "labels": labels_of(*grant.cluster),
            "annotations": notes,
            "ownerReferences": [self._owner(grant)],
        }
        patch = {"metadata": meta, "data": written}
        reply = await self.client.patch(SECRETS, *secret.key, patch)
        return reply  # type: ignore[return-value] # SECRETS projects to Secret

    def _owner(self, grant: Grant) -> dict[str, Any]:
        """What takes the Secret along: its role, or in another namespace its ServiceAccount."""
        role = grant.role.metadata
        if grant.account.namespace == self.target.namespace:
            kind, version, uid = names.KIND_ROLE, names.API_VERSION, role.uid
        else:
            kind, version, uid = "ServiceAccount", "v1", grant.account.uid
        return {"apiVersion": version, "kind": kind, "name": role.name, "uid": uid}

    async def _request(self, grant: Grant, secret: Secret) -> tuple[str, datetime]:
        auth = self.target.spec.auth or NO_AUTH
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [audience(*grant.cluster)],
                "expirationSeconds": auth.service_account_token_seconds or LIFE,
                "boundObjectRef": {
                    "apiVersion": "v1",
                    "kind": SECRETS.kind,
                    "name": secret.metadata.name,
                    "uid": secret.metadata.uid,
                },
            },
        }
        where = grant.account.namespace, grant.role.metadata.name
        return answered(await self.client.submit(ACCOUNTS_METADATA, *where, "token", body))


def _subject(grant: Grant) -> str:
    return f"Secret {'/'.join(grant.key)}"


def _refused(grant: Grant, error: ApiError, token: str = "") -> Refused:
    text = f"not written: {quoted(str(error))}"
    return Refused(Failure(_subject(grant), error.reason or "Refused", text), token)


def audience(namespace: str, cluster: str) -> str:
    """Whom a token is for: one cluster, which no other one of its name shares."""
    return f"nats://{cluster}.{namespace}.svc"


def answered(reply: dict[str, Any]) -> tuple[str, datetime]:
    """The token and its end; Terminal if the answer has none that a server could take."""
    try:
        token, end = reply["status"]["token"], reply["status"]["expirationTimestamp"]
        expires = known(end).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        token, expires = "", datetime.now(UTC)
    if not isinstance(token, str) or not is_token(token):
        raise Terminal(0, "Unusable", "the answer to the TokenRequest has no usable token")
    return token, expires


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
