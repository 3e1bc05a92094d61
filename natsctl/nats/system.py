"""Tell a server to read its configuration again, as a user of its system account.

https://docs.nats.io/running-a-nats-service/configuration/sys_accounts
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import ssl
from typing import TYPE_CHECKING, Final

import msgspec

from natsctl.model import names
from natsctl.model.foreign import printable
from natsctl.model.struct_types import known_to_threads
from natsctl.nats.connection import Connection, Misbehaviour, NoResponders, Told

if TYPE_CHECKING:
    from natsctl.nats.nkey import Key

TIMEOUT = 4.0
"""Seconds until an answer must be there."""
WORDS = 500
"""Characters of a refusal that are kept: the first tell why."""

_UNANSWERED: Final = (
    "the request was not answered: the server is older than 2.10, was restarted, or has "
    "another system account"
)
_ENDED: Final = "it ended the connection: it may not trust the client certificate"
_ENDS: Final = (EOFError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
EXPECTED: Final = (Misbehaviour, Told, EOFError, OSError, TimeoutError, ValueError, RecursionError)
"""What comes of a server that does not do as it should."""
_VALUES: Final = re.compile(r": old=.*", re.DOTALL)
_NO_CHECK_TIME: Final = 0x200000  # openssl's X509_V_FLAG_NO_CHECK_TIME, for which ssl has no name


class Unreachable(Exception):
    """A server could not be asked. One that was only slow may do what it was asked for yet."""


class Refusal(msgspec.Struct):
    """The used part of an error."""

    description: str


class Answerer(msgspec.Struct, frozen=True):
    """The used part of what an answer says of who gives it."""

    id: str = ""


class Answer(msgspec.Struct):
    """The used part of an answer; no error is success."""

    server: Answerer = Answerer()
    error: Refusal | None = None


async def reload(address: str, server_id: str, key: Key, tls: ssl.SSLContext | None) -> str:
    """Have a server read its configuration again: "", or why it refuses in its own words.

    `address` is an IP; `server_id` as in /varz, new with every start; `tls` is for servers of a
    cluster that has it, and a must for those. The words leave out the values of fields, which
    may be passwords. Raises Unreachable after TIMEOUT at the latest, and at once for servers
    below 2.10, which know no such request.
    """
    connection = Connection()
    try:
        async with asyncio.timeout(TIMEOUT):
            await connection.open(checked(address), names.CLIENT_PORT, server_id, key, tls)
            answer = await connection.request(f"$SYS.REQ.SERVER.{server_id}.RELOAD")
            return _words(answer, server_id)
    except NoResponders:
        raise Unreachable(f"system account: {_UNANSWERED}") from None
    except EXPECTED as error:
        raise Unreachable(f"system account: {text_of(error)}") from None
    finally:
        connection.close()
        await asyncio.sleep(0)  # the loop closes the socket in its next round


def context(
    ca_pem: bytes | None, cert_pem: bytes | None = None, key_pem: bytes | None = None
) -> ssl.SSLContext | None:
    """How to speak TLS to the servers of a cluster; None if there is nothing to check them with.

    `ca_pem` is whom to trust: CAs, or the certificates of the servers themselves; several at the
    same time while they change. The certificate is for servers that verify their clients. Names
    are not checked, since pods are reached by IP. Nor are dates, since a reload is what makes a
    server replace its expired certificate. Raises Unreachable if one of the texts is unusable.
    """
    if ca_pem is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    try:
        made.load_verify_locations(cadata=ca_pem.decode("ascii", "ignore"))
        if cert_pem is not None and key_pem is not None:
            _load_chain(made, cert_pem + b"\n" + key_pem)
    except (OSError, ValueError) as error:
        raise Unreachable(f"certificates: {text_of(error)}") from None
    return made


def _load_chain(made: ssl.SSLContext, pem: bytes) -> None:
    """Through a file without a name, in memory: ssl reads nothing else."""
    with open(os.memfd_create("certificate"), "wb", buffering=0) as file:
        file.write(pem)
        made.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")


def checked(address: str) -> str:
    """An IP address as it is; Misbehaviour if it is something else."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise Misbehaviour("the server has no address") from None


def _words(content: bytes, server_id: str) -> str:
    answer = msgspec.json.decode(content, type=Answer)
    if answer.server.id != server_id:
        raise Misbehaviour("another server answers")
    return printable(_VALUES.sub("", answer.error.description), WORDS) if answer.error else ""


def text_of(error: Exception) -> str:
    """Constant for the same cause, because it is told in the status."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # Which one is a race between the end of the connection and what is written to it.
    if isinstance(error, _ENDS) or "_ALERT_" in str(error):
        return _ENDED
    return str(error).strip("'\" ") or type(error).__name__


known_to_threads(Answer)
