"""How full the store's volume is: two numbers, told to whoever asks, and nothing else."""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from natsctl.sidecar import process, volume
from natsctl.sidecar.process import Process
from natsctl.sidecar.volume import answer, serve, start, usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it runs in pods only")
ASKED = b"GET /volume HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """That of a server, which is this very process: its files are seen through /proc."""
    monkeypatch.setattr(process, "find", lambda _: Process(os.getpid(), 0, 0.0))
    return str(tmp_path / "nats.pid")


@pytest.fixture
def port(pid_file: str, tmp_path: Path) -> Iterator[int]:
    """Where it listens."""
    listener = volume._listener(0)
    threading.Thread(target=serve, args=(listener, pid_file, str(tmp_path)), daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def ask(port: int, request: bytes = ASKED) -> bytes:
    with socket.create_connection(("localhost", port), timeout=5) as connection:
        connection.sendall(request)
        with suppress(OSError):  # ENOTCONN: the other end has gone already
            connection.shutdown(socket.SHUT_WR)
        told = b""
        while piece := connection.recv(4096):
            told += piece
        return told


def test_it_is_what_the_server_itself_sees(pid_file: str, tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    told = usage(pid_file, str(tmp_path))
    assert told.used + told.available <= found.f_blocks * found.f_frsize
    assert told.used > 0


def test_it_is_told_over_http(port: int) -> None:
    head, _, body = ask(port).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.startswith(b'{"used":')
    assert b',"available":' in body


@pytest.mark.parametrize(
    "request_", [b"", b"POST /volume HTTP/1.1\r\n\r\n", b"GET /data HTTP/1.1\r\n\r\n", b"x" * 9000]
)
def test_nothing_else_is_told(port: int, request_: bytes) -> None:
    told = b""
    with suppress(ConnectionError):  # it does not read all that anybody sends
        told = ask(port, request_)
    assert told in (b"", answer(b"", "", ""))
    assert ask(port).startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize("sent", [b"", b"GET /volume HTTP/1.1"], ids=["nothing", "a beginning"])
def test_others_do_not_wait_for_those_who_are_slow(port: int, sent: bytes) -> None:
    """Anybody may connect. natsctl gives up after half a second."""
    with ExitStack() as slow:
        for _ in range(2 * volume.WAITING):
            other = slow.enter_context(socket.create_connection(("localhost", port), timeout=5))
            other.sendall(sent)
            began = time.monotonic()
            assert ask(port).startswith(b"HTTP/1.0 200")
            assert time.monotonic() - began < 0.5


def test_of_too_many_the_first_ones_go(port: int) -> None:
    with ExitStack() as slow:
        others = [
            slow.enter_context(socket.create_connection(("localhost", port), timeout=5))
            for _ in range(volume.WAITING + 1)
        ]
        assert others[0].recv(4096) == answer(b"", "", "")
        others[-1].sendall(ASKED)
        assert others[-1].recv(4096).startswith(b"HTTP/1.0 200")


def test_one_that_sends_nothing_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "SECONDS", 0.05)
    with socket.create_connection(("localhost", port), timeout=5) as slow:
        assert slow.recv(4096) == answer(b"", "", "")


def test_one_that_goes_away_in_the_middle_ends_nothing(port: int) -> None:
    """With a reset, which is what the other end finds then."""
    for sent in (b"", b"GET /vol", ASKED):
        with socket.create_connection(("localhost", port), timeout=5) as gone:
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.sendall(sent)
    assert ask(port).startswith(b"HTTP/1.0 200")


def test_without_a_server_it_is_not_known(tmp_path: Path) -> None:
    missing = str(tmp_path / "nats.pid")
    assert answer(ASKED, missing, "/data").startswith(b"HTTP/1.0 503")


def test_a_server_without_that_folder(pid_file: str, tmp_path: Path) -> None:
    assert answer(ASKED, pid_file, str(tmp_path / "none")).startswith(b"HTTP/1.0 503")


def test_a_port_that_is_taken_is_reported_and_no_more(port: int, pid_file: str) -> None:
    said: list[str] = []
    start(port, pid_file, "/data", said.append)
    assert f"cannot listen on port {port}" in said[0]


def test_it_runs_beside_all_else(pid_file: str, tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as free:
        number = free.getsockname()[1]
    said: list[str] = []
    start(number, pid_file, str(tmp_path), said.append)
    assert ask(number).startswith(b"HTTP/1.0 200")
    assert said == []


def test_an_error_of_the_socket_ends_nothing(
    pid_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"somebody connects")

    class Socket:
        """Has no more descriptors, and is closed then."""

        open = True

        def fileno(self) -> int:
            return reading if self.open else -1

        def accept(self) -> None:
            raise OSError(24, "Too many open files")

    slept: list[float] = []
    listener = Socket()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        listener.open = False

    monkeypatch.setattr(time, "sleep", sleep)
    serve(listener, pid_file, str(tmp_path))  # type: ignore[arg-type] # all that is used of one
    assert slept == [volume.PAUSE]
    os.close(reading)
    os.close(writing)
