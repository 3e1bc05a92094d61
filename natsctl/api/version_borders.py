"""Which releases of nats-server never run side by side, so that no roll leads across.

Measured (rolls of three servers, one at a time, configurations of natsctl, no JetStream): 71 of the
72 pairs of 2.0.0, 2.1.9, 2.2.6, 2.9.25, 2.10.29, 2.11.17, 2.12.15, 2.14.10 and 2.15.3 keep a full
mesh at each step and pass messages both ways, up and down; in the last, 2.10.29 to 2.14.10, a
server did not start, and it was not tried again. Servers of 1.x could not be tried: read in
2.0.0, whose routes say `RS+` and `RMSG` where those of 1.x say `SUB` and `MSG`; its authors say
that 2.x cannot be routed to 1.x.
"""

from bisect import bisect
from typing import Final

from attrs import frozen

from natsctl.api.version import Number

_NEWEST: Final = (10**9, 0, 0)
MARGIN: Final = "2.14.10"
"""The release that understands both what is older and what is newer than its line."""


@frozen
class Border:
    """Releases `below` and `since` that do not go together, and what to go to in between.

    `first` is empty where nothing lies in between. `apart`: they have no routes to each other.
    `stores`: only servers that keep something on disk. `down`: only on the way back.
    """

    below: Number
    since: Number
    why: str
    first: str = ""
    apart: bool = False
    stores: bool = False
    down: bool = False


LAST_OF_LINES: Final = ("2.9.25", "2.10.29", "2.11.17", "2.12.15", MARGIN, "2.15.3")
"""The last known release of each minor version that stores streams for natsctl; there is no 2.13.

Rolls under load were measured between neighbors, up and down: no acknowledged message was lost.
"""
_LINES: Final = tuple(tuple(map(int, text.split(".")[:2])) for text in LAST_OF_LINES)
_STORES: Final = "the older version cannot read what the newer one stored"
BORDERS: Final = (
    Border((2, 0, 0), (2, 0, 0), "their routes speak different protocols", apart=True),
    Border((2, 14, 0), (2, 15, 0), "servers before 2.14.0 cannot read what 2.15 sends", MARGIN),
    Border((2, 14, 10), (2, 15, 0), "2.15 assigns streams differently", MARGIN, stores=True),
    Border((2, 9, 22), (2, 10, 0), _STORES, "2.9.25", stores=True, down=True),
    Border((2, 11, 9), (2, 12, 0), _STORES, "2.11.17", stores=True, down=True),
)
"""Those with `stores` count for servers with JetStream only."""


def border(running: Number | None, wanted: Number | None, *, stores: bool = False) -> Border | None:
    """What lies between two releases, if anything; None for a release is the newest."""
    old, new = running or _NEWEST, wanted or _NEWEST
    crossed = (
        each
        for each in BORDERS
        if min(old, new) < each.below
        and max(old, new) >= each.since
        and (stores or not each.stores)
        and (new < old or not each.down)
    )
    return next(crossed, None)


def in_between(running: Number | None, wanted: Number | None) -> tuple[str, ...]:
    """The releases that servers with JetStream run on their way, one minor version at a time.

    What is not known is as new as what is newer than all that is known.
    """
    old, new = (_line(number or _NEWEST) for number in (running, wanted))
    if old < new:
        return LAST_OF_LINES[old : new - 1]
    return LAST_OF_LINES[new : old - 1][::-1]


def _line(number: Number) -> int:
    """Which minor version it is of, from 1; 0 and the last one are all others."""
    line = number[:2]
    return bisect(_LINES, line) + (line > _LINES[-1])


def meet(one: Number | None, other: Number | None) -> bool:
    """Whether servers of two releases have routes to each other; unknown ones may."""
    if one is None or other is None:
        return True
    crossed = border(one, other)
    return crossed is None or not crossed.apart
