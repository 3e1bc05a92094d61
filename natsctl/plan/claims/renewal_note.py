"""Which volume is being replaced with an empty one: noted on the config Secret.

Its server stopped when two looks, and the server itself, had shown that no stream was on it alone.
Until the old claim is deleted, the server can come back with it, and does so as soon as it may be
needed. Then the note says that it came back, before its pod is made: what streams came to it since,
nobody knows any more.

The text is `2=5c1e77@2026-01-02T03:04:05Z`: index, the beginning of the claim's uid, and when the
server stopped; with `!` for `@`, when it came back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.model.names import MAX_SIZE
from natsctl.model.times import moment
from natsctl.plan.claims.note import Noted, beginning

if TYPE_CHECKING:
    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.context import Context

REST: Final = 600.0
"""Seconds after which it is tried again, once a server came back."""
_STOPPED, _BACK = "@", "!"
_ENTRY: Final = re.compile(
    r"([1-9][0-9]{0,2})=([-a-z0-9]{1,6})([@!])([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)", re.ASCII
)


@attrs.frozen
class Given:
    """A volume whose server stopped, or `is_back` since, and when."""

    claim: str
    at: str
    is_back: bool = False


Renewals = Mapping[int, Given]
"""By the server's index."""


def renewals_text(note: Renewals) -> str:
    """The annotation."""
    return ",".join(
        f"{index}={it.claim}{_BACK if it.is_back else _STOPPED}{it.at}"
        for index, it in sorted(note.items())
    )


def parse_renewals(text: str) -> dict[int, Given]:
    """What is noted, as far as natsctl may have written it: others can write there, too."""
    found = map(_ENTRY.fullmatch, text.split(",", MAX_SIZE)[:MAX_SIZE])
    return {int(it[1]): Given(it[2], it[4], it[3] == _BACK) for it in found if it is not None}


def renewals_of(context: Context) -> dict[int, Given]:
    """The same on the config Secret."""
    secret = context.state.secrets.get(context.state.cluster.metadata.name)
    text = secret.metadata.annotation(names.REPLACING_ANNOTATION) if secret is not None else None
    return parse_renewals(text or "")


def is_given_up(given: Given | None, live: LiveClaim | None, noted: Noted | None) -> bool:
    """Whether no pod is to be made with what is there, or was, because it is being replaced."""
    if given is None or given.is_back:
        return False
    if live is None:
        return noted is not None and noted.claim == given.claim
    return live.is_adopted and live.is_free and given.claim == beginning(live.uid)


def seconds_since(given: Given, timestamp: str) -> float:
    """How long ago that was; as long ago as can be where nobody can tell."""
    then, now = moment(given.at), moment(timestamp)
    return abs((now - then).total_seconds()) if then is not None and now is not None else REST
