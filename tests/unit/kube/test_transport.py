"""Connecting without loading what is not needed."""

from __future__ import annotations

import subprocess
import sys

from natsctl.kube.resources import CLUSTERS, LEASES, PODS

COUNT = """
import asyncio, sys
from natsctl.kube.transport import connect
async def main():
    try:
        async with connect("/nowhere"):
            pass
    except ValueError as error:
        print(error)
asyncio.run(main())
print(sum(name.startswith("kubernetes_asyncio") for name in sys.modules))
"""


def test_the_generated_models_are_not_imported() -> None:
    """They are over 800 modules and 30 MiB."""
    lines = subprocess.run(
        [sys.executable, "-c", COUNT], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert lines[0].startswith("cannot use kubeconfig /nowhere: ")
    assert int(lines[1]) < 40


def test_paths() -> None:
    assert PODS.path("ns", "p") == "/api/v1/namespaces/ns/pods/p"
    assert CLUSTERS.path() == "/apis/nats.io/v1alpha2/natsclusters"
    assert LEASES.path("ns") == "/apis/coordination.k8s.io/v1/namespaces/ns/leases"
