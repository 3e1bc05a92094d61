"""Tells how full the volume of the server's store is, which no nats-server tells.

The store is not mounted here: what it is on is seen through the server's own process, and nothing
in it is opened. Whoever connects gets two numbers, whatever they send.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from natsctl.sidecar import process
from natsctl.sidecar.process import NotRunning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SECONDS = 1.0
"""For which a connection may be slow."""
MOST = 2048
"""Bytes of a request that are read."""
WAITING = 16
"""Connections that may be slow at the same time; of more, the first ones go."""
PAUSE = 1.0
"""Seconds after an error of the socket itself, such as too many open files."""
TICK = 0.2
"""Seconds after which it is looked who was slow for too long."""
_END = b"\r\n\r\n"


class Usage(NamedTuple):
    """Bytes of a file system; `available` are those that a user other than root may still take."""

    used: int
    available: int


class _Asked(NamedTuple):
    """What came of a request, and when, in monotonic seconds, no more of it is waited for."""

    ends: float
    told: bytearray


def usage(pid_file: str, folder: str) -> Usage:
    """Of the file system of a folder as the server sees it; raises NotRunning or OSError."""
    found = os.statvfs(f"/proc/{process.find(pid_file).pid}/root{folder}")
    return Usage((found.f_blocks - found.f_bfree) * found.f_frsize, found.f_bavail * found.f_frsize)


def answer(request: bytes, pid_file: str, folder: str) -> bytes:
    """An answer of HTTP to the beginning of a request."""
    if not request.startswith(b"GET /volume "):
        return _response("404 Not Found", "")
    try:
        used, available = usage(pid_file, folder)
    except (NotRunning, OSError):
        return _response("503 Service Unavailable", "")
    return _response("200 OK", f'{{"used":{used},"available":{available}}}')


def start(port: int, pid_file: str, folder: str, say: Callable[[str], None]) -> None:
    """Answer in a thread of its own, for as long as the process lives; without the port, not."""
    try:
        listener = _listener(port)
    except OSError as error:
        say(f"cannot listen on port {port}, so nobody can ask how full the volume is: {error}")
        return
    serving = threading.Thread(target=serve, args=(listener, pid_file, folder), daemon=True)
    serving.start()


def serve(listener: socket.socket, pid_file: str, folder: str) -> None:
    """Answer whoever asks until the socket is closed; nobody waits for those who are slow."""
    asking: dict[socket.socket, _Asked] = {}
    while listener.fileno() >= 0:
        ready = _ready(listener, asking)
        done = [one for one, asked in asking.items() if _is_over(one, asked, one in ready)]
        try:
            if listener in ready:
                asking |= _accepted(listener)
        except OSError:
            time.sleep(PAUSE)
        done += [*asking][: max(len(asking) - len(done) - WAITING, 0)]
        for one in dict.fromkeys(done):
            _finish(one, answer(bytes(asking.pop(one).told), pid_file, folder))


def _listener(port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    found = socket.create_server(("", port), family=family, backlog=WAITING, dualstack_ipv6=both)
    found.setblocking(False)
    return found


def _ready(listener: socket.socket, asking: Iterable[socket.socket]) -> set[socket.socket]:
    """Those of which something came, be it their end."""
    try:
        return set(select.select((listener, *asking), (), (), TICK)[0])
    except (OSError, ValueError):
        time.sleep(TICK)  # it is closed by now
        return set()


def _accepted(listener: socket.socket) -> dict[socket.socket, _Asked]:
    connection, _ = listener.accept()
    connection.setblocking(False)
    return {connection: _Asked(time.monotonic() + SECONDS, bytearray())}


def _is_over(connection: socket.socket, asked: _Asked, is_ready: bool) -> bool:
    """Whether it sent all of a request, so that it is not refused while it still sends, or will
    not."""
    if not is_ready:
        return time.monotonic() >= asked.ends
    try:
        piece = connection.recv(MOST)
    except OSError:
        return True
    asked.told.extend(piece)
    return not piece or _END in asked.told or len(asked.told) >= MOST


def _finish(connection: socket.socket, said: bytes) -> None:
    with connection, suppress(OSError):  # who asked is gone
        connection.sendall(said)


def _response(status: str, body: str) -> bytes:
    lines = (
        f"HTTP/1.0 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "",
        body,
    )
    return "\r\n".join(lines).encode()
