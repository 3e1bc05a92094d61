"""What blocks a server, as status, conditions and events say it: short, and safe to show.

Names of accounts, streams, consumers and servers come from users and servers, so each is quoted
unless it looks like a name, and cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.foreign import named, plain, printable
from natsctl.model.names import GROUP
from natsctl.model.words import listed
from natsctl.plan.gates.looks import SPREAD
from natsctl.plan.gates.verdict import FIRM, Baseline, Block, Note, Purpose, Remark, Verdict, Why

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from natsctl.model.jetstream import Asset

OVERRIDE: Final = f"{GROUP}/override-"
"""How the annotation begins."""
DETAIL: Final = 120
"""Characters of what is said beyond names."""
SOME: Final = 4
"""Blocks in a message: how to continue has to have its place, too."""
MORE: Final = "more of this kind"

_TEXTS: Final[Mapping[Why, str]] = {
    Why.LOOKS: "the answers of {server} cannot be compared yet",
    Why.SLOW: (
        f"the first and the last server answer more than {SPREAD:.0f} seconds apart, so the first "
        "answers are too old when the last ones come: give natsctl and the servers more CPU, or "
        "keep fewer streams"
    ),
    Why.UNREACHABLE: "{server} does not answer",
    Why.WRONG_NAME: "another server answers in the place of {server}",
    Why.UNKNOWN: "{server} is connected but does not answer, so it may be paused",
    Why.TOO_MANY: (
        "{server} has more streams and consumers than natsctl judges, and what it did not read may "
        "lose messages"
    ),
    Why.UNREADABLE: "natsctl cannot read all that {server} says",
    Why.JETSTREAM_OFF: "JetStream is off on {server}",
    Why.UNHEALTHY: "{server} is not healthy",
    Why.NO_ROUTE: "{server} is not connected to all others",
    Why.STORE_LIMIT: "{server} has reached maxSize of its file store",
    Why.META_LEADER: "the servers do not agree on a meta leader",
    Why.META_SIZE: "the meta group does not have as many members as there are servers",
    Why.META_MEMBERS: "the members of the meta group are not the servers of the cluster: {server}",
    Why.META_REPLICA: "{server} is not a healthy member of the meta group",
    Why.META_QUORUM: "the meta group would lose its quorum",
    Why.NO_LEADER: "{asset} has no leader",
    Why.TWO_LEADERS: "{asset} has several leaders",
    Why.MOVING: "{asset} is moving",
    Why.STORE_BEHIND: "the copy of {asset} on {server} is behind",
    Why.STORE_DIFFERS: "the copies of {asset} differ",
    Why.REPLICA: "the replica of {asset} on {server} is not healthy",
    Why.QUORUM: "{asset} would lose its quorum",
    Why.SHORT: "{asset} has too few members",
    Why.HOSTED: "{server} still holds {asset}",
    Why.MEMORY: "the messages of {asset} are only in the memory of {server}",
    Why.TOO_FEW: "{asset} has more replicas than servers would remain",
    Why.EVEN: "an even number of servers would remain",
    Why.ROOM: "the remaining servers do not have enough room",
    Why.TAGS: "the remaining servers do not have enough different tags for {asset}",
}
_STEADY: Final = frozenset((Why.UNREACHABLE, Why.TOO_MANY, Why.UNREADABLE, Why.META_MEMBERS))
"""Of these the detail is the same for as long as the cause is, and says what to look for."""
UNTOLD: Final = "{server} does not say all that it holds, or is not healthy"
_REMARKS: Final[Mapping[Remark, str]] = {
    Remark.STEP_DOWN: "the meta leader steps down first",
    Remark.ONE_COPY: "{asset} is on this server only and is not available while it restarts",
    Remark.TWO_COPIES: "{asset} has two replicas and no leader while one of them restarts",
    Remark.SHORT: "{asset} has fewer replicas than it should",
    Remark.HOLES: "its disk was full: below 2.10, its store may come back with holes",
}
_DOING: Final[Mapping[Purpose, str]] = {
    Purpose.RESTART: "restart",
    Purpose.REPLACE: "get an empty volume",
    Purpose.REMOVE: "be removed",
}


def reason(why: Why) -> str:
    """The word as conditions and events have it: NoLeader."""
    return "".join(part.capitalize() for part in why.split("-"))


def annotation(why: Why, value: str) -> str:
    """The annotation that lets one server go in spite of this, as kubectl takes it.

    `value` is what it has to say: of which server, and of what is to be done with it.
    """
    return f"{OVERRIDE}{why}={value}"


def way_out(verdict: Verdict, value: str, binding: Collection[Why] = ()) -> str:
    """How to continue anyway: one annotation for each predicate; empty if there is no way.

    `binding` are predicates that nobody can override here.
    """
    return ways_out(verdict.whys - set(binding), value)


def ways_out(blocking: Collection[Why], value: str) -> str:
    """The same of these predicates."""
    whys = [why for why in Why if why in blocking and why not in FIRM]
    if not whys:
        return ""
    keys = " ".join(annotation(why, value) for why in whys)
    return f"to continue anyway, at the risk of losing data, annotate the cluster: {keys}"


def lasting(block: Block) -> Block:
    """The same without what may change by itself: what conditions tell of it."""
    return block if block.why in _STEADY else attrs.evolve(block, detail="")


def text(block: Block) -> str:
    """One block: what is wrong, where, and what was seen of it."""
    asset = asset_text(block.asset) if block.asset else "anything"
    words = UNTOLD if block.why is Why.HOSTED and block.asset is None else _TEXTS[block.why]
    said = words.format(server=_server(block.server), asset=asset)
    return f"{said} ({printable(block.detail, DETAIL)})" if block.detail else said


def remark(note: Note) -> str:
    """One note."""
    return _REMARKS[note.remark].format(asset=asset_text(note.asset) if note.asset else "it")


def message(target: str, verdict: Verdict, value: str, purpose: Purpose = Purpose.RESTART) -> str:
    """Who holds up a server, and how to continue anyway; empty if nobody does."""
    if verdict.ok:
        return ""
    some = [text(block) for block in verdict.blocks[:SOME]]
    more = f" and {verdict.count - len(some)} more" if verdict.count > len(some) else ""
    said = f"{target} cannot {_DOING[purpose]} yet: {'; '.join(some)}{more}"
    return plain(f"{said}; {way_out(verdict, value) or 'natsctl looks again'}")


def some_of(texts: Iterable[str]) -> Iterator[str]:
    """The first different ones, and whether there are more: servers may give reason for any number.

    How many more is not told, since that may change by itself.
    """
    seen = set[str]()
    for each in texts:
        if each not in seen and len(seen) == SOME:
            yield MORE
            return
        if each not in seen:
            yield each
        seen.add(each)


def broken_before(before: Baseline | None) -> str:
    """What was broken before anything began; empty if there is nothing."""
    blocks = sorted(before.blocks, key=lambda block: block.place) if before is not None else ()
    return plain(listed([text(block) for block in blocks]))


def row(block: Block) -> dict[str, str]:
    """One entry of the list in the status, without what does not apply."""
    asset = block.asset
    fields = {
        "account": asset.account if asset else "",
        "stream": asset.stream if asset else "",
        "consumer": asset.consumer if asset else "",
        "server": block.server,
        "why": str(block.why),
        "message": text(block),
    }
    return {name: printable(value, 3 * DETAIL) for name, value in fields.items() if value}


def _server(name: str) -> str:
    return named(name) if name else "a server"


def asset_text(asset: Asset) -> str:
    """What it is, and its name."""
    return f"{'consumer' if asset.consumer else 'stream'} {named(str(asset))}"
