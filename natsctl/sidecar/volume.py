"""Tells how full the volume of the server's store is, which no nats-server tells.

The store is not mounted here: what it is on is seen through the server's own process, and nothing
in it is opened. Whoever connects gets two numbers, whatever they send.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from natsctl.sidecar import process
from natsctl.sidecar.process import NotRunning

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 1.0
"""For which one connection may keep all others waiting."""
MOST = 2048
"""Bytes of a request that are read."""
WAITING = 16
PAUSE = 1.0
"""Seconds after an error of the socket itself, such as too many open files."""


class Usage(NamedTuple):
    """Bytes of a file system; `available` are those that a user other than root may still take."""

    used: int
    available: int


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
    """Answer one connection after the other until the socket is closed."""
    while listener.fileno() >= 0:
        try:
            connection, _ = listener.accept()
        except OSError:
            time.sleep(PAUSE)
            continue
        with connection:
            try:
                connection.sendall(answer(_request(connection), pid_file, folder))
            except OSError:
                continue  # who asked is gone, or too slow


def _listener(port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    return socket.create_server(("", port), family=family, backlog=WAITING, dualstack_ipv6=both)


def _request(connection: socket.socket) -> bytes:
    """All of it, so that it is not refused while it is still being sent; or its beginning."""
    ends = time.monotonic() + SECONDS
    connection.settimeout(SECONDS)
    told = b""
    while b"\r\n\r\n" not in told and len(told) < MOST and time.monotonic() < ends:
        piece = connection.recv(MOST)
        if not piece:
            break
        told += piece
    return told


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
