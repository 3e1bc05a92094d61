"""Whoever knocks at a listener of a server: in plain protocol, with whatever they have."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from attrs import field, frozen

from natsctl.api.checks import doors
from tests.unit.api.jwts import signed_by_user

_PATIENCE = 20.0
_TOO_SLOW = b"Authentication Timeout"
# A client that says this on another port than the clients' is sent away as such.
_LANGUAGE = {"lang": "test", "version": "1"}


@frozen
class Visitor:
    """What somebody has: fields of CONNECT, a certificate with its key, an nkey.

    `shows` are the logins it can show that are good; `certified`: the listener's CA signed the
    certificate.
    """

    fields: dict[str, Any] = field(factory=dict)
    pair: tuple[Path, Path] | None = None
    signs: bool = False
    shows: frozenset[str] = frozenset()
    certified: bool = False


@contextmanager
def knocking(door: doors.Door, port: int, visitor: Visitor) -> Iterator[bool]:
    """Whether the listener lets the visitor in, who stays until the end of the block."""
    with ExitStack() as until_the_end:
        is_in = None
        while is_in is None:
            plain = socket.create_connection(("127.0.0.1", port), _PATIENCE)
            talk = until_the_end.enter_context(closing(_Talk(door, visitor, plain)))
            is_in = _answer(talk)
        yield is_in


def _answer(talk: _Talk) -> bool | None:
    """None of a server that only found the visitor too slow, as all are on a busy machine."""
    try:
        is_in = talk.gets_in()
    except (ConnectionError, ssl.SSLError, EOFError):
        is_in = False
    return None if _TOO_SLOW in talk.buffer else is_in


@contextmanager
def listening(
    door: doors.Door, port: int, visitor: Visitor, subject: str
) -> Iterator[Callable[[], bool]]:
    """A leaf node that is in and wants a subject; whether it got anything."""
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as plain:
        talk = _Talk(door, visitor, plain)
        assert talk.gets_in()
        talk.ask(f"LS+ {subject}\r\n")

        def heard() -> bool:
            talk.ask("")
            return b"LMSG" in talk.buffer

        yield heard


def say(door: doors.Door, port: int, visitor: Visitor, subject: str) -> None:
    """A message of a client that gets in."""
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as plain:
        talk = _Talk(door, visitor, plain)
        assert talk.gets_in()
        talk.ask(f"PUB {subject} 2\r\nhi\r\n")


class _Talk:
    """One connection, from the first byte to the answer to its first PING."""

    def __init__(self, door: doors.Door, visitor: Visitor, plain: socket.socket) -> None:
        self.door, self.visitor, self.stream = door, visitor, plain
        self.websocket = door.listener in (doors.WEBSOCKET, doors.LEAFNODES_OVER_WEBSOCKET)
        self.buffer = b""

    def close(self) -> None:
        self.stream.close()

    def gets_in(self) -> bool:
        first = self.websocket or self.door.listener in (doors.ROUTES, doors.GATEWAYS)
        if first and self.door.encrypted:
            self._encrypt()
        if self.websocket:
            self._upgrade()
        info = self._info()
        if not first and self.door.encrypted:
            self._encrypt()
        self._send(self._hello(info))
        return self._until(rb"PONG|-ERR [^\r]*\r") == b"PONG"

    def ask(self, lines: str) -> None:
        """Say something, and hear everything up to the answer."""
        before = self.buffer.count(b"PONG")
        self._send(f"{lines}PING\r\n".encode())
        while self.buffer.count(b"PONG") == before:
            self._read()

    def _encrypt(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.visitor.pair is not None:
            context.load_cert_chain(*self.visitor.pair)
        self.stream = context.wrap_socket(self.stream)

    def _upgrade(self) -> None:
        path = "/" if self.door.listener == doors.WEBSOCKET else "/leafnode"
        lines = (
            f"GET {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
        )
        self.stream.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())

    def _info(self) -> Any:
        self._until(rb"INFO (\{.*?\})\s*\r\n")
        found = re.search(rb"INFO (\{.*?\})\s*\r\n", self.buffer)
        assert found
        self.buffer = self.buffer[found.end() :]
        return json.loads(found[1])

    def _hello(self, info: Any) -> bytes:
        name = "V" + base64.b32encode(os.urandom(10)).decode()
        about = {"server_id": name, "version": "2.2.0", "host": "127.0.0.1", "port": 1, "proto": 1}
        kinds: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
            doors.CLIENTS: (_LANGUAGE, {}),
            doors.WEBSOCKET: (_LANGUAGE, {}),
            doors.ROUTES: ({"name": name, "cluster": "c"}, {**about, "cluster": "c"}),
            doors.GATEWAYS: ({"gateway": "v", "name": name}, {**about, "gateway": "v"}),
        }
        leaf: dict[str, Any] = {"name": name, "server_id": name}
        own, told = kinds.get(self.door.listener, (leaf, {}))
        signature = signed_by_user(info.get("nonce", "")) if self.visitor.signs else {}
        connect = {"verbose": False, "pedantic": False, "protocol": 1, **own}
        lines = [f"CONNECT {json.dumps({**connect, **self.visitor.fields, **signature})}"]
        lines += [f"INFO {json.dumps(told)}"] if told else []
        return "".join(f"{line}\r\n" for line in (*lines, "PING")).encode()

    def _send(self, data: bytes) -> None:
        if not self.websocket:
            self.stream.sendall(data)
            return
        size = (
            bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        )
        self.stream.sendall(b"\x82" + size + bytes(4) + data)  # a mask of zeros changes nothing

    def _until(self, pattern: bytes) -> bytes:
        while not (found := re.search(pattern, self.buffer)):
            self._read()
        return found[0]

    def _read(self) -> None:
        data = self.stream.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data
