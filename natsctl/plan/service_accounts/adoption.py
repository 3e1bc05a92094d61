"""What to make of a Secret that has the name of a bound-token Secret, but no valid seal.

Earlier versions of natsctl and the Go operator sealed nothing, the operator's key may be lost, and
whoever may write a Secret can break its seal. Such a Secret is written over if its labels or its
owner say that it was made for this very role and cluster, and else it is left alone. Its token is
believed only if the running configuration, which lies beside the cluster, already has it for this
very user, and if it was made for this very Secret and ServiceAccount.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from natsctl.model import names
from natsctl.model.bound_tokens import ACCOUNT_UID, PREVIOUS, TOKEN
from natsctl.model.times import written_seconds
from natsctl.plan.service_accounts.seals import decoded, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.model.objects import Secret
    from natsctl.plan.service_accounts.grants import Grant

RENEWED_AT = 0.8
"""Part of a token's life after which it is renewed."""


@attrs.frozen
class Kept:
    """A token that goes on counting: as the one there is, or only until there is a new one.

    `expires` and `renew_after` are RFC 3339 text; empty for one that is never renewed.
    """

    token: str = attrs.field(repr=False)
    current: bool
    expires: str = ""
    renew_after: str = ""


def passwords_of(config: Secret | None) -> dict[str, str]:
    """The users of the running configuration, with their passwords."""
    text = (config.data or {}).get(names.CONFIG_KEY, "") if config is not None else ""
    try:
        document = msgspec.json.decode(base64.b64decode(text))
    except (binascii.Error, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    block = document.get("authorization") if isinstance(document, dict) else None
    users = block.get("users") if isinstance(block, dict) else None
    return {
        user["username"]: user["password"]
        for user in (users if isinstance(users, list) else ())
        if isinstance(user, dict)
        and isinstance(user.get("username"), str)
        and isinstance(user.get("password"), str)
    }


def objection(live: Secret, grant: Grant) -> str:
    """Why a Secret is left alone; empty if it was clearly made for this grant."""
    if live.metadata.deletion_timestamp is not None:
        return "is being deleted: the token will be created once it is gone"
    if live.metadata.label(names.LABEL_CLUSTER) == grant.cluster[1] and (
        _labelled(live, grant) or _made_by_the_go_operator(live, grant)
    ):
        return ""
    if _is_of_elsewhere(live, grant):
        return ""
    return (
        "was not created for this role and is left alone: delete it, or give the role and its "
        "ServiceAccount another name"
    )


def _labelled(live: Secret, grant: Grant) -> bool:
    wanted = labels_of(*grant.cluster)
    return all(live.metadata.label(name) == value for name, value in wanted.items())


def _is_of_elsewhere(live: Secret, grant: Grant) -> bool:
    """Whether a cluster of another namespace has taken the name beside this cluster.

    Nobody who has a cluster of the same name may keep this one's own accounts from their tokens.
    """
    label, home = live.metadata.label, grant.cluster[0]
    return (
        grant.account.namespace == home
        and label(names.LABEL_K8S_MANAGED_BY) == names.MANAGED_BY
        and label(names.LABEL_CLUSTER_NAMESPACE) not in (None, home)
    )


def _made_by_the_go_operator(live: Secret, grant: Grant) -> bool:
    """It owned them by the role, in any namespace, and did not say where their cluster is."""
    owners = live.metadata.owner_references or ()
    role = grant.role.metadata
    return (
        any(o.kind == names.KIND_ROLE and o.uid == role.uid for o in owners)
        and live.metadata.label(names.LABEL_CLUSTER_NAMESPACE) is None
    )


def kept_token(live: Secret, grant: Grant, passwords: Mapping[str, str]) -> Kept | None:
    """The token of an unsealed Secret that counts on, if it is known to be ours."""
    if live.metadata.annotation(ACCOUNT_UID) not in (None, grant.account.uid):
        return None
    running = {passwords.get(grant.user), passwords.get(grant.role.metadata.name)}
    for key in (TOKEN, PREVIOUS):
        token = decoded(live, key)
        claims = _claims(token)
        if token in running and _is_bound(claims, live, grant):
            return Kept(token, key == TOKEN, *_times(claims, live, grant))
    return None


def _claims(token: str) -> dict[str, Any]:
    """What a JWT says; nobody checked its signature."""
    parts = token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = msgspec.json.decode(base64.urlsafe_b64decode(padded))
    except (IndexError, binascii.Error, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _is_bound(claims: Mapping[str, Any], live: Secret, grant: Grant) -> bool:
    bindings = claims.get("kubernetes.io")
    known = bindings if isinstance(bindings, dict) else {}
    secret, account = known.get("secret"), known.get("serviceaccount")
    return (
        isinstance(secret, dict)
        and isinstance(account, dict)
        and secret.get("uid") == live.metadata.uid
        and account.get("uid") == grant.account.uid
    )


def _times(claims: Mapping[str, Any], live: Secret, grant: Grant) -> tuple[str, str]:
    """When a token ends and is to be renewed: the Go operator's beside the cluster never is."""
    ours = live.metadata.label(names.LABEL_K8S_MANAGED_BY) == names.MANAGED_BY
    if not ours and grant.account.namespace == grant.cluster[0]:
        return "", ""
    begin, end = claims.get("iat"), claims.get("exp")
    if not isinstance(begin, int) or not isinstance(end, int):
        return "", ""
    return written_seconds(end), written_seconds(begin + (end - begin) * RENEWED_AT)
