"""A terminal in a pod, as `kubectl attach -it` gives it to a user."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from tests.e2e.kubectl import Kubectl
from tests.patience import patient

INTERRUPT = "\x03"


@attrs.frozen
class Terminal:
    """What a user types, and sees."""

    descriptor: int
    seen: bytearray = attrs.field(factory=bytearray)

    def type(self, text: str) -> None:
        """Type it; what was seen so far is forgotten."""
        self.seen.clear()
        os.write(self.descriptor, text.encode())

    def until(self, *texts: str, seconds: float = 30.0) -> str:
        """Wait until one of these texts is seen, whatever the case; all that was seen."""
        deadline = time.monotonic() + (limit := patient(seconds))
        while not any(text.lower() in self.seen.decode(errors="replace").lower() for text in texts):
            left = deadline - time.monotonic()
            assert left > 0, f"none of {texts} within {limit:.0f} s: {self.seen.decode()}"
            if select.select([self.descriptor], [], [], left)[0]:
                self.seen.extend(os.read(self.descriptor, 4096))
        return self.seen.decode(errors="replace")


@contextmanager
def attached(kubectl: Kubectl, pod: str) -> Iterator[Terminal]:
    """`kubectl attach -it POD` at a terminal of its own."""
    ours, theirs = os.openpty()
    command = kubectl.command("attach", "-it", pod)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            yield Terminal(ours)
        finally:
            process.terminate()
            os.close(ours)
