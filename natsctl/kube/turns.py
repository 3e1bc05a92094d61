"""A bound on what happens at the same time, shared fairly between those for whom it happens."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


Place = asyncio.Future[None]


@attrs.define
class _Queue:
    """Who waits of one owner. Those who come `back` go on before the `new` ones begin."""

    back: deque[Place] = attrs.field(factory=deque)
    new: deque[Place] = attrs.field(factory=deque)

    def __bool__(self) -> bool:
        return bool(self.back or self.new)

    def popleft(self) -> Place:
        return (self.back or self.new).popleft()

    def leave(self, place: Place) -> None:
        for places in (self.back, self.new):
            if place in places:
                places.remove(place)


@attrs.define
class Turns:
    """So many turns at a time; who waits is let in by owner, one after the other.

    Of one owner, who has put a turn aside comes before all who had none yet. Else thousands would
    begin before the first of them ends: each holds meanwhile what it found out.

    Nobody takes one who holds as many as are free: an owner who wants all gets half of them, the
    next one half of the rest. So whoever holds none finds a free one beside several of that kind.

    `at_once` are let in during one round of the event loop, for those who compute before they wait
    for anything: thousands who give their turns back in the same round would make it last for as
    long as all of them compute, and the lease would not be renewed meanwhile.
    """

    capacity: int
    at_once: float = math.inf
    _held: Counter[str] = attrs.field(factory=Counter)
    _waiting: dict[str, _Queue] = attrs.field(factory=dict)
    _let_in_now: int = attrs.field(default=0, eq=False)

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[Turn]:
        """Wait for a turn, and hold it."""
        turn = Turn(self, owner)
        await turn.take()
        try:
            yield turn
        finally:
            turn.give()

    async def take(self, owner: str, *, back: bool = False) -> None:
        """Return once this owner has one more turn; `back`: to go on with what has begun."""
        queue = self._waiting.setdefault(owner, _Queue())
        place = asyncio.get_running_loop().create_future()
        (queue.back if back else queue.new).append(place)
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._leave(owner, place)
            else:
                self.give(owner)  # it was let in, and never got to know
            raise

    def give(self, owner: str) -> None:
        """Let the next one have a turn of this owner's."""
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._let_in()

    def _leave(self, owner: str, place: Place) -> None:
        queue = self._waiting.get(owner, _Queue())
        queue.leave(place)
        if not queue:
            self._waiting.pop(owner, None)

    def _let_in(self) -> None:
        while self._let_in_now < self.at_once and (owner := self._next()) is not None:
            queue = self._waiting.pop(owner)
            place = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # at the end: the others are next
            if not place.done():
                self._held[owner] += 1
                place.set_result(None)
                self._count()

    def _count(self) -> None:
        """One more in this round; whoever finds no room in it is let in in the next one."""
        if not self._let_in_now:
            asyncio.get_running_loop().call_soon(self._next_round)
        self._let_in_now += 1

    def _next_round(self) -> None:
        self._let_in_now = 0
        self._let_in()

    def _next(self) -> str | None:
        free = self.capacity - self._held.total()
        if free <= 0:
            return None
        return next((owner for owner in self._waiting if self._held[owner] < free), None)


@attrs.define
class Turn:
    """One turn of one owner."""

    turns: Turns
    owner: str
    _held: bool = False

    async def take(self, *, back: bool = False) -> None:
        """Return once it is held."""
        await self.turns.take(self.owner, back=back)
        self._held = True

    def give(self) -> None:
        """Let it go, if it is held."""
        if self._held:
            self._held = False
            self.turns.give(self.owner)

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Let others have the turn while this one waits for something; then take another.

        Not after an error: who meets one is about to end.
        """
        self.give()
        yield
        await self.take(back=True)
