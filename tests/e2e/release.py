"""A release of the chart, as Helm and its users see it."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import attrs

from deploy.render import CHART
from tests.e2e.kubectl import Kubectl, until
from tests.patience import patient

NAME = "nats-operator"
OURS = f"app.kubernetes.io/name={NAME},app.kubernetes.io/component=operator"


class HelmFailed(AssertionError):
    """helm's exit status was not 0; the message is what it said."""


def helm(*arguments: str) -> str:
    """Run it; what it printed."""
    done = subprocess.run(
        ["helm", *arguments], capture_output=True, text=True, timeout=patient(300)
    )
    if done.returncode:
        raise HelmFailed(f"helm {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@attrs.frozen
class Release:
    """The release `nats-operator` in kubectl's namespace."""

    kubectl: Kubectl

    def install(self, *values: str) -> float:
        """Install it and wait until all replicas are ready; the seconds that took."""
        began = time.monotonic()
        self._helm("install", NAME, str(CHART), "--wait", "--take-ownership", *_sets(values))
        return time.monotonic() - began

    def upgrade(self, *values: str) -> None:
        """Change values, and wait for the new replicas."""
        flags = ("--reset-then-reuse-values", "--wait", "--take-ownership")
        self._helm("upgrade", NAME, str(CHART), *flags, *_sets(values))

    def rollback(self) -> None:
        """Go back to the revision before."""
        self._helm("rollback", NAME, "--wait")

    def test(self) -> str:
        """`helm test`; what it printed."""
        return self._helm("test", NAME)

    def uninstall(self) -> str:
        """Uninstall it, and wait until its pods are gone; what it printed."""
        printed = self._helm("uninstall", NAME, "--wait")
        until("the operators end", lambda: not self.all_pods())
        return printed

    def _helm(self, command: str, *arguments: str) -> str:
        return helm(command, *arguments, "--namespace", self.kubectl.namespace)

    def all_pods(self) -> list[dict[str, Any]]:
        """The replicas, those too that are on their way out."""
        return self.kubectl.list("pods", OURS)

    def pods(self) -> list[dict[str, Any]]:
        """The replicas that are not on their way out."""
        return [pod for pod in self.all_pods() if "deletionTimestamp" not in pod["metadata"]]

    def names(self) -> set[str]:
        """Their names."""
        return {pod["metadata"]["name"] for pod in self.pods()}

    def get(self, path: str) -> dict[str, str]:
        """What each replica answers."""
        root = f"/api/v1/namespaces/{self.kubectl.namespace}/pods"
        return {name: self.kubectl.raw(f"{root}/{name}:8080/proxy/{path}") for name in self.names()}

    def leader(self) -> str:
        """The pod that holds the lease; empty while nobody does."""
        lease = self.kubectl.get("lease", NAME)["spec"]
        return str(lease.get("holderIdentity") or "").partition("_")[0]

    def logs(self) -> str:
        """What all replicas said."""
        return self.kubectl("logs", "-l", OURS, "--tail=-1", "--prefix")

    def allowed(self, namespace: str) -> set[str]:
        """Every line of `kubectl auth can-i --list` for its ServiceAccount in a namespace."""
        account = f"system:serviceaccount:{self.kubectl.namespace}:{NAME}"
        return _rights(self.kubectl.within(namespace), account)

    def can(self, verb: str, resource: str, namespace: str, *flags: str) -> bool:
        """`kubectl auth can-i` for its ServiceAccount."""
        account = f"system:serviceaccount:{self.kubectl.namespace}:{NAME}"
        command = self.kubectl.within(namespace).command("auth", "can-i", verb, resource, *flags)
        asked = subprocess.run([*command, "--as", account], capture_output=True, text=True)
        return asked.stdout.strip() == "yes"


def nobody(kubectl: Kubectl, namespace: str) -> set[str]:
    """What a ServiceAccount without any role may do in a namespace."""
    return _rights(kubectl.within(namespace), f"system:serviceaccount:{namespace}:unknown")


def _rights(kubectl: Kubectl, account: str) -> set[str]:
    listed = kubectl("auth", "can-i", "--list", "--no-headers", "--as", account)
    return {" ".join(line.split()) for line in listed.splitlines()}


def _sets(values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def owner(crd: dict[str, Any]) -> str:
    """The namespace of the release that a CRD belongs to, as Helm notes it."""
    return str(crd["metadata"].get("annotations", {}).get("meta.helm.sh/release-namespace", ""))


def forget_owner(kubectl: Kubectl, *names: str) -> None:
    """Make CRDs nobody's again."""
    notes = {f"meta.helm.sh/release-{part}": None for part in ("name", "namespace")}
    notes["helm.sh/resource-policy"] = None
    meta = {"annotations": notes, "labels": {"app.kubernetes.io/managed-by": None}}
    for name in names:
        kubectl("patch", "crd", name, "--type=merge", "-p", json.dumps({"metadata": meta}))
