"""natsctl as a process that a test can stop, freeze and kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from testbed import images, own_image
from tests.e2e.kubectl import Kubectl

KUBECONFIG = "kubeconfig"
LAUNCH = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" &&
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp" &&
exec chroot --userspec=1000:1000 "$@"
"""


@attrs.frozen
class Program:
    """A command line; `where` are the flags that lead it to Kubernetes."""

    command: tuple[str, ...]
    where: tuple[str, ...]
    environment: Mapping[str, str]

    def start(
        self, *arguments: str, given: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start it with these arguments and variables; `options` are Popen's."""
        environment = {**self.environment, **(given or {})}
        return subprocess.Popen([*self.command, *arguments], env=environment, **options)


def of_the_checkout(kubectl: Kubectl) -> Program:
    """As this Python runs it."""
    return Program((sys.executable, "-m", "natsctl"), kubectl.options, os.environ)


def of_the_image(kubectl: Kubectl, folder: Path) -> Program:
    """Of the image's files and as its user, with nothing to write on; but in these namespaces."""
    environment = images.unpack(own_image.archive(), folder)
    folder.chmod(0o755)
    for mountpoint in ("proc", "dev"):
        (folder / mountpoint).mkdir(exist_ok=True)
    config = kubectl("config", "view", "--raw", "--flatten", "--minify")
    (folder / KUBECONFIG).write_text(config)
    launch = ("unshare", "--mount", "sh", "-c", LAUNCH, "sh", str(folder))
    return Program((*launch, "natsctl"), ("--kubeconfig", f"/{KUBECONFIG}"), environment)
