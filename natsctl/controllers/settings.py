"""How one operator process is set up."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from natsctl.api.labels import label_problems
from natsctl.controllers.runtime.lease import Timing
from natsctl.model.limits import natural
from natsctl.model.names import is_namespace
from natsctl.plan.namespaces import EVERY, NamespacePolicy
from natsctl.render.inputs import Images, OperatorPods

FEATURES = {"ClusterScoped": False, "JetStream": False}
"""Feature gates and their defaults."""


@attrs.frozen
class Settings:
    """Everything the command line and the environment say.

    `namespace` is where the lease is. What is watched: all namespaces if `cluster_scoped`, else
    `namespaces`, else that of the lease. `pod_labels` are those of the operator's own pods.
    `allowed` and `denied` are namespaces, by the ServiceAccounts in them (see NamespacePolicy).
    `selectors`: Namespaces are read, for roles that select by their labels.
    `concurrency` is how many clusters of one namespace are worked on at a time; of all, twice that.
    """

    namespace: str
    cluster_scoped: bool = False
    namespaces: tuple[str, ...] = ()
    host: str = "0.0.0.0"
    port: int = 8080
    kubeconfig: str | None = None
    context: str | None = None
    identity: str | None = None
    lease_name: str = "nats-operator"
    timing: Timing = attrs.field(factory=Timing)
    concurrency: int = 16
    images: Images = attrs.field(factory=Images)
    platform_assigned_ids: bool = False
    jetstream: bool = False
    pod_labels: Mapping[str, str] = attrs.field(factory=dict)
    allowed: tuple[str, ...] = (EVERY,)
    denied: tuple[str, ...] = ()
    selectors: bool = False

    @property
    def account_namespaces(self) -> NamespacePolicy:
        """Whose ServiceAccounts may get into clusters."""
        return NamespacePolicy(self.allowed, self.denied, self.namespace, self.selectors)

    @property
    def watched(self) -> tuple[str, ...] | None:
        """The watched namespaces; None for all."""
        return None if self.cluster_scoped else self.namespaces or (self.namespace,)

    @property
    def operator(self) -> OperatorPods:
        """Where NetworkPolicies find the operator's pods."""
        return OperatorPods(self.namespace, self.pod_labels or OperatorPods().labels)

    @property
    def installation(self) -> str:
        """What replicas of one installation share, and no other has: their lease."""
        return f"{self.namespace}/{self.lease_name}"


def feature_gates(text: str) -> dict[str, bool]:
    """Read `Key=bool,Key=bool`; ValueError names the part that cannot be used."""
    gates = dict(FEATURES)
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = item.partition("=")
        if name not in FEATURES:
            known = ", ".join(FEATURES)
            raise ValueError(f"unknown feature gate {name!r}; the feature gates are: {known}")
        if not equals or value.lower() not in ("true", "false"):
            raise ValueError(f"feature gate {item!r}: use {name}=true or {name}=false")
        gates[name] = value.lower() == "true"
    return gates


def namespace_list(text: str, flag: str = "--watch-namespaces") -> tuple[str, ...]:
    """Read `a,b`: names of namespaces, each once; ValueError names what is none."""
    namespaces = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    for name in namespaces:
        if not is_namespace(name):
            raise ValueError(f"{name!r} is not a valid namespace name; use {flag} a,b")
    return namespaces


def allowed_and_denied(allowed: str, denied: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read both lists of `--…-service-account-namespaces`; ValueError if they contradict."""
    given = [part.strip() for part in allowed.split(",")]
    every = (EVERY,) if EVERY in given else ()
    named = ",".join(part for part in given if part != EVERY)
    yes = (*every, *namespace_list(named, "--allowed-service-account-namespaces"))
    no = namespace_list(denied, "--denied-service-account-namespaces")
    for name in no:
        if name in yes:
            raise ValueError(f"the ServiceAccounts of namespace {name} are both allowed and denied")
    return yes, no


def label_map(text: str) -> dict[str, str]:
    """Read `key=value,...`: labels of pods; ValueError names what is none."""
    labels = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = item.partition("=")
        if not equals or any(label_problems({key: value}, "")):
            raise ValueError(f"label {item!r}: use key=value, for example app=nats-operator")
        labels[key] = value
    return labels


def listen_address(text: str) -> tuple[str, int]:
    """Read `host:port` or `:port`; ValueError says what is wrong."""
    host, colon, port = text.rpartition(":")
    number = natural(port)
    if not colon or number is None or number > 65535:
        raise ValueError(f"listen address {text!r}: use host:port, for example 0.0.0.0:8080")
    return host.strip("[]") or "0.0.0.0", number
