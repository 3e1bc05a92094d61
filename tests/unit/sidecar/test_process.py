"""Which process is the server, and which is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from natsctl.sidecar import process
from natsctl.sidecar.process import NotRunning, find

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it runs in pods only")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as found:
        yield found
        found.kill()


@pytest.fixture
def pid_file(tmp_path: Path, child: subprocess.Popen[bytes]) -> Path:
    """A pid file that names it."""
    file = tmp_path / "nats.pid"
    file.write_text(f"{child.pid}\n")
    return file


def test_a_running_server(pid_file: Path, child: subprocess.Popen[bytes]) -> None:
    before = time.time()
    found = find(str(pid_file))
    assert found.pid == child.pid
    assert before - 5 < found.started <= before
    assert found.identity == find(str(pid_file)).identity


@pytest.mark.parametrize("text", ["", "0", "-1", "nats", "1 2", "\u00b2", "9" * 5000])
def test_a_pid_file_without_a_pid(pid_file: Path, text: str) -> None:
    pid_file.write_text(text, encoding="utf-8")
    with pytest.raises(NotRunning, match="contains no pid"):
        find(str(pid_file))


def test_no_pid_file(pid_file: Path) -> None:
    pid_file.unlink()
    with pytest.raises(NotRunning, match=r"cannot read .*: No such file"):
        find(str(pid_file))


def test_a_server_that_has_ended(pid_file: Path, child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(NotRunning, match=f"process {child.pid} has ended"):
        find(str(pid_file))
    child.wait()
    with pytest.raises(NotRunning, match=f"no process has pid {child.pid}"):
        find(str(pid_file))


def test_a_pod_whose_containers_do_not_see_each_other(pid_file: Path) -> None:
    """There every container's first process has pid 1."""
    pid_file.write_text(str(os.getpid()))
    with pytest.raises(NotRunning, match="shareProcessNamespace"):
        find(str(pid_file))


def test_a_pid_that_another_process_has_now(pid_file: Path) -> None:
    """The file outlives a restart of the node, and the pids begin anew."""
    os.utime(pid_file, (1, 1))
    with pytest.raises(NotRunning, match="not written by it"):
        find(str(pid_file))


def test_a_clock_that_was_set_is_no_reason_to_doubt_an_old_server(
    pid_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(pid_file, (1, 1))
    monkeypatch.setattr(process, "OLD_SECONDS", 0)
    assert find(str(pid_file)).started == 1
