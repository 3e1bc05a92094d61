"""An API server in memory: a Transport that keeps objects by the rules of a real one.

In virtual time (mark a test with `looptime`). It knows what natsctl uses: get, lists in pages,
watches with initial events and bookmarks, create and its dry run, replace, merge and JSON patch,
server-side apply, the status subresource, optimistic concurrency, deletion with the uid as a
precondition, garbage collection. Names make uids, so that two runs of one story can be compared.
What goes wrong is a test's `plan`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import attrs
import msgspec

from natsctl.kube.client import APPLY, FIELD_MANAGER, JSON_PATCH
from natsctl.kube.errors import Transient
from natsctl.kube.fence import Permit
from natsctl.kube.transport import ANSWERED, PARTIAL, PARTIAL_LIST, READ_TIMEOUT, Response
from tests.unit.plan.claims.growing import CLASS
from tests.unit.simulated.clock import moment, stamp
from tests.unit.simulated.kept import check, dated, managed, same, specs, strip, validate
from tests.unit.simulated.patches import applied, json_patched, merged
from tests.unit.simulated.requests import (
    NEVER,
    Fate,
    Plan,
    Request,
    Where,
    lost_reply,
    refusal,
    understood,
    well,
)
from tests.unit.simulated.watches import Change, Window, bookmark, line

Json = dict[str, Any]
BOOKMARKS, COLLECTS, MOMENT = 60.0, 0.1, 1e-6
"""Seconds between bookmarks, between two objects that garbage collection takes, and those that are
too few to wait for: virtual time would not move."""
GRACE = 30


@attrs.define(repr=False)
class ApiServer:
    """Objects, and everything that happened to them."""

    objects: dict[Where, Json] = attrs.field(factory=dict)
    version: int = 100
    plan: Plan = well
    lag: float = 0.02
    """Seconds until a watch tells of a change."""
    streaming_lists: bool = True
    warnings: tuple[str, ...] = ()
    """What the API server says of fields of new objects."""
    pods_run: Callable[[Json], Json] | None = None
    """The status of a new pod, where no kubelet is simulated: it runs at once, and goes at once."""
    fixed: bool = False
    """No StorageClass can grow."""
    requests: list[Request] = attrs.field(factory=list)
    deletions: list[str] = attrs.field(factory=list)
    """What was deleted, with its uid, in order: by a request, or as garbage."""
    listeners: list[Callable[[Change], None]] = attrs.field(factory=list)
    host: str = "memory"
    _made: Counter[Where] = attrs.field(factory=Counter)
    _history: list[Change] = attrs.field(factory=list)
    _forgotten: int = 0
    _news: dict[str, asyncio.Event] = attrs.field(factory=lambda: defaultdict(asyncio.Event))
    _cuts: int = 0

    def copy(self) -> ApiServer:
        """The same objects in a new server, and what was deleted; it remembers nothing else."""
        return ApiServer(
            dict(self.objects),
            self.version,
            fixed=self.fixed,
            deletions=list(self.deletions),
            made=self._made.copy(),
            forgotten=self.version,
        )

    # What a Transport does.

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = READ_TIMEOUT,  # noqa: ASYNC109 - of Transport
        accept: str = "",
        permit: Permit | None = None,
        plan: Plan | None = None,
        **_: Any,
    ) -> Response:
        """One request, with a fate; what is given up here goes on over there."""
        seconds = permit.seconds if permit else timeout
        asked = understood(method, path, params, body, content_type, seconds)
        fate = (plan or self.plan)(asked)
        if asked.method != "GET":
            self.requests.append(asked)
        carried = asyncio.create_task(self._carry(asked, fate, accept, permit is not None))
        try:
            async with asyncio.timeout(seconds):
                answer = await asyncio.shield(carried)
        except TimeoutError:
            raise Transient(0, "ConnectionLost", "TimeoutError") from None
        finally:
            carried.add_done_callback(_heard)
        warnings = self.warnings if asked.method == "POST" else ()
        return Response(200, msgspec.json.encode(answer), warnings)

    async def _carry(self, asked: Request, fate: Fate, accept: str, permitted: bool) -> Any:
        """There, what the API server does, and back."""
        given_up = asked.seconds + 1
        if fate.there > asked.seconds or fate.work >= NEVER:  # the kernel gives up with the request
            await asyncio.sleep(given_up)
            raise lost_reply()
        await asyncio.sleep(fate.there)
        try:
            if fate.refused is not None:
                raise fate.refused
            if permitted and fate.work > asked.seconds * ANSWERED:
                raise refusal(504, "Timeout", "request did not complete within requested timeout")
            await asyncio.sleep(fate.work)
            answer = self._answer(asked, accept)
        finally:
            await asyncio.sleep(min(fate.back, given_up))
        if fate.lost is not None:
            raise fate.lost
        return answer

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str], silence: float, accept: str = ""
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A watch, with the fate that the plan has for it."""
        asked = understood("GET", path, params)
        fate = self.plan(asked)
        await asyncio.sleep(fate.there)
        if fate.refused is not None:
            raise fate.refused
        if "sendInitialEvents" in params and not self.streaming_lists:
            raise refusal(422, "Invalid", "sendInitialEvents is forbidden for watch")
        lines = self._lines(asked, Window(asked, accept == PARTIAL))
        try:
            yield lines
        finally:
            await lines.aclose()

    # What a test does.

    def add(self, item: Json) -> Json:
        """Store an object as somebody else would; what is there is replaced."""
        kind, meta = item["kind"], item["metadata"]
        where = (kind, meta.get("namespace", ""), meta["name"])
        live = self.objects.get(where)
        return self._put(where, live, item) if live else self._create(where, item, "somebody")

    def edit(self, where: Where, patch: Json) -> Json:
        """A merge patch, as a user writes it."""
        live = self.objects[where]
        return self._put(where, live, merged(live, patch))

    def delete(self, where: Where, grace: int | None = None) -> None:
        """As a user deletes it."""
        self._delete(where, {} if grace is None else {"gracePeriodSeconds": grace})

    def remove(self, where: Where) -> None:
        """The end of an object; garbage collection takes what it owned, one after the other."""
        gone = self._commit(where, None)
        self._collect_later(self._owned_by(gone["metadata"]["uid"]))

    def collect_orphans(self) -> None:
        """Have garbage collection go on, in a copy, with what owners that are gone left."""
        self._collect_later(tuple(self._orphans()))

    def _collect_later(self, orphans: Iterable[Where]) -> None:
        loop = asyncio.get_running_loop()
        for number, where in enumerate(orphans, 1):
            uid = self.objects[where]["metadata"]["uid"]
            loop.call_later(COLLECTS * number, self._collect, where, uid)

    def _collect(self, where: Where, uid: str) -> None:
        if where in self.objects and self.objects[where]["metadata"]["uid"] == uid:
            self._delete(where, {})

    def cut(self) -> None:
        """End all watches that run."""
        self._cuts += 1
        for kind in tuple(self._news):
            self._wake(kind)

    def forget_history(self) -> None:
        """Who was not told yet has to list anew."""
        self._forgotten = self.version
        self.cut()

    def of_kind(self, kind: str) -> list[Json]:
        """All objects of a kind, by namespace and name."""
        return [item for where, item in sorted(self.objects.items()) if where[0] == kind]

    # Reading.

    def _answer(self, asked: Request, accept: str) -> Any:
        match asked.method:
            case "GET" if asked.name:
                return self._there(asked.where)
            case "GET":
                return self._page(asked, partial=accept == PARTIAL_LIST)
            case "POST" if asked.part == "token":
                end = (moment() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
                return {
                    "status": {
                        "token": f"token-of-{asked.namespace}-{asked.name}",
                        "expirationTimestamp": end,
                    }
                }
            case "POST":
                validate(asked)
                return self._post(asked)
            case "PUT":
                validate(asked)
                return self._replace(asked)
            case "PATCH":
                return self._patch(asked)
        return self._delete(asked.where, asked.body or {}, dry=not asked.writes)

    def _there(self, where: Where) -> Json:
        if where not in self.objects:
            raise refusal(404, "NotFound", f"{where[0]} {where[2]} not found")
        return self.objects[where]

    def _page(self, asked: Request, *, partial: bool) -> Json:
        window = Window(asked, partial)
        items = [window.shown(o) for w, o in sorted(self.objects.items()) if window.has(w, o)]
        start = int(asked.params.get("continue", 0))
        end = start + int(asked.params.get("limit", len(items) or 1))
        meta: Json = {"resourceVersion": str(self.version)}
        if end < len(items):
            meta["continue"] = str(end)
        return {"metadata": meta, "items": items[start:end]}

    async def _lines(self, asked: Request, window: Window) -> AsyncGenerator[bytes, None]:
        """Initial events where they are asked for, then changes, and a bookmark every minute."""
        cuts = self._cuts
        ends = _now() + float(asked.params.get("timeoutSeconds", 300))
        position = int(asked.params.get("resourceVersion") or self.version)
        if "sendInitialEvents" in asked.params:
            for where, item in sorted(self.objects.items()):
                if window.has(where, item):
                    yield line("ADDED", window.shown(item))
            yield bookmark(position, initial_end=True)
        if position < self._forgotten:
            yield line("ERROR", {"kind": "Status", "code": 410, "message": "too old"})
            return
        while cuts == self._cuts and ends - _now() > MOMENT:
            changes = [c for c in self._history if c.version > position]
            for change in changes:
                if (told := window.event(change)) is not None:
                    yield told
                position = change.version
            if changes:  # more may have come meanwhile
                continue
            if not await self._wait(asked.kind, min(BOOKMARKS, ends - _now())):
                yield bookmark(self.version)

    async def _wait(self, kind: str, seconds: float) -> bool:
        """Until something changes; False if nothing did."""
        try:
            async with asyncio.timeout(seconds):
                await self._news[kind].wait()
        except TimeoutError:
            return False
        await asyncio.sleep(self.lag)
        return True

    # Writing.

    def _post(self, asked: Request) -> Json:
        if asked.where in self.objects:
            raise refusal(409, "AlreadyExists", f"{asked.kind} {asked.name} already exists")
        if not asked.writes:
            return strip(asked.body)
        return self._create(asked.where, asked.body, asked.params.get("fieldManager", ""))

    def _create(self, where: Where, item: Json, manager: str) -> Json:
        self._made[where] += 1
        item = strip(item)
        meta = item["metadata"] | {
            "uid": str(uuid5(NAMESPACE_OID, f"{'/'.join(where)} {self._made[where]}")),
            "creationTimestamp": stamp(),
            "managedFields": [managed(manager, "Update", item)],
        }
        if where[0] != "Event":
            meta["generation"] = 1
        if where[0] == "Pod":
            status = self.pods_run(meta) if self.pods_run else {"phase": "Pending"}
            item = {**item, "status": status}
        return self._commit(where, {**item, "metadata": meta})

    def _replace(self, asked: Request) -> Json:
        live = self._there(asked.where)
        check(live, asked.body["metadata"])
        return self._put(asked.where, live, asked.body)

    def _patch(self, asked: Request) -> Json:
        if asked.content_type == APPLY:
            return self._apply(asked)
        live = self._there(asked.where)
        if asked.content_type == JSON_PATCH:
            changed = json_patched(live, asked.body)
            if live["metadata"]["resourceVersion"] not in [
                o["value"] for o in asked.body if o["path"] == "/metadata/resourceVersion"
            ] and any(o["path"] == "/metadata/resourceVersion" for o in asked.body):
                raise refusal(409, "Conflict", "the object has been modified")
        else:
            check(live, asked.body.get("metadata") or {})
            changed = merged(live, asked.body)
        grows = asked.kind == "PersistentVolumeClaim" and specs(changed) != specs(live)
        if self.fixed and grows:
            raise refusal(403, "Forbidden", CLASS)
        if asked.part == "status":
            changed = {**live, "status": changed.get("status")}
        elif "status" in live:
            changed = {**changed, "status": live["status"]}
        return self._put(asked.where, live, changed)

    def _apply(self, asked: Request) -> Json:
        manager, sent = asked.params["fieldManager"], strip(asked.body)
        live = self.objects.get(asked.where)
        if live is None:
            if "uid" in asked.body["metadata"]:
                raise refusal(409, "Conflict", "uid mismatch: there is no such object")
            return self._create(asked.where, sent, manager)
        check(live, asked.body["metadata"])
        entries = live["metadata"].get("managedFields", [])
        own = [e for e in entries if (e["manager"], e["operation"]) == (manager, "Apply")]
        others = [e for e in entries if e not in own]
        changed = applied(live, sent, own[0]["fieldsV1"] if own else {})
        entry = managed(manager, "Apply", sent)
        if own and own[0]["fieldsV1"] == entry["fieldsV1"] and same(changed, live):
            entry = own[0]
        meta = {**changed["metadata"], "managedFields": [*others, entry]}
        return self._put(asked.where, live, {**changed, "metadata": meta})

    def _put(self, where: Where, live: Json, changed: Json) -> Json:
        """Keep a new version; what is the same is no new one."""
        before = live["metadata"]
        fixed = ("uid", "name", "namespace", "creationTimestamp", "generation", "resourceVersion")
        kept = {key: before[key] for key in fixed if key in before}
        meta = {"managedFields": before.get("managedFields", []), **changed["metadata"], **kept}
        changed = {**changed, "metadata": meta}
        if where[0] == "Secret" and changed.get("stringData"):
            changed = strip(changed)
        if changed == live:
            return live
        if specs(changed) != specs(live) and "generation" in kept:
            meta["generation"] = before["generation"] + 1
        if changed.get("data") != live.get("data"):
            told = {**managed(FIELD_MANAGER, "Update", {"data": changed.get("data")})}
            meta["managedFields"] = dated(meta["managedFields"], told)
        return self._commit(where, changed)

    def _delete(self, where: Where, options: Json, *, dry: bool = False) -> Json:
        live = self._there(where)
        uid = live["metadata"]["uid"]
        for key, wanted in (options.get("preconditions") or {}).items():
            if live["metadata"][key] != wanted:
                raise refusal(409, "Conflict", f"the {key} in the precondition is not {wanted}")
        if dry:
            return {"kind": "Status", "status": "Success"}
        if "deletionTimestamp" not in live["metadata"]:
            self.deletions.append(f"{'/'.join(where)} {uid}")
        if where[0] != "Pod":
            self.remove(where)
            return {"kind": "Status", "status": "Success"}
        usual = live["spec"].get("terminationGracePeriodSeconds", GRACE)
        grace = options.get("gracePeriodSeconds", usual)
        address = (live.get("status") or {}).get("podIP")
        if self.pods_run or not grace or not address:  # no kubelet has it
            self.remove(where)
            return live
        if "deletionTimestamp" in live["metadata"]:
            return live
        end = (moment() + timedelta(seconds=grace)).strftime("%Y-%m-%dT%H:%M:%SZ")
        meta = {"deletionTimestamp": end, "deletionGracePeriodSeconds": grace}
        return self._commit(where, {**live, "metadata": live["metadata"] | meta})

    def _owned_by(self, uid: str) -> Iterator[Where]:
        for where, item in list(self.objects.items()):
            owners = item["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == uid for owner in owners):
                yield where

    def _orphans(self) -> Iterator[Where]:
        there = {item["metadata"]["uid"] for item in self.objects.values()}
        for where, item in self.objects.items():
            owners = {owner["uid"] for owner in item["metadata"].get("ownerReferences") or ()}
            if owners and not owners & there:
                yield where

    def _commit(self, where: Where, after: Json | None) -> Json:
        self.version += 1
        before = self.objects.pop(where, None)
        if after is not None:
            meta = after["metadata"] | {"resourceVersion": str(self.version)}
            self.objects[where] = after = {**after, "metadata": meta}
        change = Change(self.version, where, before, after)
        self._history.append(change)
        self._wake(where[0])
        for listener in self.listeners:
            listener(change)
        result = after or before
        assert result is not None
        return result

    def _wake(self, kind: str) -> None:
        """Tell the watches of a kind; the others have nothing to do."""
        self._news.pop(kind, asyncio.Event()).set()


def _heard(carried: asyncio.Task[Any]) -> None:
    """Whether anybody waits for it or not."""
    if not carried.cancelled():
        carried.exception()


def _now() -> float:
    return asyncio.get_running_loop().time()
