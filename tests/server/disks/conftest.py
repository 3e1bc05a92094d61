"""What tests of full stores share, and what takes too long for every run."""

from __future__ import annotations

import os

import pytest

from natsctl.plan.stores import strain
from tests.server import servers

LONG = ["test_limit_with_restarts.py", "test_disks_of_2_9.py"]
collect_ignore = [] if os.environ.get(servers.MATRIX) else LONG


@pytest.fixture
def rests_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ten minutes before the reserve is taken back."""
    monkeypatch.setattr(strain, "RESTED", 5.0)
