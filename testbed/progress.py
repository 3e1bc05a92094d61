"""Lines for the user: what is going on, and for how long."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from testbed.layout import TestbedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

INTERVAL = 10.0
NO_BUILDS = "NATSCTL_NO_BUILDS"
"""Set where everything was made before, as in tests: what is missing is an error, at once."""


PREPARE = "python3 -m testbed prepare"


def say(text: str) -> None:
    """Print one line to stderr, so that stdout stays for answers."""
    print(f"testbed: {text}", file=sys.stderr, flush=True)


def run(
    what: str,
    argv: Sequence[str],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a long command with its output in `log`, saying at start, every ten seconds and at end.

    The command dies with this process. Raises TestbedError with the log's end if it fails, and
    at once where NO_BUILDS is set.
    """
    check_allowed(what)
    say(f"{what} ...")
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            dying_with_us(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
        )
        _wait(process, what, started)
    if process.returncode:
        raise TestbedError(f"{what}: failed, exit status {process.returncode}\n{tail(log)}")
    say(f"{what}: done in {time.monotonic() - started:.0f} s")


def check_allowed(what: str) -> None:
    """Raise TestbedError where nothing may be built or fetched any more."""
    if os.environ.get(NO_BUILDS):
        raise TestbedError(f"{what} is still to be done: run make build (or: {PREPARE})")


def dying_with_us(argv: Sequence[str | Path]) -> list[str | Path]:
    """The command line of a command that is killed when this process ends, however it does."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *argv]


def _wait(process: subprocess.Popen[bytes], what: str, started: float) -> None:
    try:
        while True:
            try:
                process.wait(INTERVAL)
                return
            except subprocess.TimeoutExpired:
                say(f"{what}: {time.monotonic() - started:.0f} s")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log, indented, under its name."""
    if not log.exists():
        return f"({log} was never written)"
    text = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"--- the end of {log}", *(f"    {line}" for line in text)])
