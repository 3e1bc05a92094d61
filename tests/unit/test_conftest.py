"""What all tests rely on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parts
from tests.conftest import NO_SKIPS

ROOT = Path(__file__).parents[2]
SKIPPED = """
import pytest

def test_it():
    pytest.skip("helm is missing")

@pytest.mark.skipif(True, reason="no root")
def test_other():
    pass

@pytest.mark.xfail(strict=True)
def test_known():
    assert False
"""


@pytest.mark.parametrize(("no_skips", "status"), [("1", 1), ("", 0)])
def test_what_is_skipped_fails_a_whole_run(tmp_path: Path, no_skips: str, status: int) -> None:
    module = tmp_path / "test_skipped.py"
    module.write_text(SKIPPED)
    alone = {name: value for name, value in os.environ.items() if name != parts.PART}
    settings = ["-p", "tests.conftest", "-c", os.devnull, "--rootdir", str(tmp_path), "-ra"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, str(module)],
        cwd=ROOT,
        env={**alone, NO_SKIPS: no_skips},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout
    assert ("2 skipped, 1 xfailed" in done.stdout) == (status == 0)
    assert "helm is missing" in done.stdout
    assert "no root" in done.stdout
