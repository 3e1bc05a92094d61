"""What blocks about servers as a whole: all that stay have to be there, well and connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.foreign import quoted
from natsctl.plan.gates.verdict import Block, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import View

_NAME: Final = 60
"""Characters of what is unknown: users and servers choose its name."""


def unreachable(case: Case, view: View) -> Iterator[Block]:
    """A server that stays does not answer."""
    for name in case.others:
        said = view.look.reports.get(name)
        if said is None or said.problem:
            problem = said.problem if said else "it was not asked"
            yield Block(Why.UNREACHABLE, name, detail=problem)


def wrong_name(case: Case, view: View) -> Iterator[Block]:
    """Something else answers in the place of a server."""
    for name in sorted(case.expected):
        said = view.look.reports.get(name)
        if said is not None and not said.problem and said.name != name:
            yield Block(Why.WRONG_NAME, name, detail=f"it calls itself {said.name}")


def unknown(case: Case, view: View) -> Iterator[Block]:
    """The target does not answer but others are connected to it: it is paused, not dead."""
    if not case.target or case.target in view.answered:
        return
    connected = (name for name, said in view.answered.items() if case.target in said.peers)
    if (first := next(connected, None)) is not None:
        detail = f"it does not answer, but {first} is connected to it"
        yield Block(Why.UNKNOWN, case.target, detail=detail)


def too_many(case: Case, view: View) -> Iterator[Block]:
    """A server, the target too, has more assets than are judged."""
    for name, said in view.answered.items():
        if said.too_many:
            yield Block(Why.TOO_MANY, name, detail=said.too_many)


def unreadable(case: Case, view: View) -> Iterator[Block]:
    """A server, the target too, has assets that it does not tell usably."""
    for name, said in view.answered.items():
        if said.unknown:
            first, *others = said.unknown
            detail = f"{quoted(first, _NAME)} and more" if others else quoted(first, _NAME)
            yield Block(Why.UNREADABLE, name, detail=detail)


def jetstream_off(case: Case, view: View) -> Iterator[Block]:
    """JetStream is off on a server that stays."""
    for name in case.others:
        if (said := view.answered.get(name)) and said.disabled:
            yield Block(Why.JETSTREAM_OFF, name, detail=said.health.text)


def unhealthy(case: Case, view: View) -> Iterator[Block]:
    """A server that stays is not healthy; it may name the asset that it complains of."""
    for name in case.others:
        said = view.answered.get(name)
        if said and not said.disabled and said.health.code != 200:
            health = said.health
            yield Block(Why.UNHEALTHY, name, health.asset, health.text or f"status {health.code}")


def no_route(case: Case, view: View) -> Iterator[Block]:
    """A server that stays is not connected to another one that stays and answers."""
    for name, peers in missed(case.others, view):
        yield Block(Why.NO_ROUTE, name, detail=f"it has no route to {max(peers)}")


def missed(names: Iterable[str], view: View) -> Iterator[tuple[str, frozenset[str]]]:
    """Those of these servers that answer and lack a route to others of them: to which."""
    there = frozenset(names) & view.answered.keys()
    for name in sorted(there):
        if lacking := there - view.answered[name].peers - {name}:
            yield name, lacking


def store_limit(case: Case, view: View) -> Iterator[Block]:
    """A server that stays has reached `max_file_store`: its groups lose their leaders."""
    for name in case.others:
        said = view.answered.get(name)
        if said and 0 < said.file.limit <= said.file.used:
            detail = f"it stores {said.file.used} of {said.file.limit} bytes"
            yield Block(Why.STORE_LIMIT, name, detail=detail)
