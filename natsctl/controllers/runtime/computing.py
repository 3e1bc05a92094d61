"""What may take long to compute is computed beside the event loop, so that nobody waits for it.

Everything that is computed is pure, and what it is given does not change: a thread may have it.
Python lets the event loop go on within some milliseconds. What is light stays on the event loop,
where it costs no change of threads.

Whoever writes large specs, or controls servers with many streams, makes others compute. So there
are few threads for that, which namespaces share fairly, and nothing else has to wait for them.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import partial
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import msgspec

from natsctl.kube.turns import Turn, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from natsctl.model.jetstream_look import Look
    from natsctl.model.objects import Object
    from natsctl.plan.references import References

T = TypeVar("T")
AT_ONCE: Final = 4
"""Threads that compute at the same time; of one namespace, half of them."""
LIGHT: Final = 20_000
"""Bytes of JSON, about, that take some milliseconds. Nearly all clusters have fewer."""
SERVER: Final = 2_000
"""What one server counts as: its pod, its answers, its lines in the configuration."""
GROUP: Final = 100
"""What a stream or consumer counts as, in each look at a server that has it."""
OBJECT: Final = 200
"""What one object counts as, without what is noted on it."""
GRANT: Final = 500
"""What one ServiceAccount of a role counts as."""


@attrs.frozen
class Computing:
    """Threads (None: those of the event loop), and the turns in which owners get them."""

    threads: Executor | None = None
    turns: Turns = attrs.field(factory=lambda: Turns(AT_ONCE))

    async def computed(
        self, owner: str, heavy: bool, call: Callable[..., T], /, *given: Any, **named: Any
    ) -> T:
        """What a pure function returns; `owner` is the namespace that needs it.

        A thread cannot be cancelled. So a turn lasts until its thread has ended, whoever waits.
        """
        if not heavy:
            return call(*given, **named)
        turn, work = Turn(self.turns, owner), partial(call, *given, **named)
        await turn.take()
        thread = asyncio.get_running_loop().run_in_executor(self.threads, work)
        thread.add_done_callback(lambda _: turn.give())
        try:
            return await asyncio.shield(thread)
        finally:
            del thread, work, given, named  # as in `natsctl.nats.beside`


def is_heavy(*weights: Iterable[int]) -> bool:
    """Whether weights are too much together; no more of them are looked at than needed."""
    return any(total > LIGHT for total in accumulate(chain.from_iterable(weights)))


def of_documents(*documents: object) -> Iterator[int]:
    """The weights of documents that came as JSON."""
    return (len(msgspec.json.encode(document)) for document in documents)


def of_servers(count: int) -> Iterator[int]:
    """The weight of so many servers."""
    yield SERVER * count


def of_notes(objects: Iterable[Object]) -> Iterator[int]:
    """The weights of objects with what is noted on them, by us or by others."""
    for each in objects:
        yield OBJECT + sum(map(len, (each.metadata.annotations or {}).values()))


def of_looks(looks: Iterable[Look]) -> Iterator[int]:
    """The weights of looks at JetStream."""
    return (GROUP * len(said.groups) for look in looks for said in look.reports.values())


def of_sources(references: References) -> Iterator[int]:
    """The weights of all that a configuration is made from beside the spec."""
    yield GRANT * (len(references.tokens) + sum(map(len, references.accounts.values())))
    for secret in references.secrets.values():
        yield sum(map(len, ((secret and secret.data) or {}).values()))
    yield from of_documents(*(role.spec for role in references.roles))
