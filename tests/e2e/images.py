"""The images of this checkout, as its Dockerfiles make them, and images under other names."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from testbed import images as archives
from testbed import own_image

ROOT = Path(__file__).parents[2]
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = f"opt/natsctl/lib/{PYTHON}/site-packages"
MIRROR = "registry.example.test:5000/mirror/nats"
"""Another name of nats-server's image, with a registry and its port."""


@functools.cache
def own() -> tuple[str, str]:
    """Repository and tag of natsctl's image, which the nodes have then.

    In a cluster the user named it is NATSCTL_IMAGE; without that, what needs it is skipped.
    """
    return _loaded("natsctl", "NATSCTL_IMAGE")


@functools.cache
def reloader() -> tuple[str, str]:
    """The same of the image with the reloader alone, NATSCTL_RELOADER_IMAGE."""
    return _loaded("reloader", "NATSCTL_RELOADER_IMAGE")


def _loaded(name: str, variable: str) -> tuple[str, str]:
    given = os.environ.get(variable)
    if given is None and os.environ.get("NATSCTL_CONTEXT"):
        pytest.skip(f"{variable} names no image of natsctl")
    if given is None:
        testbed("load", name)
    repository, _, tag = (given or own_image.reference(name)).rpartition(":")
    return repository, tag


def other_version(reference: str, added: Mapping[str, str], folder: Path) -> None:
    """Have an image whose modules end with other code than this checkout's: module -> code."""
    files: dict[str, Path | bytes] = {}
    for module, code in added.items():
        path, folders = module.replace(".", "/"), f"{PACKAGES}/{module.replace('.', '/')}"
        files[f"{folders}.py"] = (ROOT / f"{path}.py").read_bytes() + code.encode()
        # An empty file of this name takes the compiled module below away.
        above, name = folders.rsplit("/", 1)
        files[f"{above}/__pycache__/.wh.{name}.{sys.implementation.cache_tag}.pyc"] = b""
    archive = folder / "other.tar"
    archives.extend(own_image.archive(), archives.Image(reference, files), archive)
    testbed("load", str(archive))


def server(version: str) -> str:
    """The archive of nats-server's image; only a testbed takes it."""
    if os.environ.get("NATSCTL_CONTEXT"):
        pytest.skip("the nodes of a named cluster are given no images")
    return str(archives.nats_server(version))


def testbed(command: str, *arguments: str) -> str:
    """A command of the testbed that the tests run in; what it printed."""
    name = os.environ["NATSCTL_TESTBED"]
    argv = [sys.executable, "-m", "testbed", command, "--name", name, *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
