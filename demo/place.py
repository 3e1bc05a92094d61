"""Where the demo takes place: the testbed, or a cluster that the user names.

A KUBECONFIG that merely happens to be set is never used: only with NATSCTL_CONTEXT, which names a
context in it (or in ~/.kube/config).
"""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from demo.kubectl import Kubectl
from demo.operator import Operator, Process, Release
from testbed.layout import Testbed


@attrs.frozen
class Place:
    """A Kubernetes cluster, and the operator that serves the demo there.

    `testbed` is None in a user's own cluster; `clients` says whether a client here can reach each
    server.
    """

    kubectl: Kubectl
    operator: Operator
    testbed: Testbed | None = None

    @property
    def clients(self) -> bool:
        """Only in a testbed, of whose network the demo is a part."""
        return self.testbed is not None


def place_of(context: str | None, testbed: str, image: str = "") -> Place:
    """The place that these names mean; `image` is one of natsctl that the context's nodes can pull.

    Without that, the operator of a named context is a process on this machine.
    """
    if not context:
        found = Testbed(testbed)
        kubectl = Kubectl(("--kubeconfig", str(found.kubeconfig)), "default")
        return Place(kubectl, Release(kubectl, "", streams=True), found)
    files = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    options = ("--kubeconfig", files.split(os.pathsep)[0], "--context", context)
    kubectl = Kubectl(options, "natsctl-demo")
    return Place(kubectl, Release(kubectl, image) if image else Process(kubectl))
