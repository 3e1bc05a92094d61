"""Users made from NatsServiceRoles and the ServiceAccounts of the same name.

In the cluster's own namespace the user has the name of the role; in another one it is
`<role>_<namespace>`: Kubernetes names have no underscore, and URLs need not escape it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api.checks.service_role import validate_role
from natsctl.api.fields import Json
from natsctl.api.parse import parse_role_spec
from natsctl.api.problems import InvalidSpec
from natsctl.model import names
from natsctl.model.bound_tokens import PREVIOUS, TOKEN
from natsctl.model.objects import Secret, ServiceRole
from natsctl.plan.namespaces import Choice, chosen, objection
from natsctl.plan.references import Key, ServiceAccount
from natsctl.plan.service_accounts.seals import Bond, bond_of, decoded, switch_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from natsctl.api.types.service_role import AllowResponses, Permissions, Subjects
    from natsctl.api.version import ServerVersion
    from natsctl.plan.references import References

LONGEST_NAME = 253
"""Characters of a Secret's name."""


@attrs.frozen
class Grant:
    """One ServiceAccount that may connect with the permissions of one role.

    `cluster` is the namespace and name of the NatsCluster. `token` is the password that counts
    now; empty: there is none yet. `sealed_secret` is the Secret with our seal, and `bond` what that
    says if it is for this very grant; `problem` says why nobody gets in by it.
    """

    role: ServiceRole
    account: ServiceAccount
    cluster: Key
    cluster_uid: str
    user: str
    permissions: Json
    token: str = attrs.field(default="", repr=False)
    sealed_secret: Secret | None = attrs.field(default=None, repr=False)
    bond: Bond | None = None
    problem: str = ""

    @property
    def secret(self) -> str:
        """Name of the Secret with the token."""
        return secret_name(self.role.metadata.name, self.cluster[1])

    @property
    def key(self) -> Key:
        """Where the Secret is."""
        return self.account.namespace, self.secret

    @property
    def lets_in(self) -> bool:
        """Whether the ServiceAccount may connect."""
        return bool(self.token) and not self.problem

    def as_user(self) -> Json:
        """The entry of the servers' configuration."""
        user = {"username": self.user, "password": self.token}
        return {**user, **({"permissions": self.permissions} if self.permissions else {})}

    def new_bond(self, renew_after: str, switch_at: str) -> Bond:
        """What the seal of its Secret is to say."""
        uid = self.cluster_uid
        return _bond(self.role, self.account, self.cluster, uid, renew_after, switch_at)


def secret_name(role: str, cluster: str) -> str:
    """Upstream's name of a bound-token Secret."""
    return f"{role}-{cluster}{names.BOUND_TOKEN_SUFFIX}"


def grants_of(
    namespace: str, cluster: str, references: References, taken: frozenset[str] = frozenset()
) -> tuple[Grant, ...]:
    """Every role with every ServiceAccount of its name that counts, in a stable order.

    `taken` are names of users that are somebody else's: a grant of that name lets nobody in.
    """
    return tuple(
        grant
        for role in sorted(references.roles, key=lambda r: r.metadata.name)
        if is_role_of(role, (namespace, cluster))
        for grant in _grants_of(role, (namespace, cluster), references, taken)
    )


def _grants_of(
    role: ServiceRole, cluster: Key, references: References, taken: frozenset[str]
) -> Iterator[Grant]:
    """A role is read once, however many ServiceAccounts have its name."""
    choice, permissions = chosen(role), permissions_of(role)
    problem = role_problem(role, references.version)
    secret = secret_name(role.metadata.name, cluster[1])
    for account in references.accounts.get(role.metadata.name, ()):
        if _objection(choice, account, cluster[0], references):
            continue
        user = user_name(cluster[0], role.metadata.name, account.namespace)
        sealed_secret, bond, token = _believed(role, account, cluster, references)
        yield Grant(
            role=role,
            account=account,
            cluster=cluster,
            cluster_uid=references.uid,
            user=user,
            permissions=permissions,
            token=token,
            sealed_secret=sealed_secret,
            bond=bond,
            problem=problem or _name_problem(user, secret, taken),
        )


def left_out(role: ServiceRole, references: References) -> tuple[tuple[str, str], ...]:
    """The namespaces whose ServiceAccounts of a role's name do not get in, and why."""
    choice, home = chosen(role), role.metadata.namespace
    return tuple(
        (account.namespace, why)
        for account in references.accounts.get(role.metadata.name, ())
        if (why := _objection(choice, account, home, references))
    )


def _objection(
    choice: Choice | None, account: ServiceAccount, home: str, references: References
) -> str:
    return objection(choice, account.namespace, home, references.namespaces, references.labels)


def is_role_of(role: ServiceRole, cluster: Key) -> bool:
    """Whether a role is of this cluster: in its namespace, and with its name as the label."""
    return (role.metadata.namespace, role.metadata.label(names.LABEL_CLUSTER)) == cluster


def _name_problem(user: str, secret: str, taken: frozenset[str]) -> str:
    if user in taken:
        return f"user {user} is also in spec.auth.clientsAuthSecret: rename one of them"
    if len(secret) > LONGEST_NAME:
        return (
            f"the name of its token's Secret would have {len(secret)} characters, but Kubernetes "
            f"allows {LONGEST_NAME}: give the role and the ServiceAccount a shorter name"
        )
    return ""


def _believed(
    role: ServiceRole, account: ServiceAccount, cluster: Key, references: References
) -> tuple[Secret | None, Bond | None, str]:
    """A Secret counts only with our seal; its token only if the seal is for this very grant."""
    key = account.namespace, secret_name(role.metadata.name, cluster[1])
    secret, proven = references.tokens.get(key), references.proven.get(key, "")
    bond = bond_of(secret, references.sealing) if secret is not None else None
    if secret is None or bond is None or secret.metadata.deletion_timestamp is not None:
        return None, None, proven
    if bond != _bond(role, account, cluster, references.uid, bond.renew_after, bond.switch_at):
        return (secret if bond.key == cluster else None), None, proven
    return secret, bond, _token(secret, key in references.switched)


def _bond(
    role: ServiceRole,
    account: ServiceAccount,
    cluster: Key,
    uid: str,
    renew_after: str,
    switch_at: str,
) -> Bond:
    return Bond(
        *cluster,
        cluster_uid=uid,
        role=role.metadata.name,
        role_uid=role.metadata.uid,
        account_uid=account.uid,
        renew_after=renew_after,
        switch_at=switch_at,
    )


def user_name(cluster_namespace: str, role: str, namespace: str) -> str:
    """The user of a ServiceAccount in one namespace.

    Neither a role's nor a namespace's name can have the underscore, so no two users are the same.
    """
    return role if namespace == cluster_namespace else f"{role}_{namespace}"


def _token(secret: Secret, switched: bool) -> str:
    """The password that counts now: the previous token until the clients have the new one."""
    key = TOKEN if switched or not (secret.data or {}).get(PREVIOUS) else PREVIOUS
    return decoded(secret, key)


def switched_tokens(tokens: Mapping[Key, Secret], timestamp: str, sealing: bytes) -> frozenset[Key]:
    """Those whose new token counts by now; RFC 3339 times in UTC sort as text."""
    return frozenset(
        key
        for key, secret in tokens.items()
        if PREVIOUS in (secret.data or {})
        and (bond := bond_of(secret, sealing)) is not None
        and switch_at(secret, bond) <= timestamp
    )


def role_problem(role: ServiceRole, version: ServerVersion | None = None) -> str:
    """Why a role cannot be used, or nothing."""
    if role.unreadable:
        return f"spec: {role.unreadable}"
    try:
        problems = validate_role(parse_role_spec(role.spec), version)
    except InvalidSpec as invalid:
        return str(invalid)
    return "; ".join(map(str, problems))


def permissions_of(role: ServiceRole) -> Json:
    """A role's permissions as the servers' configuration has them."""
    try:
        given = parse_role_spec(role.spec).permissions
    except InvalidSpec:
        return {}
    permissions: dict[str, Any] = {
        "publish": _both(given, "publish"),
        "subscribe": _both(given, "subscribe"),
        "allow_responses": _responses(given.allow_responses),
    }
    nonempty = {key: value for key, value in permissions.items() if value}
    # A list that is there with nothing in it allows nothing.
    nothing: Json = {kind: [] for kind in ("publish", "subscribe") if _said_empty(role.spec, kind)}
    return {**nonempty, **nothing}


def _said_empty(spec: Any, kind: str) -> bool:
    """Whether a role that was understood allows nothing of a kind, and says so."""
    permissions = (spec or {}).get("permissions") or {}
    lists = [permissions.get(kind), (permissions.get("allow") or {}).get(kind)]
    return [] in lists and not any(lists)


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
    limits = {"max": given.max_msgs, "expires": given.expires or None}
    return {key: value for key, value in limits.items() if value is not None} or True


def unwanted(grants: Sequence[Grant], cluster: Key, references: References) -> tuple[Secret, ...]:
    """Bound-token Secrets with our seal whose role or ServiceAccount is gone."""
    wanted = {g.key: (g.role.metadata.name, g.role.metadata.uid, g.account.uid) for g in grants}
    right = {g.key for g in grants if g.bond is not None}
    return tuple(
        secret
        for key, secret in references.tokens.items()
        if key not in right
        and (bond := bond_of(secret, references.sealing)) is not None
        and bond.key == cluster
        and wanted.get(key) != (bond.role, bond.role_uid, bond.account_uid)
        and secret.metadata.deletion_timestamp is None
    )
