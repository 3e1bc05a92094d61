"""Run pytest inside a testbed: bring it up, start the same command again in it, take it down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MARK = "NATSCTL_INSIDE"


def enter(config: pytest.Config, name: str, *flags: str) -> None:
    """Run this very command inside the testbed `name`, and end with its exit status.

    To be called from `pytest_configure`; returns only inside. `flags` are those of `testbed up`.
    A testbed that was up before stays up.
    """
    if os.environ.get(MARK) or config.option.collectonly:
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()
    was_up = _testbed("status", "--name", name, quiet=True) == 0
    started = _testbed("up", "--name", name, *flags)
    if started != 0:
        os._exit(started)
    os.environ[MARK] = name
    try:
        result = _testbed("exec", "--name", name, "--", *sys.orig_argv)
    finally:
        if not was_up:
            _testbed("down", "--name", name)
    sys.stdout.flush()
    os._exit(result)


def _testbed(*arguments: str, quiet: bool = False) -> int:
    silent = subprocess.DEVNULL if quiet else None
    command = [sys.executable, "-m", "testbed", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=silent, stderr=silent, check=False).returncode
