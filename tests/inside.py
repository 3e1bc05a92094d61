"""Run pytest inside a testbed: bring it up, then start the same command again in its namespace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MARK = "NATSCTL_INSIDE"


def enter(config: pytest.Config, name: str, *flags: str) -> None:
    """Replace this process by the same one inside the testbed `name`, unless it is there already.

    To be called from `pytest_configure`. `flags` are those of `testbed up`.
    """
    if os.environ.get(MARK) or config.option.collectonly:
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()
    testbed = [sys.executable, "-m", "testbed"]
    subprocess.run([*testbed, "up", "--name", name, *flags], cwd=ROOT, check=True)
    os.environ[MARK] = name
    os.chdir(ROOT)
    os.execv(sys.executable, [*testbed, "exec", "--name", name, "--", *sys.orig_argv])
