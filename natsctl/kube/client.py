"""Requests for single objects: bounded, retried where that is safe, fenced where it writes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_base, wait_random_exponential

from natsctl.kube import metrics
from natsctl.kube.decode import Unreadable, mapping, read, whole
from natsctl.kube.errors import ApiError, Terminal, Transient
from natsctl.kube.fence import Fence, unfenced
from natsctl.kube.pages import cut_page
from natsctl.kube.paths import namespace_of
from natsctl.kube.transport import READ_TIMEOUT, Transport
from natsctl.kube.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from natsctl.kube.fence import Permit
    from natsctl.kube.paths import ApiPath, Subresource
    from natsctl.kube.resources import Resource
    from natsctl.kube.transport import Response
    from natsctl.model.objects import Object

FIELD_MANAGER = "natsctl"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
IN_FLIGHT = 32
"""Calls at a time; half of them for one namespace alone."""
BUDGET = 12.0
"""Seconds that retries of one idempotent call may take."""


@attrs.frozen
class Client:
    """Reads and writes objects.

    `fence` is around every write, and raises Fenced when writing is no longer allowed. `gate`
    bounds the calls in flight, fairly between namespaces.
    """

    transport: Transport
    fence: Fence = unfenced
    gate: Turns = attrs.field(factory=lambda: Turns(IN_FLIGHT))

    def checked(self, check: Callable[[], None]) -> Client:
        """The same client, which looks whether it still may right before it sends any write.

        Not earlier: writes wait for their turn, and some are tried again.
        """

        @contextmanager
        def fence() -> Iterator[Permit | None]:
            check()
            with self.fence() as permit:
                yield permit

        return attrs.evolve(self, fence=fence)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        """Read one object."""
        body = await self._retried("GET", resource, resource.path(namespace, name))
        return _decode(resource, body)

    async def raw(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        """Read one object, whole."""
        body = await self._retried("GET", resource, resource.path(namespace, name))
        try:
            return whole(body)
        except Unreadable as error:
            raise _unreadable(error) from None

    async def create(
        self, resource: Resource, manifest: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        """Create one object.

        Retried like the rest: a try that was committed unseen makes the next one AlreadyExists,
        and whoever creates has to look into that anyway.
        """
        params = {"dryRun": "All"} if dry_run else {}
        return _decode(resource, (await self._create(resource, manifest, params)).body)

    async def create_checked(
        self, resource: Resource, manifest: Mapping[str, Any]
    ) -> tuple[Object, tuple[str, ...]]:
        """Create one object, and what the API server says of fields it does not know.

        It drops those and makes the rest: to be strict would keep from healing what ran until now.
        """
        reply = await self._create(resource, manifest, {"fieldValidation": "Warn"})
        return _decode(resource, reply.body), reply.warnings

    async def _create(
        self, resource: Resource, manifest: Mapping[str, Any], more: Mapping[str, str]
    ) -> Response:
        params = {"fieldManager": FIELD_MANAGER, **more}
        path = resource.path(manifest["metadata"].get("namespace"))
        body = msgspec.json.encode(manifest)
        async for attempt in self._retrying("POST"):
            with attempt:
                reply = await self._write("POST", resource, path, params, body)
        return reply

    async def submit(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        subresource: Subresource,
        body: Mapping[str, Any],
    ) -> dict[str, Any]:
        """POST to a part of an object what is answered and not kept; the whole answer."""
        path, encoded = resource.path(namespace, name, subresource), msgspec.json.encode(body)
        async for attempt in self._retrying("POST"):
            with attempt:
                reply = await self._write("POST", resource, path, {}, encoded)
        return _mapping(reply.body)

    async def apply(self, resource: Resource, manifest: Mapping[str, Any]) -> Object:
        """Server-side apply of one object; fields not named any more are given up."""
        meta = manifest["metadata"]
        path = resource.path(meta.get("namespace"), meta["name"])
        params = {"fieldManager": FIELD_MANAGER, "force": "true"}
        body = msgspec.json.encode(manifest)
        async for attempt in self._retrying("PATCH"):
            with attempt:
                reply = await self._write("PATCH", resource, path, params, body, APPLY)
        return _decode(resource, reply.body)

    async def patch_status(
        self, resource: Resource, namespace: str | None, name: str, patch: Mapping[str, Any]
    ) -> Object:
        """Merge patch of an object's status: lists are replaced whole.

        Half the API server's cost of an apply, and it also replaces a list that somebody else
        wrote in another shape.
        """
        params = {"fieldManager": FIELD_MANAGER}
        path = resource.path(namespace, name, "status")
        body = msgspec.json.encode(patch)
        async for attempt in self._retrying("PATCH"):
            with attempt:
                reply = await self._write("PATCH", resource, path, params, body, MERGE)
        return _decode(resource, reply.body)

    async def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        patch: Any,
        content_type: str = MERGE,
    ) -> Object:
        """Merge patch (or JSON patch) of one object."""
        params = {"fieldManager": FIELD_MANAGER}
        body = msgspec.json.encode(patch)
        path = resource.path(namespace, name)
        reply = await self._write("PATCH", resource, path, params, body, content_type)
        return _decode(resource, reply.body)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        uid: str,
        grace: int | None = None,
        version: str = "",
    ) -> Object | None:
        """Delete exactly the object with this uid; its last state, or None if it is gone.

        `version`: only if it is the same as at this resourceVersion.
        """
        options: dict[str, Any] = {"preconditions": {"uid": uid}}
        if version:
            options["preconditions"]["resourceVersion"] = version
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        path = resource.path(namespace, name)
        reply = await self._write("DELETE", resource, path, {}, msgspec.json.encode(options))
        return _decode(resource, reply.body) if _still_there(_mapping(reply.body)) else None

    async def try_to_delete(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """Only check that the API server would delete the object; an ApiError says why not."""
        options = {"preconditions": {"uid": uid}, "dryRun": ["All"]}
        path = resource.path(namespace, name)
        await self._write("DELETE", resource, path, {}, msgspec.json.encode(options))

    async def _retried(self, method: str, resource: Resource, path: ApiPath) -> bytes:
        async for attempt in self._retrying(method):
            with attempt:
                reply = await self._send(method, resource, path)
        return reply.body

    def _retrying(self, method: str) -> AsyncRetrying:
        """Try again what may work next time, for as long as the budget lasts."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BUDGET

        def count(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            code = str(getattr(error, "status", 0) or "<error>")
            metrics.RETRIES.labels(code, method, self.transport.host).inc()

        return AsyncRetrying(
            retry=retry_if_exception_type(Transient),
            wait=_Wait(),
            stop=lambda state: loop.time() + state.upcoming_sleep >= deadline,
            before_sleep=count,
            reraise=True,
        )

    async def _write(
        self,
        method: str,
        resource: Resource,
        path: ApiPath,
        params: Mapping[str, str],
        body: bytes,
        content_type: str = "application/json",
    ) -> Response:
        metrics.WRITES.labels(resource.kind, method).inc()
        return await self._send(method, resource, path, params, body, content_type, self.fence)

    async def _send(
        self,
        method: str,
        resource: Resource,
        path: ApiPath,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        fence: Fence = unfenced,
    ) -> Response:
        waiting = perf_counter()
        async with self.gate.turn(namespace_of(path)):
            host = self.transport.host
            metrics.GATE_SECONDS.labels(method, host).observe(perf_counter() - waiting)
            # The fence is here, not before the gate: waiting for that may outlast the lease.
            with fence() as permit, _counted(method, host) as count:
                reply = await self.transport.request(
                    method,
                    path,
                    params=params,
                    body=body,
                    content_type=content_type,
                    timeout=READ_TIMEOUT,
                    permit=permit,
                )
                count(reply.status)
        return reply


@contextmanager
def _counted(method: str, host: str) -> Iterator[Callable[[int], None]]:
    """Count one request by how it ended, and how long that took."""
    started, codes = perf_counter(), ["<error>"]
    try:
        yield lambda status: codes.append(str(status))
    except ApiError as error:
        codes.append(str(error.status or "<error>"))
        raise
    finally:
        metrics.REQUESTS.labels(codes[-1], method, host).inc()
        metrics.REQUEST_SECONDS.labels(method).observe(perf_counter() - started)


def _decode(resource: Resource, body: bytes) -> Object:
    try:
        item: Object = read(resource, body)
    except Unreadable as error:
        raise _unreadable(error) from None
    return item


def _mapping(body: bytes) -> dict[str, Any]:
    try:
        return mapping(body)
    except Unreadable as error:
        raise _unreadable(error) from None


def _unreadable(error: Unreadable) -> Terminal:
    """An answer that was a success and yet is of no use: asking again changes nothing."""
    return Terminal(0, "Unreadable", f"the API server's answer cannot be read: {error}")


def _still_there(reply: dict[str, Any]) -> bool:
    meta = reply.get("metadata")
    going = isinstance(meta, dict) and "deletionTimestamp" in meta
    return reply.get("kind") != "Status" and going


def items_of(body: bytes) -> tuple[msgspec.Raw, ...]:
    """The objects of a list, whatever is in them; Terminal if it is no list."""
    try:
        return cut_page(body).items or ()
    except Unreadable as error:
        raise _unreadable(error) from None


class _Wait(wait_base):
    """What the server asked for, else random and growing."""

    _random = wait_random_exponential(multiplier=0.2, max=5)

    def __call__(self, retry_state: Any) -> float:
        error = retry_state.outcome.exception()
        named = error.retry_after if isinstance(error, Transient) else None
        return named if named is not None else self._random(retry_state)
