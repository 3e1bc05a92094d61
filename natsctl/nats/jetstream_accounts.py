"""The accounts of one /jsz, part by part: an asset that is told twice is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Annotated, Final

import attrs
import msgspec

from natsctl.model.foreign import printable
from natsctl.model.jetstream import (
    MAX_ACCOUNTS,
    MAX_CONSUMERS,
    MAX_NAME,
    MAX_STREAMS,
    Asset,
    Group,
)
from natsctl.model.struct_types import known_to_threads
from natsctl.nats.jetstream_assets import Unknown, stream
from natsctl.nats.jetstream_sizes import Sizes

MISSING: Final = "accounts that are not in /jsz"
MAX_UNKNOWN: Final = 20
"""Descriptions of what is unknown: more say no more."""

_Text = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]


class Account(msgspec.Struct):
    """The used part of one of `account_details`; `id` is what the API and /healthz call it."""

    name: _Text
    id: _Text = ""
    stream_detail: list[msgspec.Raw] | None = None

    @property
    def key(self) -> str:
        """The name by which requests address it."""
        return self.id or self.name


@attrs.frozen
class Assets:
    """What a server holds: usable, or unknown (short descriptions), or more than is judged.

    If there are `too_many`, the others are those that were read before that was known. `extra` is
    as in JetStreamReport.
    """

    groups: Mapping[Asset, Group] = attrs.field(factory=dict)
    unknown: tuple[str, ...] = ()
    too_many: str = ""
    extra: int = 0


@attrs.define
class Inventory:
    """What a server holds, as one part of its answer after the other tells it.

    An account may go on in the next part, a stream may not. An asset counts if it is told once, and
    usably. If it is `given_up`, perhaps by another thread, the one that reads stops soon.
    """

    given_up: bool = False
    _accounts: set[str] = attrs.field(factory=set)
    _groups: dict[Asset, Group] = attrs.field(factory=dict)
    _bad: dict[Asset, None] = attrs.field(factory=dict)
    _unknown: dict[str, None] = attrs.field(factory=dict)
    _sizes: Sizes = attrs.field(factory=Sizes)
    _streams: int = 0
    _consumers: int = 0

    def add(self, accounts: Sequence[Account]) -> None:
        """Take what the next part says."""
        self._accounts |= {account.key for account in accounts[: MAX_ACCOUNTS + 1]}
        for account in accounts:
            for raw in account.stream_detail or ():
                self._streams += 1
                if self.too_many:
                    return
                self._take(stream(account.key, bytes(raw)))

    def go_on(self) -> None:
        """Raise a ValueError if nobody waits for it any more."""
        if self.given_up:
            raise ValueError("it was not read in time")

    @property
    def too_many(self) -> str:
        """Of what there is more than is judged, and the limit."""
        found = (
            (len(self._accounts), MAX_ACCOUNTS, "accounts"),
            (self._streams, MAX_STREAMS, "streams"),
            (self._consumers, MAX_CONSUMERS, "consumers"),
        )
        return next((f"more than {most} {what}" for n, most, what in found if n > most), "")

    def assets(self, accounts: int) -> Assets:
        """All that was read; `accounts` is how many the server says it has."""
        lacking = not self.too_many and len(self._accounts) < accounts
        missing = (MISSING,) if lacking else ()
        groups = {asset: it for asset, it in self._groups.items() if asset not in self._bad}
        twice = nsmallest(MAX_UNKNOWN, (asset for asset in self._bad if asset in self._groups))
        shown = (printable(str(asset), 120) for asset in twice)
        unknown = tuple(dict.fromkeys([*missing, *self._unknown, *shown]))[:MAX_UNKNOWN]
        return Assets(groups, unknown, self.too_many, self._sizes.extra)

    def _take(self, found: Iterable[Group | Unknown]) -> None:
        """A stream and then its consumers, each of which counts, whether or not it is usable.

        One more than are judged is enough to know that there are too many: no others are read.
        """
        for at, it in enumerate(found):
            self.go_on()
            self._consumers += at > 0
            if self._consumers > MAX_CONSUMERS:
                return
            if isinstance(it, Group):
                self._note(it)
            else:
                self._leave_out(it)

    def _note(self, group: Group) -> None:
        if group.asset in self._groups:
            self._bad[group.asset] = None
        self._groups[group.asset] = group
        self._sizes.add(group)

    def _leave_out(self, unknown: Unknown) -> None:
        if len(self._unknown) < MAX_UNKNOWN:
            self._unknown[unknown.what] = None
        if unknown.asset is not None:
            self._bad[unknown.asset] = None


known_to_threads(Account)
