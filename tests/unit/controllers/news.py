"""Requests that a test answers by hand, so that news may come before, between and after."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

import attrs

T = TypeVar("T")


class Pause:
    """Lets whoever drives the coroutine do something else first."""

    def __await__(self) -> Generator[None, None, None]:
        yield


@attrs.define
class Driven(Generic[T]):
    """A coroutine that goes on only when told; `result` once it is done."""

    coroutine: Coroutine[Any, Any, T]
    done: bool = False
    result: T | None = None

    def step(self) -> None:
        """Go on until it waits for the next thing."""
        try:
            self.coroutine.send(None)
        except StopIteration as end:
            self.done, self.result = True, end.value

    def steps(self, count: int) -> bool:
        """Go on that often, or to the end; whether it came there."""
        for _ in range(count):
            if not self.done:
                self.step()
        return self.done

    def finish(self) -> T:
        """Go on to the end."""
        while not self.done:
            self.step()
        return self.result  # type: ignore[return-value] # what it returned

    def drop(self) -> None:
        """Never go on."""
        self.coroutine.close()
