"""Lists of the API server: one page after the other, of objects that stay raw.

Nothing is taken for granted: items may be of any kind, a page may lead to itself, and a list may
have no end.
"""

from __future__ import annotations

from typing import Final

import attrs
import msgspec

from natsctl.kube.decode import Unreadable
from natsctl.model import limits
from natsctl.model.objects import Wire
from natsctl.model.struct_types import known_to_threads

MOST: Final = 10_000
"""Pages of one list. As large as they are asked for, no etcd holds as many."""
_DEPTH_OF_ITEMS: Final = 200
"""Levels of a page that are read where one object has more: enough to find out which one."""


class ListMeta(Wire, frozen=True):
    """`metadata` of a list."""

    resource_version: str = ""
    continue_: str | None = msgspec.field(name="continue", default=None)


class Page(Wire, frozen=True):
    """One page of a list; the objects stay raw."""

    metadata: ListMeta
    items: tuple[msgspec.Raw, ...] | None = None


def page_of(body: bytes) -> Page:
    """A page; Unreadable if it is none, RecursionError if an object in it is nested too deeply."""
    try:
        return msgspec.json.decode(body, type=Page)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Unreadable(f"this is not a page of a list: {error}") from None


def cut_page(body: bytes) -> Page:
    """The same, whose objects are cut to what can be read if they are nested too deeply."""
    try:
        return page_of(body)
    except RecursionError:
        cut = limits.pruned(body, _DEPTH_OF_ITEMS, len(body))
    try:
        return page_of(cut)
    except RecursionError:  # what is nested is no object of it
        raise Unreadable("this is not a page of a list: it is nested too deeply") from None


@attrs.define
class Course:
    """The way through the pages of one list."""

    onward: str = ""
    _seen: set[int] = attrs.field(factory=set)  # a token may have megabytes

    def follow(self, page: Page) -> bool:
        """Go on to the next page; False if there is none, Unreadable if it leads nowhere."""
        self.onward = page.metadata.continue_ or ""
        token = hash(self.onward)
        if token in self._seen:
            raise Unreadable("a page of the list leads to one that was read before")
        if len(self._seen) >= MOST:
            raise Unreadable(f"the list has more than {MOST} pages")
        self._seen.add(token)
        return bool(self.onward)


known_to_threads(Page)
