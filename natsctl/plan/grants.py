"""Users made from NatsServiceRoles and the ServiceAccounts of the same name.

In the cluster's own namespace the user has the name of the role; in another one it is
`<role>_<namespace>`: Kubernetes names have no underscore, and URLs need not escape it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api import names
from natsctl.api.fields import Json
from natsctl.api.parse import parse_role_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.role_checks import validate_role
from natsctl.plan.objects import Role, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.api.role import AllowResponses, Permissions, Subjects
    from natsctl.api.version import ServerVersion
    from natsctl.plan.sources import Sources

TOKEN, PREVIOUS, USERNAME = "token", "previous-token", "username"
"""Keys of a bound-token Secret."""
EXPIRES, RENEW_AFTER, SWITCH_AT = (
    "nats.io/token-expires",
    "nats.io/token-renew-after",
    "nats.io/token-switch-at",
)
"""Its annotations, RFC 3339: when the token ends, when to renew it, when servers change over."""
ACCOUNT_UID = "nats.io/service-account-uid"


Key = tuple[str, str]
"""Namespace and name."""


@attrs.frozen
class Account:
    """A ServiceAccount: where it is, and which one of that name."""

    namespace: str
    uid: str


@attrs.frozen
class Grant:
    """One ServiceAccount that may connect with the permissions of one role.

    `token` is the password that counts now; empty: there is none yet. `held` is the Secret as it
    is; `problem` says why the role cannot be used.
    """

    role: Role
    account: Account
    user: str
    permissions: Json
    token: str = attrs.field(default="", repr=False)
    held: Secret | None = attrs.field(default=None, repr=False)
    problem: str = ""

    @property
    def secret(self) -> str:
        """Name of the Secret with the token."""
        return secret_name(self.role.metadata.name, self.role.metadata.label(names.LABEL_CLUSTER))

    def as_user(self) -> Json:
        """The entry of the servers' configuration."""
        user = {"username": self.user, "password": self.token}
        return {**user, **({"permissions": self.permissions} if self.permissions else {})}


def secret_name(role: str, cluster: str | None) -> str:
    """Upstream's name of a bound-token Secret."""
    return f"{role}-{cluster}-bound-token"


def grants_of(namespace: str, cluster: str, sources: Sources) -> tuple[Grant, ...]:
    """Every role with every ServiceAccount of its name, in a stable order."""
    return tuple(
        _grant(namespace, role, account, sources)
        for role in sorted(sources.roles, key=lambda r: r.metadata.name)
        for account in sources.accounts.get(role.metadata.name, ())
    )


def _grant(namespace: str, role: Role, account: Account, sources: Sources) -> Grant:
    name = role.metadata.name
    key = (account.namespace, secret_name(name, role.metadata.label(names.LABEL_CLUSTER)))
    held = sources.tokens.get(key)
    return Grant(
        role=role,
        account=account,
        user=user_name(namespace, name, account.namespace),
        permissions=permissions_of(role),
        token=_token(held, key in sources.switched) if held else "",
        held=held,
        problem=role_problem(role, sources.version),
    )


def user_name(cluster_namespace: str, role: str, namespace: str) -> str:
    """The user of a ServiceAccount in one namespace."""
    return role if namespace == cluster_namespace else f"{role}_{namespace}"


def _token(held: Secret, switched: bool) -> str:
    """The password that counts now: the previous token until the clients have the new one."""
    data = held.data or {}
    key = TOKEN if switched or not data.get(PREVIOUS) else PREVIOUS
    try:
        return base64.b64decode(data.get(key, "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def switched_tokens(tokens: Mapping[Key, Secret], timestamp: str) -> frozenset[Key]:
    """Those whose new token counts by now; RFC 3339 times in UTC sort as text."""
    return frozenset(
        key
        for key, held in tokens.items()
        if (held.metadata.annotation(SWITCH_AT) or "") <= timestamp
    )


def role_problem(role: Role, version: ServerVersion | None = None) -> str:
    """Why a role cannot be used, or nothing."""
    if role.unreadable:
        return f"spec: {role.unreadable}"
    try:
        problems = validate_role(parse_role_spec(role.spec), version)
    except InvalidSpec as invalid:
        return str(invalid)
    return "; ".join(map(str, problems))


def permissions_of(role: Role) -> Json:
    """A role's permissions as the servers' configuration has them."""
    try:
        given = parse_role_spec(role.spec).permissions
    except InvalidSpec:
        return {}
    found: dict[str, Any] = {
        "publish": _both(given, "publish"),
        "subscribe": _both(given, "subscribe"),
        "allow_responses": _responses(given.allow_responses),
    }
    return {key: value for key, value in found.items() if value}


def _both(given: Permissions, kind: str) -> Any:
    """A plain list as upstream wrote it, or both lists where something is denied."""
    allow = [*getattr(given, kind), *_of(given.allow, kind)]
    deny = _of(given.deny, kind)
    if not deny:
        return allow
    return {**({"allow": allow} if allow else {}), "deny": deny}


def _of(subjects: Subjects | None, kind: str) -> list[str]:
    return list(getattr(subjects, kind)) if subjects is not None else []


def _responses(given: AllowResponses | None) -> Any:
    if given is None:
        return None
    told = {"max": given.max_msgs, "expires": given.expires}
    return {key: value for key, value in told.items() if value is not None} or True


def labels_of(namespace: str, cluster: str) -> dict[str, str]:
    """Labels of a bound-token Secret; they lead back to the cluster from any namespace."""
    return {
        names.LABEL_APP: names.APP,
        names.LABEL_CLUSTER: cluster,
        names.LABEL_CLUSTER_NAMESPACE: namespace,
        names.LABEL_K8S_MANAGED_BY: names.MANAGED_BY,
    }


def unwanted(grants: Iterable[Grant], tokens: Mapping[Key, Secret]) -> tuple[Secret, ...]:
    """Bound-token Secrets whose role or ServiceAccount is gone."""
    wanted = {(g.account.namespace, g.secret): g.account.uid for g in grants}
    return tuple(
        held
        for key, held in tokens.items()
        if key not in wanted or held.metadata.annotation(ACCOUNT_UID) not in (None, wanted[key])
    )
