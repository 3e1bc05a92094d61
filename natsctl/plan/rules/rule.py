"""What a rule is: it decides one thing about a cluster, at its stage of a pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final

import attrs

from natsctl.model.words import listed
from natsctl.plan.actions import Action
from natsctl.plan.context import Context
from natsctl.plan.gates.verdict import Baseline
from natsctl.plan.queries import Query
from natsctl.plan.servers.server import Server


@attrs.frozen
class Decision:
    """What a rule wants done now.

    `waiting` says what it waits for, and `servers` are those that it still has to deal with, in
    its order; conditions tell both. `queries` are what the actions rest on: they are carried out
    once all of these have answers that are fresh enough. `moves`: nothing is to be done now, but
    something goes on that no other server may disturb. `before` is what was broken before the
    procedure began that it goes on with; the status keeps it.
    """

    actions: tuple[Action, ...] = ()
    waiting: tuple[str, ...] = ()
    queries: frozenset[Query] = frozenset()
    servers: tuple[Server, ...] = ()
    moves: bool = False
    before: Baseline | None = None


@attrs.frozen
class Stage:
    """Rules whose actions are carried out at the same time.

    `alone`: what follows rests on what comes of it, and is decided in the next pass.
    `needs_config`: only where a server could start.
    `after`: only if that stage has nothing to do, no server is shutting down and none is to be
    asked; then the first rule that does more than wait decides, for one server.
    """

    name: str
    alone: bool = False
    needs_config: bool = False
    after: Stage | None = None


TOKENS: Final = Stage("tokens", alone=True)
"""The configuration is made with the tokens that come of it."""
SEALS: Final = Stage("seals", alone=True)
"""They rest on the Secret as it was written last."""
ADOPTION: Final = Stage("adoption")
"""Later changes show against what is noted now."""
OBJECTS: Final = Stage("objects")
"""Servers start with what is in the config Secret."""
SERVERS: Final = Stage("servers", needs_config=True)
"""What takes no serving server away."""
REMOVAL: Final = Stage("removal", needs_config=True, after=SERVERS)
"""What takes one away."""
NOTES: Final = Stage("notes")
"""What changes nothing for servers, and holds nothing up if it fails."""


class Rank(IntEnum):
    """Which of several rules that are busy condition Progressing reports: the first of these."""

    FIRST = 0
    USUAL = 1
    LAST = 2


@attrs.frozen
class Progress:
    """How condition Progressing reports a rule that deals with servers for a while, or waits.

    Of the rules of one rank, the order of the registry decides. `yields`: while this one only
    waits, servers restart, or wait for something else: that is reported, too.
    """

    reason: str
    message: Callable[[Decision], str]
    rank: Rank = Rank.USUAL
    yields: bool = False


@attrs.frozen
class Rule:
    """A function that decides, when what it decides is carried out, and how it is reported.

    `again`: seconds after which it may decide otherwise without any change; None: it will not.
    """

    decide: Callable[[Context], Decision]
    stage: Stage
    progress: Progress | None = None
    again: Callable[[Context], float | None] | None = None


def waits(decision: Decision) -> str:
    """What it waits for, as the end of a message."""
    return f"; waiting: {listed(decision.waiting)}" if decision.waiting else ""


def names_of(servers: Iterable[Server]) -> str:
    """Servers, in a message."""
    return listed([server.name for server in servers])
