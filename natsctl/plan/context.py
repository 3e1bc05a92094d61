"""What rules decide from: the state of a cluster whose spec can be acted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from natsctl.plan.servers.server import Server
from natsctl.plan.state import ClusterState, Desired

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


@attrs.frozen
class Context:
    """A state, what its spec asks for, and its servers by index."""

    state: ClusterState
    desired: Desired
    servers: tuple[Server, ...]
    _known: dict[object, Any] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def once(self, call: Callable[[Context], T]) -> T:
        """What a pure function makes of it: computed when somebody first wants to know."""
        if call not in self._known:
            self._known[call] = call(self)
        made: T = self._known[call]
        return made

    @property
    def size(self) -> int:
        """How many servers the spec asks for."""
        return self.desired.target.spec.size

    @property
    def has_config(self) -> bool:
        """Whether a server could start; while a configuration waits, an earlier one may do."""
        return not self.desired.waiting or self.state.cluster.metadata.name in self.state.secrets

    @property
    def is_leaving(self) -> bool:
        """Whether a server is shutting down."""
        return any(s.terminating for s in self.servers)


def context_of(state: ClusterState, servers: Sequence[Server]) -> Context | None:
    """None if the spec cannot be acted on, and no earlier one either."""
    return Context(state, state.desired, tuple(servers)) if state.desired is not None else None
