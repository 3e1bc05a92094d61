"""The image of natsctl, for side-cars, and images under other names."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest

from testbed import images as archives

MIRROR = "registry.example.test:5000/mirror/nats"
"""Another name of nats-server's image, with a registry and its port."""


@functools.cache
def own() -> tuple[str, str]:
    """Repository and tag of natsctl's image, which the nodes have then.

    In a cluster the user named it is NATSCTL_IMAGE; without that, what needs it is skipped.
    """
    given = os.environ.get("NATSCTL_IMAGE")
    if given is None and "NATSCTL_CONTEXT" in os.environ:
        pytest.skip("NATSCTL_IMAGE names no image of natsctl")
    if given is None:
        testbed("load", "natsctl")
    repository, _, tag = (given or "natsctl.testbed/natsctl:dev").rpartition(":")
    return repository, tag


def server(version: str) -> str:
    """The archive of nats-server's image; only a testbed takes it."""
    if "NATSCTL_CONTEXT" in os.environ:
        pytest.skip("the nodes of a named cluster are given no images")
    return str(archives.nats_server(version))


def testbed(command: str, *arguments: str) -> str:
    """A command of the testbed that the tests run in; what it printed."""
    name = os.environ["NATSCTL_TESTBED"]
    argv = [sys.executable, "-m", "testbed", command, "--name", name, *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
