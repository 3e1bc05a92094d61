"""What takes too long for every run."""

from __future__ import annotations

import os

from tests.server import servers

collect_ignore = [] if os.environ.get(servers.MATRIX) else ["test_many_leave.py"]
