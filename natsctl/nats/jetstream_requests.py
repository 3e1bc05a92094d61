"""Requests to the JetStream of a cluster that change something, as a user of the system account.

All of them are answered by the leader of the meta group, whichever server they go through; while
there is none, nobody answers, and what came of them is Unknown. Measured from 2.9.25 to 2.15.3:
docs/design/jetstream-questions.md.

https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Final

import attrs
import msgspec

from natsctl.model.foreign import printable
from natsctl.model.outcome import Done, Outcome, Refused, Unknown
from natsctl.model.peers import peer_id
from natsctl.model.struct_types import known_to_threads
from natsctl.nats.session import Door, Fence, Session

WORDS: Final = 500
"""Characters of a refusal that are kept."""

_STEP_DOWN: Final = "meta_leader_stepdown_response"
_REMOVE: Final = "meta_server_remove_response"
_EVACUATE: Final = "meta_server_evacuate_response"
_UPDATE: Final = "stream_update_response"
_CANCEL: Final = "stream_cancel_move_response"
_TYPE: Final = "io.nats.jetstream.api.v1."
# One token of a subject, as accounts and streams may be named.
_TOKEN: Final = re.compile(r"[^\s.*>\x00-\x1f\x7f]{1,255}")


class _Error(msgspec.Struct):
    description: str = ""
    err_code: int = 0


class _Answer(msgspec.Struct):
    type: str
    error: _Error | None = None


@attrs.frozen
class Api:
    """The JetStream of one cluster: its session, and the servers that requests can go through.

    `fence` is around each request, from right before it is sent.
    """

    session: Session
    doors: Callable[[], Sequence[Door]]
    tls: ssl.SSLContext | None = None
    fence: Fence = nullcontext

    async def ask(self, subject: str, content: dict[str, Any], *kinds: str) -> Outcome:
        """Send a request; `kinds` are the types of answer that say what came of it."""
        written = msgspec.json.encode(content)
        answer = await self.session.request(
            self.doors(), self.tls, f"$JS.API.{subject}", written, self.fence
        )
        return _outcome(answer, kinds) if isinstance(answer, bytes) else answer

    def hang_up(self) -> None:
        """Keep no connection to a server that is about to stop: it would wait for its client."""
        self.session.hang_up()


async def step_down(api: Api, preferred: str = "") -> Outcome:
    """Have the meta leader hand over to another server, or, from 2.11 on, to this one.

    Older servers refuse a request that prefers somebody.
    """
    content = {"placement": {"preferred": preferred}} if preferred else {}
    return await api.ask("META.LEADER.STEPDOWN", content, _STEP_DOWN)


async def remove_server(api: Api, name: str) -> Outcome:
    """Take the server with this name out of the meta group, and out of all others.

    What only it had is lost. Its name may not return before five minutes have passed. It is told by
    its id: a leader that has not heard of it since it started does not know the name.
    """
    return await api.ask("SERVER.REMOVE", {"peer": "", "peer_id": peer_id(name)}, _REMOVE)


async def evacuate(api: Api, name: str) -> Outcome:
    """Have all streams and consumers move away from a server, from 2.15 on; Done: it has begun.

    Never without a spare server: streams are left with fewer replicas.
    """
    return await api.ask("SERVER.EVACUATE", {"peer": name}, _EVACUATE)


async def move_stream(api: Api, account: str, stream: str, away_from: str) -> Outcome:
    """Have a stream and its consumers move from one server to any other; Done: it has begun."""
    subject = _subject("MOVE", account, stream)
    if isinstance(subject, Refused):
        return subject
    return await api.ask(subject, {"server": away_from}, _UPDATE)


async def cancel_move(api: Api, account: str, stream: str) -> Outcome:
    """Have a stream stay where it was before the move began."""
    subject = _subject("CANCEL_MOVE", account, stream)
    if isinstance(subject, Refused):
        return subject
    return await api.ask(subject, {}, _UPDATE, _CANCEL)


def _subject(verb: str, account: str, stream: str) -> str | Refused:
    for name in (account, stream):
        if not _TOKEN.fullmatch(name):
            return Refused(
                f"{printable(name, 64)!r} cannot stand in a subject of the JetStream API"
            )
    return f"ACCOUNT.STREAM.{verb}.{account}.{stream}"


def _outcome(content: bytes, kinds: Sequence[str]) -> Outcome:
    try:
        answer = msgspec.json.decode(content, type=_Answer)
    except (ValueError, RecursionError):
        return Unknown("its answer is not one of the JetStream API")
    if answer.type not in [_TYPE + kind for kind in kinds]:
        return Unknown("its answer is to another request")
    if answer.error is not None:
        return Refused(printable(answer.error.description, WORDS), answer.error.err_code)
    return Done()


known_to_threads(_Answer)
