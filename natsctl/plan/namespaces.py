"""Of which namespaces the ServiceAccounts count: both the role and the installation may say no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.parse import parse_role_spec
from natsctl.api.problems import InvalidSpec

if TYPE_CHECKING:
    from natsctl.plan.objects import Role

EVERY: Final = "*"
RESERVED: Final = ("kube-system", "kube-public", "kube-node-lease")
"""Those of Kubernetes itself: nobody's applications are there."""


@attrs.frozen
class NamespacePolicy:
    """What the installation says.

    `allowed` are namespaces whose ServiceAccounts count for clusters elsewhere, "*" all but the
    reserved ones and that of the operator itself; of `denied` ones none counts anywhere.
    """

    allowed: tuple[str, ...] = (EVERY,)
    denied: tuple[str, ...] = ()
    operator: str = ""

    def objection(self, namespace: str, cluster_namespace: str) -> str:
        """Why ServiceAccounts of a namespace do not count for a cluster, or nothing."""
        if namespace in self.denied:
            return "this installation of natsctl denies that namespace"
        if namespace == cluster_namespace or namespace in self.allowed:
            return ""
        if EVERY not in self.allowed:
            return "this installation of natsctl does not allow that namespace"
        if namespace in (*RESERVED, self.operator):
            return "that namespace does not count unless the installation of natsctl names it"
        return ""


def chosen(role: Role) -> tuple[str, ...] | None:
    """The namespaces that a role names; None: it names none, and all count."""
    try:
        selection = parse_role_spec(role.spec).service_account_namespaces
    except InvalidSpec:
        return ()
    return selection.names if selection is not None else None


def objection(
    names: tuple[str, ...] | None, namespace: str, cluster_namespace: str, policy: NamespacePolicy
) -> str:
    """Why a role that chose these namespaces lets nobody of this one in, or nothing."""
    if names is not None and namespace not in names:
        return "spec.serviceAccountNamespaces does not name that namespace"
    return policy.objection(namespace, cluster_namespace)
