"""Threads that read a type for the first time at the same moment."""

from __future__ import annotations

import subprocess
import sys

AT_ONCE = """
import sys, threading
from natsctl.nats.jetstream_assets import stream
sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
def read():
    start.wait()
    list(stream("A", b'{"name":"S","config":{"num_replicas":1},"state":{},"cluster":{}}'))
threads = [threading.Thread(target=read) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
"""


def test_answers_of_servers_may_be_read_by_threads_from_the_first_on() -> None:
    """Without it, msgspec ended the process by a segmentation fault, nearly each time."""
    for _ in range(5):
        assert subprocess.run([sys.executable, "-c", AT_ONCE], check=False).returncode == 0
