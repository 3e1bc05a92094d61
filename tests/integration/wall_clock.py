"""Wall clocks that can be set, each for one process: by libfaketime, from Debian's packages.

All clocks that only count are left alone, as they are when somebody sets a machine's time.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from testbed.faketime import LIBRARY

# The library leaves its shared memory behind: it gets some that ends with the process.
ALONE = 'mount -t tmpfs tmpfs /dev/shm && exec env "$@"'


@attrs.frozen
class WallClock:
    """The clock of the process that `command` starts; `file` says how wrong it is."""

    file: Path

    def command(self, *command: str) -> tuple[str, ...]:
        """The same process, which goes by this clock."""
        self.set(0)
        environment = (
            f"LD_PRELOAD={LIBRARY}",
            f"FAKETIME_TIMESTAMP_FILE={self.file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )
        return ("unshare", "--mount", "sh", "-c", ALONE, "sh", *environment, *command)

    def set(self, seconds: int) -> None:
        """Let it be ahead of the machine's clock by these seconds, or behind."""
        fresh = self.file.with_suffix(".fresh")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self.file)
