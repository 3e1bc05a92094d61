"""A NATS client of one test: what it may do, and whether the server lets it in at all.

It speaks the protocol itself: a library would go on trying, or hide what the server says.
https://docs.nats.io/reference/reference-protocols/nats-protocol
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import BinaryIO

import attrs

from tests.e2e.clusters import Cluster
from tests.e2e.kubectl import Json, until

TIMEOUT = 3.0


class Refused(Exception):
    """The server did not let the client in; its words."""


@attrs.frozen
class Link:
    """An open connection."""

    connection: socket.socket
    lines: BinaryIO

    def send(self, text: str) -> None:
        """Send protocol text, and a PING after it."""
        self.connection.sendall(f"{text}PING\r\n".encode())

    def until_pong(self) -> list[str]:
        """What comes before the PONG; Refused if the server closes the connection.

        A server that asks whether the client is alive, as it does of its own, gets an answer.
        """
        found: list[str] = []
        while True:
            line = self.lines.readline().decode().strip()
            if line == "PONG":
                return found
            if not line and not self.lines.peek(1):  # type: ignore[attr-defined] # a BufferedReader
                raise Refused("; ".join(found) or "connection closed")
            if line == "PING":
                self.connection.sendall(b"PONG\r\n")
            else:
                found.append(line)


@attrs.frozen
class User:
    """How a client connects: where, with TLS or not, and as whom.

    `login` makes credentials of the server's nonce.
    """

    address: str
    tls: ssl.SSLContext | None = None
    credentials: dict[str, str] = attrs.field(factory=dict, repr=False)
    port: int = 4222
    login: Callable[[str], dict[str, str]] | None = None

    @contextmanager
    def connected(self) -> Iterator[Link]:
        """Connect and log in; Refused if the server says no."""
        with socket.create_connection((self.address, self.port), TIMEOUT) as plain:
            info = _line(plain)
            if not info.startswith("INFO"):
                raise Refused(info)
            upgrade = self.tls is not None
            wrapped = (
                self.tls.wrap_socket(plain, server_hostname=self.address) if self.tls else plain
            )
            with wrapped, wrapped.makefile("rb") as lines:
                link = Link(wrapped, lines)
                told: dict[str, bool | str] = {
                    "verbose": False,
                    "pedantic": False,
                    "tls_required": upgrade,
                }
                told |= self.login(_nonce(info)) if self.login else self.credentials
                link.send(f"CONNECT {json.dumps(told)}\r\n")
                link.until_pong()
                yield link

    def info(self) -> Json:
        """What the server says of itself when somebody connects."""
        with socket.create_connection((self.address, self.port), TIMEOUT) as plain:
            found: Json = json.loads(_line(plain).removeprefix("INFO"))
            return found

    def gets_in(self) -> bool:
        """Whether it can connect."""
        try:
            with self.connected():
                return True
        except (Refused, OSError):
            return False

    def reaches(self, subject: str) -> bool:
        """Whether a message it publishes comes back to its own subscription."""
        with self.connected() as link:
            link.send(f"SUB {subject} 1\r\nPUB {subject} 1\r\nx\r\n")
            return any(line.startswith("MSG") for line in link.until_pong())

    def reaches_by_now(self, subject: str) -> bool:
        """The same, while its permissions change: a server refuses who connects right then."""
        try:
            return self.reaches(subject)
        except Refused:
            return False


def passes(sender: User, receiver: User, subject: str = "passing") -> None:
    """Wait until a message of the one reaches the other."""
    with sender.connected() as out, receiver.connected() as into:
        into.send(f"SUB {subject} 1\r\n")
        into.until_pong()

        def arrived() -> bool:
            out.send(f"PUB {subject} 1\r\nx\r\n")
            out.until_pong()
            into.send("")
            return any(line.startswith("MSG") for line in into.until_pong())

        until(f"a message passes from {sender.address} to {receiver.address}", arrived, 30)


def all_hear_all(users: Mapping[str, User]) -> None:
    """Wait until messages from each server's client have reached those of all servers."""
    with ExitStack() as stack:
        links = {server: stack.enter_context(found.connected()) for server, found in users.items()}
        for link in links.values():
            link.send("SUB from.* 1\r\n")
            link.until_pong()
        for sender, sending in links.items():
            deaf = links.keys() - {sender}  # its own message comes back with the PONG

            what = f"{sender} is heard everywhere"
            until(what, partial(_nobody_is_deaf, sending, f"from.{sender}", links, deaf), 30)


def _nobody_is_deaf(sending: Link, subject: str, links: Mapping[str, Link], deaf: set[str]) -> bool:
    sending.send(f"PUB {subject} 1\r\nx\r\n")
    sending.until_pong()
    for server in tuple(deaf):
        links[server].send("")
        if any(line.startswith(f"MSG {subject} ") for line in links[server].until_pong()):
            deaf.discard(server)
    return not deaf


def _nonce(info: str) -> str:
    return str(json.loads(info.removeprefix("INFO"))["nonce"])


def _line(connection: socket.socket) -> str:
    """One line, and not a byte more: what follows it may be encrypted."""
    found = b""
    while not found.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise Refused("connection closed")
        found += byte
    return found.decode().strip()


def user(
    cluster: Cluster,
    server: str | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    login: Callable[[str], dict[str, str]] | None = None,
    credentials: dict[str, str] | None = None,
) -> User:
    """A client of the cluster's Service, or of one server; credentials as CONNECT names them."""
    if server is None:
        address = cluster.kubectl.get("service", cluster.name)["spec"]["clusterIP"]
    else:
        address = until(
            f"{server} has an address",
            lambda: cluster.pods().get(server, {}).get("status", {}).get("podIP", ""),
        )
    return User(address, tls, credentials or {}, login=login)
