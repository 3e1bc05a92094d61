"""A connection to the system account of one cluster that lasts from request to request.

A procedure of many requests, such as a move of each stream, does not log in for each of them. The
operator has no such connection to a cluster that no procedure works on.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from natsctl.model import names
from natsctl.model.outcome import Refused, Unknown, Unreachable
from natsctl.nats import system
from natsctl.nats.connection import Connection, NoResponders, Told
from natsctl.nats.nkey import Key

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence


IDLE = 60.0
"""Seconds without a request after which the connection is closed."""
DOORS: Final = 3
"""Servers that are tried for one request."""

_FORBIDDEN: Final = "Permissions Violation"
_NOBODY: Final = "no server knows the request, or JetStream is off on all of them"
_NO_DOOR: Final = "no server can be asked"


@attrs.frozen
class Door:
    """A server that requests go through: its IP address, and its id as in /varz."""

    address: str
    server_id: str


class Leave(Protocol):
    """Leave to send one request."""

    @property
    def seconds(self) -> float:
        """For how long its answer may be waited for."""


Fence = Callable[[], AbstractContextManager[Leave | None]]
"""Around one request. Entering it raises if nothing may be sent any more. It sees an exception if
the request may still be carried out."""


class _Unanswered(Exception):
    """It was sent, and nobody said what came of it."""


@attrs.define
class Session:
    """Sends one request at a time. `key` makes the key of the operator's user in the cluster.

    `answered` is when what came of the last request was known, in monotonic seconds: what servers
    said before that may no longer be true.
    """

    key: Callable[[], Key]
    answered: float = -math.inf
    _connection: Connection | None = None
    _through: tuple[Door, ssl.SSLContext | None] | None = None
    _end: asyncio.TimerHandle | None = None
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    async def request(
        self,
        doors: Sequence[Door],
        tls: ssl.SSLContext | None,
        subject: str,
        content: bytes,
        fence: Fence = nullcontext,
    ) -> bytes | Refused | Unreachable | Unknown:
        """The answer to a message, or why there is none, and whether it may have an effect.

        `fence` is entered when nothing is left to wait for but the answer. The message goes through
        the first of the servers at `doors` that can be connected to. Takes TIMEOUT seconds for the
        answer at most, and as long for each of DOORS servers.
        """
        async with self._turn:
            self._keep()
            try:
                connection = await self._opened(doors, tls)
            except system.Unreachable as error:
                return Unreachable(str(error))
            try:
                with fence() as leave:
                    return await self._ask(connection, subject, content, leave)
            except _Unanswered as error:
                return Unknown(str(error))
            finally:
                self._linger()

    def close(self) -> None:
        """End the connection. A later request opens another one."""
        self._keep()
        if self._connection is not None:
            self._connection.close()
        self._connection = self._through = None

    def hang_up(self) -> None:
        """End the connection, unless a request waits for its turn or its answer.

        Before a server stops: it may be the one that the connection leads to, and in lame duck mode
        a server waits for ten seconds if it has a single client.
        """
        if not self._turn.locked():
            self.close()

    async def _ask(
        self, connection: Connection, subject: str, content: bytes, leave: Leave | None
    ) -> bytes | Refused | Unreachable:
        seconds = system.TIMEOUT if leave is None else min(system.TIMEOUT, leave.seconds)
        try:
            async with asyncio.timeout(seconds):
                return await connection.request(subject, content)
        except NoResponders:
            return Unreachable(_NOBODY)
        except system.EXPECTED as error:
            await self._drop()
            if isinstance(error, Told) and str(error).startswith(_FORBIDDEN):
                return Refused(system.text_of(error))
            raise _Unanswered(system.text_of(error)) from None
        except BaseException:
            self.close()
            raise
        finally:
            self.answered = asyncio.get_running_loop().time()

    async def _opened(self, doors: Sequence[Door], tls: ssl.SSLContext | None) -> Connection:
        """A connection whose server has just answered: nothing is sent that nobody may read."""
        if self._connection is not None:
            known = any(self._through == (door, tls) for door in doors)
            if known and not await self._problem(self._connection.answers()):
                return self._connection
            await self._drop()
        problem = _NO_DOOR
        for door in doors[:DOORS]:
            self._connection, self._through = Connection(), (door, tls)
            problem = await self._problem(self._enter(self._connection, door, tls))
            if not problem:
                return self._connection
            await self._drop()
        raise system.Unreachable(f"system account: {problem}")

    async def _enter(self, connection: Connection, door: Door, tls: ssl.SSLContext | None) -> None:
        address = system.checked(door.address)
        await connection.open(address, names.CLIENT_PORT, door.server_id, self.key(), tls)

    async def _problem(self, attempt: Coroutine[object, object, None]) -> str:
        """Why it does not work; empty if it does."""
        try:
            async with asyncio.timeout(system.TIMEOUT):
                await attempt
        except NoResponders:
            return "the server does not know the operator's user"
        except system.EXPECTED as error:
            return system.text_of(error)
        except BaseException:
            self.close()
            raise
        return ""

    def _linger(self) -> None:
        """Close the connection some time after the last request, if it is not closed already."""
        if self._connection is None:
            return
        self._end = asyncio.get_running_loop().call_later(IDLE, self.close)

    def _keep(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = None

    async def _drop(self) -> None:
        self.close()
        await asyncio.sleep(0)  # the loop closes the socket in its next round
