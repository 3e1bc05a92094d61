"""A reloader as a process, a server that says when it is signalled, and a kubelet's volume."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from natsctl.sidecar.reloader import CLOCK_STEP

PATIENCE = 20.0
SERVER = """
import os, signal, sys
signal.signal(signal.SIGHUP, lambda *_: os.write(1, b"signalled\\n"))
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""


@attrs.frozen
class Speaker:
    """A process whose lines are waited for."""

    process: subprocess.Popen[bytes]
    descriptor: int
    patience: float = PATIENCE
    lines: list[str] = attrs.field(factory=list)

    def says(self, text: str) -> str:
        """The next line with this text in it."""
        while True:
            line = self._line()
            if text in line:
                return line

    def silent_until(self, text: str, word: str) -> None:
        """The next line with `word` in it is one with `text`."""
        line = self.says(word)
        assert text in line, line

    def _line(self) -> str:
        found = b""
        while not found.endswith(b"\n"):
            readable, _, _ = select.select([self.descriptor], [], [], self.patience)
            assert readable, f"silent after {self.lines}"
            letter = os.read(self.descriptor, 1)
            assert letter, f"ended after {self.lines}"
            found += letter
        self.lines.append(found.decode())
        return self.lines[-1]

    def end(self, number: int) -> int:
        """Signal it; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(self.patience)


@contextmanager
def speaking(
    argv: list[str], *, errors: bool = False, patience: float = PATIENCE
) -> Iterator[Speaker]:
    """Run a process until the end of the block, and listen to one of its outputs."""
    if errors:
        process = subprocess.Popen(argv, stderr=subprocess.PIPE)
    else:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    stream = process.stderr if errors else process.stdout
    assert stream is not None
    try:
        yield Speaker(process, stream.fileno(), patience)
    finally:
        process.kill()
        process.wait()
        stream.close()


@contextmanager
def server(pid_file: Path) -> Iterator[Speaker]:
    """Something that writes a pid file and says `signalled` whenever it is, as nats-server would.

    It starts once the files that are there now are older than any clock can doubt.
    """
    time.sleep(2 * CLOCK_STEP)
    with speaking([sys.executable, "-c", SERVER, str(pid_file)]) as speaker:
        speaker.says("ready")
        yield speaker


@contextmanager
def reloader(pid_file: Path, *files: Path, flags: tuple[str, ...] = ()) -> Iterator[Speaker]:
    """The command, watching these files."""
    with speaking(command(pid_file, *files, flags=flags), errors=True) as speaker:
        yield speaker


def command(pid_file: Path, *files: Path, flags: tuple[str, ...] = ()) -> list[str]:
    """The command line of a reloader that waits for nothing long."""
    watched = [part for file in files for part in ("-config", str(file))]
    start = [sys.executable, "-m", "natsctl", "reloader", "-pid", str(pid_file)]
    return [*start, "-retry-wait-secs", "0", *watched, *flags]


@attrs.define
class Volume:
    """A Secret as the kubelet keeps it in a folder: swapped whole, through a symbolic link."""

    folder: Path
    number: int = 0

    def publish(self, **contents: str) -> None:
        """Replace all files; `a_conf` stands for a.conf."""
        self.number += 1
        self.folder.mkdir(exist_ok=True)
        new = self.folder / f"..2026_{self.number}"
        new.mkdir()
        data, swap = self.folder / "..data", self.folder / "..data_tmp"
        for name, text in contents.items():
            (new / name.replace("_", ".")).write_text(text)
        old = data.resolve()
        swap.symlink_to(new.name)
        swap.rename(data)
        for name in (name.replace("_", ".") for name in contents):
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        if old != data:
            shutil.rmtree(old)
