"""Signals nats-server once for each real change of what it reads.

It compares what the files hold with what the server has read, and sends a signal when they
differ. An event, or the end of a wait, only makes it look: one too many costs nothing, one that
is lost costs time. What the server has read is known from its start (if no file was changed
since) and from each signal.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from natsctl.sidecar import files, process
from natsctl.sidecar.process import NotRunning, Process
from natsctl.sidecar.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.sidecar.files import File, Look

# Writers that do not replace files at once take some time: two looks this far apart must agree.
SETTLE_SECONDS = 0.1
MAX_LOOKS = 20
# The kernel stamps files, and counts starts of processes, in steps of up to 10 ms.
CLOCK_STEP = 0.02
IDLE_SECONDS = 60.0
MAX_GROWTH = 4


class Settings(NamedTuple):
    """What the command line says; `retry_wait` and `poll_interval` are in seconds."""

    pid_file: str
    files: tuple[str, ...]
    signal: int
    max_retries: int
    retry_wait: float
    force_poll: bool
    poll_interval: float
    max_watcher_retries: int


class Known(NamedTuple):
    """What was seen last.

    `server` is the life that was met last (None: none yet), `read` the digests of what it has read
    (None: unknown), `absence` why there is none at the moment.
    """

    files: Mapping[str, File]
    missing: Mapping[str, str]
    server: tuple[int, int] | None = None
    read: Mapping[str, str] | None = None
    absence: str = ""


class Obstacle(Exception):
    """What stands in the way and is worth another try, but not for ever."""


class GivenUp(Exception):
    """It was tried as often as allowed; str() is the last obstacle."""


def say(message: str) -> None:
    """One line on standard error."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    os.write(2, f"{now} {message}\n".encode())  # unbuffered: a signal may come in between


def run(settings: Settings) -> NoReturn:
    """Run until an exception ends it; raises GivenUp."""
    attempts = 0 if settings.force_poll else 1 + settings.max_watcher_retries
    known, failures = Known({}, {}), 0
    with Watcher(say, settings.poll_interval, attempts) as watcher:
        while True:
            now = _settled(settings, watcher, known)
            _report_files(known, now)
            known = known._replace(files=now.files, missing=now.missing)
            try:
                known = _bring_up_to_date(settings, known, now)
            except Obstacle as error:
                failures += 1
                watcher.wait(_back_off(settings, str(error), failures))
            else:
                failures = 0
                at_rest = not now.missing and not known.absence
                watcher.wait(IDLE_SECONDS if at_rest else settings.retry_wait)


def _settled(settings: Settings, watcher: Watcher, known: Known) -> Look:
    """How the files are, once two looks agree, or nothing has changed."""
    now = _read_files(settings, watcher, known)
    for _ in range(MAX_LOOKS):
        if now.digests == _digests(known.files):
            break
        time.sleep(SETTLE_SECONDS)
        before, now = now, _read_files(settings, watcher, known)
        if now.digests == before.digests:
            break
    return now


def _read_files(settings: Settings, watcher: Watcher, known: Known) -> Look:
    """Look once more when a folder was not watched before: so no change falls between."""
    now = files.read_files(settings.files, known.files)
    while watcher.cover({*now.trail, *files.trail(settings.pid_file)}):
        now = files.read_files(settings.files, known.files)
    return now


def _bring_up_to_date(settings: Settings, known: Known, now: Look) -> Known:
    """Signal the server unless it has read what the files hold; raises Obstacle."""
    starting = known.server is None
    if starting and now.missing.keys() == now.files.keys():
        raise Obstacle(f"no file to watch: {_reasons(now.missing)}")
    try:
        server = process.find(settings.pid_file)
        if server.identity != known.server:
            known = _start_watching(known, now, server)
        known = _signal_if_needed(settings, known, now, server.pid)
    except NotRunning as error:
        if starting:
            raise Obstacle(str(error)) from error
        return _without_server(known, str(error))
    return known._replace(absence="")


def _start_watching(known: Known, now: Look, server: Process) -> Known:
    """A server that starts reads all files, unless one was changed while it did or after."""
    fresh = now.newest > server.started - CLOCK_STEP
    say(
        f"watching {', '.join(sorted(now.files))} for the server with pid {server.pid}"
        + (", which started before the last change" if fresh else "")
    )
    return known._replace(server=server.identity, read=None if fresh else now.digests)


def _signal_if_needed(settings: Settings, known: Known, now: Look, pid: int) -> Known:
    digests = now.digests
    if known.read == digests:
        return known
    changed = sorted(path for path in digests if digests[path] != (known.read or {}).get(path))
    try:
        os.kill(pid, settings.signal)
    except ProcessLookupError as error:
        raise NotRunning(f"no process has pid {pid}") from error
    except OSError as error:
        raise Obstacle(
            f"cannot signal pid {pid}: {error.strerror}; the reloader must run as the server's user"
        ) from error
    what = "after its start" if known.read is None else f"changed: {', '.join(changed)}"
    say(f"sent {_signal_name(settings.signal)} to pid {pid} ({what})")
    return known._replace(read=digests)


def _without_server(known: Known, absence: str) -> Known:
    if absence != known.absence:
        say(f"waiting for the server: {absence}")
    return known._replace(absence=absence)


def _back_off(settings: Settings, obstacle: str, failures: int) -> float:
    """Seconds until the next try; raises GivenUp when there is none."""
    if failures > settings.max_retries:
        raise GivenUp(obstacle)
    growth = min(1 << (failures - 1), MAX_GROWTH)
    delay = settings.retry_wait * growth * (1 + os.urandom(1)[0] / 2550)
    say(f"{obstacle}; trying again in {delay:.1f} s ({failures} of {settings.max_retries})")
    return delay


def _report_files(known: Known, now: Look) -> None:
    """What became of files that cannot be read; each is told once."""
    for path in sorted(now.missing.keys() - known.missing.keys()):
        kept = "it is treated as unchanged" if now.files[path].digest else "waiting for it"
        say(f"cannot read {path}: {now.missing[path]}; {kept}")
    for path in sorted((known.missing.keys() - now.missing.keys()) & now.files.keys()):
        say(f"{path} exists again" if known.files[path].digest else f"{path} exists now")


def _digests(known: Mapping[str, File]) -> dict[str, str]:
    return {path: file.digest for path, file in known.items()}


def _reasons(missing: Mapping[str, str]) -> str:
    return ", ".join(f"{path}: {reason}" for path, reason in sorted(missing.items()))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
