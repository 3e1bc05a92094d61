"""Every class of action and its handler, from all modules of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from natsctl.controllers.cluster import handlers
from natsctl.controllers.cluster.discovery import defined_in
from natsctl.controllers.cluster.handlers.handler import Handler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from natsctl.controllers.cluster.events import Event
    from natsctl.plan.actions import Action

HANDLERS: Final[Mapping[type[Action], Handler[Any]]] = {
    handler.action: handler for handler in defined_in(handlers, Handler)
}


def events_of(done: Sequence[Action]) -> tuple[Event, ...]:
    """The events of one stage, in the order of its plan; several creations in one."""
    of_class: dict[type[Action], list[Action]] = {}
    for action in done:
        of_class.setdefault(type(action), []).append(action)
    return tuple(
        event for kind, actions in of_class.items() for event in HANDLERS[kind].tell(actions)
    )
