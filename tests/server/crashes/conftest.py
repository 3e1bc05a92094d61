"""What takes too long for every run."""

from __future__ import annotations

import os

from tests.server import servers

LONG = ["test_full_disks.py", "test_many_leave.py"]
collect_ignore = [] if os.environ.get(servers.MATRIX) else LONG
