"""From bytes of the API server to objects: one that cannot be read is told, and stops no other.

Tenants write what is in objects, up to what the API server stores: thousands of levels of lists,
megabytes of metadata. Nothing is parsed here that was not looked at before (`api.limits`).
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from natsctl.kube import metrics
from natsctl.model import limits
from natsctl.model.foreign import quoted
from natsctl.model.objects import Free, Meta, Object, Wire
from natsctl.model.struct_types import known_to_threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.kube.resources import Resource

log = logging.getLogger(__name__)

LONGEST_LINE: Final = 16 * 2**20
"""Bytes of one object; an API server stores less than two million, escaped six times as many."""

_RECURSES_WELL: Final = 200
"""Levels that every decoder takes."""
_LINE: Final = re.compile(rb'\s*\{\s*"type"\s*:\s*"([A-Z]+)"\s*,\s*"object"\s*:')


class Unreadable(Exception):
    """An object that cannot be read, and why; `stub` is its metadata alone, if that much can be."""

    def __init__(self, why: str, stub: Object | None = None) -> None:
        super().__init__(why)
        self.stub = stub


class Line(Wire, frozen=True):
    """One line of a watch: the object stays raw until the type is known."""

    type: str
    object: msgspec.Raw


class _Identity(Wire, frozen=True):
    """What says which object it is, of which version."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class _Head(Wire, frozen=True):
    metadata: _Identity


class _Parts(Wire, frozen=True):
    """What users write freely, apart from what Kubernetes checks."""

    metadata: Meta
    spec: msgspec.Raw = msgspec.Raw(b"null")
    status: msgspec.Raw = msgspec.Raw(b"null")


class _Claimed(Wire, frozen=True):
    """What counts of a status that is over a limit: whose cluster it is."""

    operator: str = ""


def line_of(raw: bytes) -> Line:
    """One line of a watch, whatever its object is; Unreadable if it is no such line."""
    try:
        return msgspec.json.decode(raw, type=Line)
    except (RecursionError, msgspec.MsgspecError, ValueError) as error:
        begin = _LINE.match(raw)
        if begin is None:
            raise Unreadable(f"this is not a line of a watch: {error}") from None
    whole = limits.pruned(raw[begin.end() :].rstrip()[:-1], _RECURSES_WELL)
    return Line(begin[1].decode(), msgspec.Raw(whole))


def read(resource: Resource, raw: bytes | msgspec.Raw) -> Any:
    """An object of this kind, as its projection; Unreadable if it cannot be one.

    Of kinds whose spec users write freely, a spec or status that cannot be read is left out, and
    the object says so.
    """
    head, why = None, "has no metadata that natsctl can read"
    data = bytes(raw)
    try:
        if issubclass(resource.projection, Free):
            return _named(_free(resource.projection, data))
        return _named(msgspec.json.decode(data, type=resource.projection))
    except RecursionError:
        why = f"is nested more than {limits.DEPTH} levels deep"
        data = limits.pruned(data)
    except (msgspec.MsgspecError, ValueError) as error:
        why = str(error)
    try:
        meta = msgspec.json.decode(data, type=_Head).metadata
        known = Meta(meta.name, meta.namespace, meta.uid, meta.resource_version)
        head = _named(resource.projection(metadata=known))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        head = None
    raise Unreadable(why, head)


def log_unreadable(resource: Resource, error: Unreadable) -> None:
    """Say that an object is left out: to whoever counts, and to whoever reads the log."""
    metrics.UNDECODABLE.labels(resource.kind).inc()
    which = "/".join(filter(None, error.stub.key)) if error.stub else "without a name"
    log.error("%s %s is ignored: %s", resource.kind, quoted(which), quoted(str(error)))


def readable(resource: Resource, items: Iterable[msgspec.Raw]) -> Iterator[Any]:
    """The objects among them that can be read; the others are told."""
    for raw in items:
        try:
            yield read(resource, raw)
        except Unreadable as error:
            log_unreadable(resource, error)


def mapping(raw: bytes) -> dict[str, Any]:
    """A whole object; Unreadable if it is none, or more than anybody needs."""
    try:
        limits.check(raw, LONGEST_LINE, limits.VALUES * 10)
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None


class _Entry(Wire, frozen=True):
    """`metadata.managedFields[]`."""

    manager: str | None = None
    operation: str | None = None
    subresource: str | None = None
    time: str | None = None
    fields_v1: dict[str, Any] | None = msgspec.field(name="fieldsV1", default=None)


class _Owned(Wire, frozen=True):
    """Metadata as whoever changes a live object goes by it."""

    uid: str
    resource_version: str
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    managed_fields: tuple[_Entry, ...] | None = None


class _Whole(Wire, frozen=True):
    metadata: _Owned
    data: dict[str, str] | None = None
    spec: dict[str, Any] | None = None


def whole(raw: bytes) -> dict[str, Any]:
    """A live object with all it has; Unreadable if what is gone by in it is something else."""
    live = mapping(raw)
    try:
        msgspec.convert(live, _Whole)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    return live


def _named(item: Object) -> Object:
    """The object, if its name and version are what the rest rests on.

    What an API server was only asked to try, or keeps no versions of, has none.
    """
    if not item.metadata.name:
        raise ValueError("has no name")
    if item.metadata.resource_version and not item.version:
        raise ValueError("has a resourceVersion that is not a number")
    return item


def _free(projection: type[Free], data: bytes) -> Free:
    """A NatsCluster or NatsServiceRole."""
    try:
        limits.check(data, values=limits.SPEC_VALUES)
        item = msgspec.json.decode(data, type=projection)
        return msgspec.structs.replace(item, unreadable="") if item.unreadable else item
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _part_by_part(projection, data)


def _part_by_part(projection: type[Free], data: bytes) -> Free:
    """The same for one that is over a limit as a whole: metadata counts with `managedFields`."""
    try:
        parts = msgspec.json.decode(data, type=_Parts)
    except RecursionError:
        data = limits.pruned(data, _RECURSES_WELL)
        parts = msgspec.json.decode(data, type=_Parts)
    spec, why = _part(parts.spec, limits.SPEC_VALUES)
    status, unknown = _part(parts.status, limits.STATUS_VALUES)
    if unknown:
        status = _claimed(parts.status)
    return projection(metadata=parts.metadata, spec=spec, status=status, unreadable=why)


def _claimed(raw: msgspec.Raw) -> dict[str, str]:
    try:
        return {"operator": msgspec.json.decode(raw, type=_Claimed).operator}
    except (msgspec.MsgspecError, ValueError):
        return {}


def _part(raw: msgspec.Raw, values: int) -> tuple[Any, str]:
    """What stands there, or why it cannot be read."""
    try:
        limits.check(bytes(raw), values=values)
        return msgspec.json.decode(raw), ""
    except limits.Refused as error:
        return None, str(error)
    except (msgspec.MsgspecError, ValueError) as error:
        return None, f"cannot be read: {error}"


known_to_threads(Line, _Head, _Whole, _Parts, _Claimed)
