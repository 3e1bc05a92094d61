"""What the API server said to a claim that was to ask for another size, and when to ask again.

A StorageClass that cannot grow, or a full quota, stays so for a while: it is asked rarely.
"""

from __future__ import annotations

from typing import Final

import attrs

from natsctl.model.foreign import plain, word

FIRST_PAUSE, LAST_PAUSE = 60.0, 1800.0
"""Seconds between two attempts on one claim: each pause is twice the one before."""
_TWICE: Final = 2
_NO_CLASS: Final = "only dynamically provisioned pvc can be resized"
"""Kubernetes, plugin/pkg/admission/storage/persistentvolume/resize."""


@attrs.frozen
class Words:
    """Why the API server refused that a claim asks for so many bytes, as it says itself."""

    size: int
    reason: str = attrs.field(converter=word)
    text: str = attrs.field(converter=plain)

    @property
    def is_of_class(self) -> bool:
        """Whether no volume of its StorageClass can grow."""
        return _NO_CLASS in self.text


@attrs.frozen
class GrowthRefused:
    """The same, and when it may be asked again; `due` is monotonic seconds."""

    words: Words
    due: float
    pause: float


def refused(words: Words, before: GrowthRefused | None, now: float) -> GrowthRefused:
    """What to remember of an attempt that failed now; another size is another matter."""
    again = before is not None and before.words.size == words.size
    pause = min(_TWICE * before.pause, LAST_PAUSE) if before and again else FIRST_PAUSE
    return GrowthRefused(words, now + pause, pause)
