"""What a change of a field of a NatsCluster costs: each field says it in its declaration."""

from collections.abc import Callable
from enum import Enum
from typing import Final

import attrs
from attrs import frozen


class Cost(Enum):
    """What a change costs, in the words of docs/reference.md."""

    PARTS = ""
    """Nothing by itself: a block, whose fields say it one by one."""
    RESTART = "restarts servers one at a time"
    RELOAD = "reloads servers"
    RELOAD_OR_WAIT = "reloads servers; never restarts them"
    """Where nobody can have a server reload, it counts from its next start on."""
    RESTART_IF_DOWN = "restarts only servers that are not ready"
    IMMUTABLE = "restarts servers one at a time; not allowed while servers store data"
    """What stored data depends on: before a restart for it, somebody has to know of none."""
    REPLACEMENT = "replaces volumes one at a time, if fileStore.resizePolicy is Replace"
    """What data is stored under: each server that gets it needs an empty volume."""
    VOLUMES = "changes volumes one at a time"
    GROWTH = "grows volumes one at a time"
    KEPT = "has no effect while servers run"
    NONE = "does not affect servers"


@frozen
class Effect:
    """A cost, and where it arises.

    `release` is the first of nats-server that takes the change up by a reload; earlier ones
    restart. `entry` names what tells the change in a pod's revision, if it is not the field itself
    but what comes of it (the content of a Secret). The rest are JSON paths of fields beside which
    alone this one counts: with all of them set, with any of them, with none of them.
    """

    cost: Cost
    release: tuple[int, int] | None = None
    entry: str = ""
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    def since(self, major: int, minor: int) -> "Effect":
        """The same from this release of nats-server on."""
        return attrs.evolve(self, release=(major, minor))

    def told_by(self, entry: str) -> "Effect":
        """The same, told by another entry of the revision."""
        return attrs.evolve(self, entry=entry)

    def when(self, *paths: str) -> "Effect":
        """The same where all of these fields are set."""
        return attrs.evolve(self, all_of=paths)

    def when_any(self, *paths: str) -> "Effect":
        """The same where any of these fields is set."""
        return attrs.evolve(self, any_of=paths)

    def unless(self, *paths: str) -> "Effect":
        """The same where none of these fields is set."""
        return attrs.evolve(self, none_of=paths)

    @property
    def reloads(self) -> bool:
        """Whether a running server can take the change up."""
        return self.cost in (Cost.RELOAD, Cost.RELOAD_OR_WAIT)

    @property
    def rolls(self) -> bool:
        """Whether servers that cannot take it up restart for it."""
        return self.cost in (Cost.RESTART, Cost.RELOAD, Cost.IMMUTABLE, Cost.REPLACEMENT)

    @property
    def reaches(self) -> bool:
        """Whether the change reaches servers that run, or their next start."""
        return self.cost not in (*(Cost.PARTS, Cost.VOLUMES, Cost.GROWTH, Cost.KEPT, Cost.NONE),)

    @property
    def words(self) -> str:
        """For users; empty for a block."""
        if self.release is None:
            return self.cost.value
        since = ".".join(map(str, self.release))
        return f"{self.cost.value} from {since} on; before, {Cost.RESTART.value}"

    def counts(self, is_set: Callable[[str], bool]) -> bool:
        """Whether the field counts beside those that are set."""
        return (
            all(map(is_set, self.all_of))
            and (not self.any_of or any(map(is_set, self.any_of)))
            and not any(map(is_set, self.none_of))
        )


PARTS: Final = Effect(Cost.PARTS)
RESTART: Final = Effect(Cost.RESTART)
RELOAD: Final = Effect(Cost.RELOAD)
RELOAD_OR_WAIT: Final = Effect(Cost.RELOAD_OR_WAIT)
RESTART_IF_DOWN: Final = Effect(Cost.RESTART_IF_DOWN)
IMMUTABLE: Final = Effect(Cost.IMMUTABLE)
REPLACEMENT: Final = Effect(Cost.REPLACEMENT)
VOLUMES: Final = Effect(Cost.VOLUMES)
GROWTH: Final = Effect(Cost.GROWTH)
KEPT: Final = Effect(Cost.KEPT)
NONE: Final = Effect(Cost.NONE)
