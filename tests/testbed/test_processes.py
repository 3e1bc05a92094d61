"""When a program has ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from testbed.processes import Process, wait_until

FIRST_THREAD_ENDS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def test_a_program_lives_until_its_last_thread_ends() -> None:
    """A killed API server kept its port for a moment, and the next one could not start."""
    with subprocess.Popen([sys.executable, "-c", FIRST_THREAD_ENDS]) as program:
        process = Process(program.pid, int(stat(program.pid)[19]))
        wait_until(lambda: stat(program.pid)[0] == "Z", "the first thread to end")
        assert process.alive()
        program.kill()
        wait_until(lambda: not process.alive(), "all threads to end")
