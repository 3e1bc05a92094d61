"""Keeps a store equal to what the API server holds of one kind: list, watch, and start again.

Rules (Kubernetes API concepts, "Efficient detection of changes"; client-go's reflector):

* Start with a streaming list (`sendInitialEvents`); a server that refuses it gets a LIST.
* The server ending a stream is normal: open it again where it stopped, list nothing.
* 410 Gone: list anew; what vanished meanwhile is deleted from the store.
* An object that cannot be read is told, counted and not kept; the stream goes on after it.
* Bookmarks come every minute, so a silent stream is a dead one. A stream that stays silent twice
  may also be ahead of the server (a restored etcd): list anew.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import attrs
import msgspec

from natsctl.kube import metrics
from natsctl.kube.decode import LONGEST_LINE, Line, Unreadable, line_of, log_unreadable, read
from natsctl.kube.errors import ApiError, NotFound, Terminal
from natsctl.kube.pages import Course, cut_page, page_of
from natsctl.kube.resources import Resource
from natsctl.kube.transport import JSON, PARTIAL, PARTIAL_LIST, Transport
from natsctl.model.limits import natural
from natsctl.model.objects import Object, Wire
from natsctl.model.slim import slim
from natsctl.model.struct_types import known_to_threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from natsctl.kube.paths import ApiPath

Key = tuple[str, str]
T = TypeVar("T", bound=Object)
S = TypeVar("S", bound=Object, contravariant=True)
log = logging.getLogger(__name__)
NEVER = -math.inf
"""Before any time of the event loop, whose 0 is a moment ago if the machine has just booted."""

SILENCE = 90.0
"""Seconds without a byte after which a stream counts as dead; bookmarks come every 60."""
FIRST_DELAY, LAST_DELAY = 0.8, 30.0
REFUSED_PAUSE = 120.0
"""Seconds until what the process can do without is asked for again."""
HEALTHY_AFTER = 120.0
FIRST_PAGE, LAST_PAGE = 32, 500
"""Objects of a list asked for at once: few at first, for each may have more than a megabyte."""
PAGE_BYTES = 4 * 2**20
"""What a page should have."""
BREATH = 100
"""Events after which other tasks get a turn: reading buffered data never yields by itself."""
INITIAL_END = "k8s.io/initial-events-end"
EVENTS = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})
"""What there is in a watch; metrics have a series for each."""


class Gone(Exception):
    """The resourceVersion is too old to continue from: list anew."""


class Mark(Wire, frozen=True):
    """`metadata` of a BOOKMARK, which has no name."""

    resource_version: str = ""
    annotations: dict[str, str] | None = None


class Bookmark(Wire, frozen=True):
    """What a BOOKMARK carries."""

    metadata: Mark


class Failure(Wire, frozen=True):
    """What an ERROR carries."""

    code: int = 0
    message: str = ""


class Sink(Protocol[S]):
    """What a reflector feeds: a Store, or something that keeps less than everything."""

    def __len__(self) -> int: ...

    def replace(self, objects: Iterable[S], version: int, namespace: str | None) -> None:
        """The whole truth as of `version`, of one namespace or all."""

    def put(self, item: S) -> None:
        """Created or changed."""

    def remove(self, item: S) -> None:
        """Deleted."""

    def seen(self, version: int, namespace: str | None) -> None:
        """Everything up to `version` has been told, of one namespace or all."""


@attrs.define
class Reflector(Generic[T]):
    """Feeds `store` with the objects of one kind, of one namespace or all.

    `selector` is a label selector. `synced` is set once the store holds everything; where the
    objects are `optional` also if they may not be watched: then the store holds none. `door` lets
    objects in, as they are or smaller; None: the store never sees this one. `part` names which
    objects of the kind these are. `threads` cut long pages (None: those of the event loop).
    """

    transport: Transport
    resource: Resource
    store: Sink[T]
    namespace: str | None = None
    selector: str = ""
    synced: asyncio.Event = attrs.field(factory=asyncio.Event)
    last_heard: float = NEVER
    last_tried: float = NEVER
    silence: float = SILENCE
    optional: bool = False
    door: Callable[[T], T | None] = lambda item: item
    part: str = ""
    threads: Executor | None = None
    _position: str = ""
    _streaming_list: bool = True
    _silent_before: bool = False
    _asked_pause: float = 0.0

    async def run(self) -> None:
        """Run until cancelled; every failure is retried with back-off."""
        delay = FIRST_DELAY
        loop = asyncio.get_running_loop()
        metrics.UNDECODABLE.labels(self.resource.kind)  # from 0 on: an alert counts what it adds
        while True:
            started = self.last_tried = loop.time()
            reason = await self._once()
            metrics.WATCH_RESTARTS.labels(self.resource.kind, reason).inc()
            lasted = loop.time() - started
            if lasted > HEALTHY_AFTER or (reason == "closed" and lasted > 1):
                delay = FIRST_DELAY
                continue
            await asyncio.sleep(max(delay * random.uniform(0.8, 1.2), self._asked_pause))
            self._asked_pause = 0.0
            delay = min(delay * 2, LAST_DELAY)

    async def _once(self) -> str:
        """One stream, with a list before it where needed; why it ended."""
        try:
            if not self._position and not self._streaming_list:
                await self._list()
            await self._watch()
        except Gone:
            self._position = ""
            return "gone"
        except NotFound as error:
            self._position = ""
            log.warning("cannot watch %s: %s", self.resource.plural, error)
            return "no_such_kind"
        except Terminal as error:
            return self._refused(error)
        except ApiError as error:
            return self._interrupted(error)
        except (Unreadable, msgspec.MsgspecError, ValueError, RecursionError) as error:
            # No page of a list, or no line of a watch: what is true is not known any more.
            self._position = ""
            log.error("cannot read %s: %s", self.resource.plural, error)
            return "undecodable"
        return "closed"

    def _refused(self, error: Terminal) -> str:
        if error.status == 422 and self._streaming_list:
            self._streaming_list = False
            return "no_streaming_list"
        if error.status == 410:
            self._position = ""
            return "gone"
        log.error("not allowed to watch %s: %s", self.resource.plural, error)
        if error.status == 403 and self.optional:
            self.synced.set()
            self._asked_pause = REFUSED_PAUSE
        return f"http_{error.status}"

    def _interrupted(self, error: ApiError) -> str:
        """A lost connection continues where it stopped, unless it was the second silent one."""
        log.warning("watch of %s interrupted: %s", self.resource.plural, error)
        self._asked_pause = getattr(error, "retry_after", None) or 0.0
        silent = "SocketTimeoutError" in str(error) or "ServerTimeoutError" in str(error)
        if silent and self._silent_before:
            self._position = ""
        self._silent_before = silent
        return "silent" if silent else ("lost" if error.status == 0 else f"http_{error.status}")

    async def _list(self) -> None:
        """Read everything, page by page, then replace the store's content."""
        objects: dict[Key, T] = {}
        size, course = FIRST_PAGE, Course()
        while True:
            body = await self._ask_page(size, course.onward)
            try:
                page = page_of(body)
            except RecursionError:
                if size > 1:
                    size = 1
                    continue
                loop = asyncio.get_running_loop()
                page = await loop.run_in_executor(self.threads, cut_page, body)
            items = filter(None, map(self._read, page.items or ()))
            objects |= {item.key: item for item in filter(None, map(self.door, items))}
            self.last_tried = asyncio.get_running_loop().time()
            if not course.follow(page):
                break
            size = _next_size(size, len(body))
        self._replace(objects.values(), page.metadata.resource_version)

    async def _ask_page(self, size: int, onward: str) -> bytes:
        params = self._selection() | {"limit": str(size)}
        if onward:
            params["continue"] = onward
        accept = PARTIAL_LIST if self.resource.partial else JSON
        reply = await self.transport.request("GET", self._path(), params=params, accept=accept)
        return reply.body

    async def _watch(self) -> None:
        initial: list[T] | None = None if self._position else []
        params = self._selection() | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(300, 600)),
        }
        if initial is None:
            params["resourceVersion"] = self._position
        else:
            params |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        accept = PARTIAL if self.resource.partial else JSON
        async with self.transport.stream(self._path(), params, self.silence, accept) as chunks:
            async for line in _lines(chunks):
                self.last_heard = asyncio.get_running_loop().time()
                self._silent_before = False
                initial = self._take(line_of(line), initial)

    def _take(self, line: Line, initial: list[T] | None) -> list[T] | None:
        """Take one line in; `initial` collects until the streaming list is complete."""
        if line.type not in EVENTS:
            raise Unreadable("this is not a watch event")
        metrics.WATCH_EVENTS.labels(self.resource.kind, line.type).inc()
        if line.type == "BOOKMARK":
            return self._bookmark(msgspec.json.decode(line.object, type=Bookmark), initial)
        if line.type == "ERROR":
            failure = msgspec.json.decode(line.object, type=Failure)
            if failure.code == 410:
                raise Gone(failure.message)
            known = failure.code if 400 <= failure.code < 600 else 500
            raise ApiError(known, "WatchError", failure.message)
        read = self._read(line.object, gone=initial is None)
        item = self.door(read) if read is not None else None
        if initial is not None:
            initial += [item] if item is not None else []
            return initial
        if read is None:
            return None
        self._position = read.metadata.resource_version
        if item is None or line.type == "DELETED":
            self.store.remove(read)
        else:
            self.store.put(item)
        self._count()
        return None

    def _read(self, raw: msgspec.Raw, *, gone: bool = False) -> T | None:
        """An object, or None for one that cannot be read; `gone`: nor is what was known of it kept.

        What it was before is no longer true, and nothing may be done for it.
        """
        try:
            item: T = slim(read(self.resource, raw))
            if not item.version:
                raise Unreadable("has no resourceVersion")
        except Unreadable as error:
            log_unreadable(self.resource, error)
            stub = error.stub
            if gone and stub is not None:
                self.store.remove(stub)  # type: ignore[arg-type] # of the kind of `resource`
                self._position = stub.metadata.resource_version
                self._count()
            return None
        return item

    def _bookmark(self, bookmark: Bookmark, initial: list[T] | None) -> list[T] | None:
        version = bookmark.metadata.resource_version
        if initial is not None:
            if (bookmark.metadata.annotations or {}).get(INITIAL_END) != "true":
                return initial
            self._replace(initial, version)
        self.store.seen(_number(version), self.namespace)
        self._position = version
        return None

    def _replace(self, objects: Iterable[T], version: str) -> None:
        self.store.replace(objects, _number(version), self.namespace)
        self._position = version
        self._count()
        self.last_heard = asyncio.get_running_loop().time()
        self.synced.set()

    def _count(self) -> None:
        metrics.CACHE_OBJECTS.labels(self.resource.kind).set(len(self.store))

    def _path(self) -> ApiPath:
        return self.resource.path(self.namespace)

    def _selection(self) -> dict[str, str]:
        return {"labelSelector": self.selector} if self.selector else {}


def _number(version: str) -> int:
    """A resourceVersion as a number; Unreadable if it is none: nothing could be told by it."""
    number = natural(version)
    if number is None:
        raise Unreadable("has a resourceVersion that is not a number")
    return number


def _next_size(size: int, length: int) -> int:
    """How many objects to ask for, after as many had so many bytes."""
    return max(1, min(2 * size, LAST_PAGE, size * PAGE_BYTES // (length + 1)))


async def _lines(chunks: AsyncIterator[bytes], longest: int = LONGEST_LINE) -> AsyncIterator[bytes]:
    """Split a byte stream into lines; one that is too long for any object is left out."""
    rest = bytearray()
    count, skipping = 0, False
    async for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *complete, rest = rest.split(b"\n")
            for line in complete[skipping:]:
                if line:
                    yield bytes(line)
                    count += 1
                    if count % BREATH == 0:
                        await asyncio.sleep(0)
            skipping = False
        if len(rest) > longest or skipping:
            if not skipping:
                log.error("a line of more than %d bytes in a watch is skipped", longest)
            rest.clear()
            skipping = True


known_to_threads(Bookmark, Failure)
