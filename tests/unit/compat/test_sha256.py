"""The SHA-256 of the standard library as it was when it was read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from natsctl.compat import sha256
from tests.unit.compat.canary import changed

LOAD = "import sys, natsctl.compat.sha256; print({'hashlib', '_hashlib'} & set(sys.modules))"


@pytest.mark.parametrize("content", [b"", b"natsctl", bytes(range(256)) * 100])
def test_it_is_the_function_that_hashlib_has(content: bytes) -> None:
    digest, expected = sha256.sha256(content).hexdigest(), hashlib.sha256(content).hexdigest()
    assert digest == expected, changed(sha256, "the built-in SHA-256")


def test_it_comes_without_openssl() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", LOAD],  # other programs of the .venv start with this one
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "set()\n"), changed(sha256, "where it is kept")
