"""What takes too long for every run."""

from __future__ import annotations

import os

from tests.server import servers

LONG = ["test_limit_with_restarts.py", "test_disks_of_2_9.py"]
collect_ignore = [] if os.environ.get(servers.MATRIX) else LONG
