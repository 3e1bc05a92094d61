"""Where the Lease object is kept, and what of it counts.

Whoever may write Leases may write anything into it that the API server takes.
"""

from __future__ import annotations

from typing import Any, Protocol

import attrs
import msgspec

from natsctl.kube.errors import Transient
from natsctl.kube.resources import LEASES
from natsctl.kube.transport import Response, Transport
from natsctl.model import limits
from natsctl.model.objects import Wire
from natsctl.model.struct_types import known_to_threads

_DEPTH = 200
"""Levels of a Lease that are read; what counts is in the second one."""


class Records(Protocol):
    """Where the Lease object is kept."""

    async def read(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - enforced below
        """The object; NotFound if there is none."""
        ...

    async def write(self, record: dict[str, Any], timeout: float) -> dict[str, Any]:  # noqa: ASYNC109
        """Create it (without resourceVersion) or replace it (with); Conflict if it changed."""
        ...


@attrs.frozen
class KubernetesRecords:
    """The Lease object in the API server."""

    transport: Transport
    namespace: str
    name: str

    async def read(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - passed on
        """GET it."""
        path = LEASES.path(self.namespace, self.name)
        return _mapping(await self.transport.request("GET", path, timeout=timeout))

    async def write(self, record: dict[str, Any], timeout: float) -> dict[str, Any]:  # noqa: ASYNC109
        """POST or PUT it."""
        record["metadata"] |= {"namespace": self.namespace, "name": self.name}
        exists = "resourceVersion" in record["metadata"]
        path = LEASES.path(self.namespace, self.name if exists else None)
        body = msgspec.json.encode(record)
        method = "PUT" if exists else "POST"
        return _mapping(await self.transport.request(method, path, body=body, timeout=timeout))


class _Meta(Wire, frozen=True):
    resource_version: str = ""


class _Spec(Wire, frozen=True, omit_defaults=True):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Record(Wire, frozen=True):
    metadata: _Meta = _Meta()
    spec: _Spec | None = None


def sound(record: dict[str, Any]) -> dict[str, Any]:
    """What counts of a Lease; Transient if it is none, as it may be one at the next look."""
    try:
        return _plain(msgspec.convert(record, _Record))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unreadable(error) from None


def _mapping(reply: Response) -> dict[str, Any]:
    try:
        try:
            return _plain(msgspec.json.decode(reply.body, type=_Record))
        except RecursionError:
            whole = limits.pruned(reply.body, _DEPTH, len(reply.body))
            return _plain(msgspec.json.decode(whole, type=_Record))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unreadable(error) from None


def _plain(record: _Record) -> dict[str, Any]:
    meta = record.metadata.resource_version
    plain: dict[str, Any] = {"metadata": {"resourceVersion": meta} if meta else {}}
    if record.spec is not None:
        plain["spec"] = msgspec.to_builtins(record.spec)
    return plain


def _unreadable(error: Exception) -> Transient:
    return Transient(0, "Unreadable", f"the answer is not a Lease: {error}")


known_to_threads(_Record)
