"""A stand-in for the image `wallyqs/nats-ops`: a shell, `cat` and the example program nats-sub."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from testbed import build, images, locks, progress
from testbed.images import Image
from testbed.layout import TestbedError, cache

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE = "docker.io/wallyqs/nats-ops:latest"
SHELL = "busybox-static"
"""The Debian package that has shell and `cat` in one static program."""


def archive() -> Path:
    """The archive of the image; fetches and builds what is missing.

    Raises TestbedError if that fails.
    """
    shell, client = _busybox(), build.program("nats-sub")
    files: dict[str, Path | bytes] = {
        "bin/sh": shell,
        "bin/cat": shell,
        "bin/nats-sub": client,
        "go/": b"",
    }
    image = Image(REFERENCE, files, {"Env": ["PATH=/bin", "HOME=/go"], "WorkingDir": "/go"})
    digest = hashlib.sha256(shell.read_bytes()).hexdigest()[:16]
    return images.archive(image, f"nats-ops-{client.parent.name}-{digest}")


def _busybox() -> Path:
    """From the package's archive: the machine's own busybox may be another, and need libraries."""
    folder = cache() / SHELL
    with locks.held(SHELL):
        if not folder.exists():
            _fetch(folder)
    return folder / "bin" / "busybox"


def _fetch(folder: Path) -> None:
    if shutil.which("apt-get") is None:
        raise TestbedError(f"{SHELL} cannot be had: this machine has no Debian packages")
    partial, log = folder.with_suffix(".partial"), cache() / f"{SHELL}.log"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # The sandbox user of apt may not write here.
    download = ["apt-get", "-o", "APT::Sandbox::User=root", "download", SHELL]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    progress.run("apt-get update", ["apt-get", "update"], log, env=environment)
    progress.run(f"fetching {SHELL}", download, log, cwd=partial, env=environment)
    (package,) = partial.glob("*.deb")
    unpack = ["dpkg-deb", "--extract", str(package), str(partial)]
    progress.run(f"unpacking {SHELL}", unpack, log)
    partial.rename(folder)
