"""The accounts of all pages of one /jsz, merged: an asset that moves in between is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Annotated, Final

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
from natsctl.nats.jetstream_assets import Unknown, stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOVED: Final = "accounts that moved between the pages of /jsz"

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
class Page:
    """One page: its accounts, in order, and how many the server has in all."""

    accounts: Sequence[Account]
    total: int


@attrs.frozen
class Assets:
    """What a server holds: usable, or unknown (short descriptions), or more than is judged."""

    groups: Mapping[Asset, Group] = attrs.field(factory=dict)
    unknown: tuple[str, ...] = ()
    too_many: str = ""


def assets(pages: Sequence[Page]) -> Assets:
    """What all pages say together. Each begins with the last account of the one before."""
    accounts = list(chain.from_iterable(page.accounts for page in pages))
    if too_many := _too_many(accounts):
        return Assets(too_many=too_many)
    found = [*_found(accounts)]
    if sum(isinstance(it, Group) and bool(it.asset.consumer) for it in found) > MAX_CONSUMERS:
        return Assets(too_many=f"more than {MAX_CONSUMERS} consumers")
    missing = () if _complete(pages) else (MOVED,)
    return _sorted_out(found, _seams(pages), missing)


def _too_many(accounts: Sequence[Account]) -> str:
    if len(accounts) > MAX_ACCOUNTS:
        return f"more than {MAX_ACCOUNTS} accounts"
    if sum(len(account.stream_detail or ()) for account in accounts) > MAX_STREAMS:
        return f"more than {MAX_STREAMS} streams"
    return ""


def _found(accounts: Iterable[Account]) -> Iterator[Group | Unknown]:
    """One more consumer than are judged is enough to know that there are too many."""
    consumers = 0
    for account in accounts:
        for raw in account.stream_detail or ():
            for it in stream(account.key, bytes(raw)):
                consumers += isinstance(it, Group) and bool(it.asset.consumer)
                yield it
            if consumers > MAX_CONSUMERS:
                return


def _seams(pages: Sequence[Page]) -> Counter[str]:
    """How many times more than once each account is told rightly: where two pages meet."""
    return Counter(after.accounts[0].key for _, after in pairwise(pages) if after.accounts)


def _complete(pages: Sequence[Page]) -> bool:
    """Whether no account can be missing: servers sort them, so what moves breaks the overlap."""
    met = all(
        before.accounts and after.accounts and before.accounts[-1].key == after.accounts[0].key
        for before, after in pairwise(pages)
    )
    return met and len({a.key for page in pages for a in page.accounts}) >= pages[-1].total


def _sorted_out(
    found: Sequence[Group | Unknown], seams: Counter[str], missing: tuple[str, ...]
) -> Assets:
    """An asset counts if it is told as often as its account, and usably each time."""
    times = Counter(it.asset for it in found if isinstance(it, Group))
    bad = {it.asset for it in found if isinstance(it, Unknown)}
    bad |= {asset for asset, told in times.items() if told != 1 + seams[asset.account]}
    groups = {it.asset: it for it in found if isinstance(it, Group) and it.asset not in bad}
    unnamed = [it.what for it in found if isinstance(it, Unknown)]
    moved = sorted(printable(str(asset), 120) for asset in bad if asset in times)
    return Assets(groups, tuple(dict.fromkeys([*missing, *unnamed, *moved])))
