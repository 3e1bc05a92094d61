"""Of which namespaces the ServiceAccounts count: both the role and the installation may say no.

A selector is evaluated only for namespaces in which there is a ServiceAccount of the role's name,
and each of its terms is one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.checks.service_role import selection_problems
from natsctl.api.parse import parse_role_spec
from natsctl.api.problems import InvalidSpec
from natsctl.model.slim import LONGEST_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.api.selectors import NamespaceSelector
    from natsctl.model.objects import ServiceRole

Labels = Mapping[str, Mapping[str, str]]
"""Labels of namespaces by their names."""

EVERY: Final = "*"
RESERVED: Final = ("kube-system", "kube-public", "kube-node-lease")
"""Those of Kubernetes itself: nobody's applications are there."""

NOT_ASKED: Final = (
    "this installation of natsctl does not read the labels of Namespaces: set clusterScoped and "
    "serviceAccounts.namespaceSelectors of its chart to true, or name the namespaces in "
    "spec.serviceAccountNamespaces.names"
)
NOT_ALLOWED: Final = (
    "natsctl may not read Namespaces: give its ClusterRole the right to list and watch them, as "
    "serviceAccounts.namespaceSelectors of its chart does, or name the namespaces in "
    "spec.serviceAccountNamespaces.names"
)


@attrs.frozen
class NamespacePolicy:
    """What the installation says.

    `allowed` are namespaces whose ServiceAccounts count for clusters elsewhere, "*" all but the
    reserved ones and that of the operator itself; of `denied` ones none counts anywhere.
    `selectors`: the installation has natsctl read the labels of Namespaces.
    """

    allowed: tuple[str, ...] = (EVERY,)
    denied: tuple[str, ...] = ()
    operator: str = ""
    selectors: bool = False

    def objection(self, namespace: str, cluster_namespace: str) -> str:
        """Why ServiceAccounts of a namespace do not count for a cluster, or nothing."""
        if namespace in self.denied:
            return "this installation of natsctl denies that namespace"
        if namespace == cluster_namespace or namespace in self.allowed:
            return ""
        if EVERY not in self.allowed:
            return "this installation of natsctl does not allow that namespace"
        if namespace in (*RESERVED, self.operator):
            return "that namespace is ignored unless the installation of natsctl names it"
        return ""


@attrs.frozen
class Term:
    """One condition: the label is there with one of `values` (None: any); or that is not so."""

    key: str
    values: frozenset[str] | None = None
    negated: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether it is fulfilled."""
        value = labels.get(self.key)
        matches = value is not None and (self.values is None or value in self.values)
        return matches is not self.negated


@attrs.frozen
class Choice:
    """The namespaces that a role chooses: by name, or by labels (None: it has no selector)."""

    names: tuple[str, ...] = ()
    terms: tuple[Term, ...] | None = None
    _named: frozenset[str] = attrs.field(init=False, eq=False, repr=False)

    @_named.default
    def _as_set(self) -> frozenset[str]:
        return frozenset(self.names)

    def objection(self, namespace: str, labels: Labels | None) -> str:
        """Why the role does not choose a namespace, or nothing; `labels` may not be known."""
        if namespace in self._named:
            return ""
        if self.terms is None or labels is None:
            return "spec.serviceAccountNamespaces does not name that namespace"
        known = labels.get(namespace)
        if known is None:
            return (
                "natsctl does not know the labels of that namespace (it reads at most "
                f"{LONGEST_LABELS} characters of them)"
            )
        selected = all(term.holds(known) for term in self.terms)
        return "" if selected else "spec.serviceAccountNamespaces does not select that namespace"


def chosen(role: ServiceRole) -> Choice | None:
    """The namespaces that a role chooses; None: it says nothing, and all count.

    A role with an error in it chooses none.
    """
    try:
        selection = parse_role_spec(role.spec).service_account_namespaces
    except InvalidSpec:
        return Choice()
    if selection is None:
        return None
    if any(selection_problems(selection)):
        return Choice()
    given = selection.selector
    return Choice(selection.names, tuple(_terms(given)) if given is not None else None)


def selects(role: ServiceRole) -> bool:
    """Whether a role may have a selector: a quick look, which reads nothing else of it."""
    selection = role.spec.get("serviceAccountNamespaces") if isinstance(role.spec, dict) else None
    return isinstance(selection, dict) and selection.get("selector") is not None


def objection(
    choice: Choice | None,
    namespace: str,
    cluster_namespace: str,
    policy: NamespacePolicy,
    labels: Labels | None,
) -> str:
    """Why a role with this choice lets nobody of this namespace in, or nothing."""
    reason = choice.objection(namespace, labels) if choice is not None else ""
    return reason or policy.objection(namespace, cluster_namespace)


def blindness(choice: Choice | None, policy: NamespacePolicy, labels: Labels | None) -> str:
    """Why the selector of a role selects nothing at all, whatever it says; or nothing."""
    if choice is None or choice.terms is None or labels is not None:
        return ""
    return NOT_ALLOWED if policy.selectors else NOT_ASKED


def _terms(selector: NamespaceSelector) -> Iterator[Term]:
    for key, value in selector.match_labels.items():
        yield Term(key, frozenset({value}))
    for each in selector.match_expressions:
        values = frozenset(each.values) if each.operator in ("In", "NotIn") else None
        yield Term(each.key, values, negated=each.operator in ("NotIn", "DoesNotExist"))
