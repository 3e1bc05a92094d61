"""Owned objects, such as Services and the config Secret, are written and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.handlers.handler import DONE, Handler, HandlerContext, Result
from natsctl.controllers.cluster.handlers.strangers import is_ours, not_labelled, not_ours
from natsctl.controllers.cluster.handlers.writes import delete
from natsctl.controllers.watch.owned import owned_resource, resource_of
from natsctl.kube.client import FIELD_MANAGER, JSON_PATCH
from natsctl.kube.errors import AlreadyExists
from natsctl.model import names
from natsctl.model.words import listed
from natsctl.plan.actions import DeleteObject, Ensure
from natsctl.plan.proof import ConfigContent, current_content, first_content, next_content
from natsctl.render.metadata import selector
from natsctl.render.objects.owned_objects import owned_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.model.objects import Object
    from natsctl.render.objects.owned_objects import OwnedKind

_NOTES: Final = (
    names.CLAIMS_ANNOTATION,
    names.CLAIMS_SEAL_ANNOTATION,
    names.DEPARTED_ANNOTATION,
    names.DEPARTED_VOLUMES_ANNOTATION,
    names.REPLACING_ANNOTATION,
)
"""Of the config Secret, which others than its builder write."""


async def _ensure(action: Ensure, context: HandlerContext) -> Result:
    entry = owned_kind(action.wanted.kind)
    resource, manifest = resource_of(entry), dict(action.wanted.manifest)
    if action.present and entry.holds_data:
        return await _label(entry, manifest, context)
    if action.present:
        return await _apply(entry, manifest, context)
    made = manifest
    if entry.is_config:
        made = _with_content(manifest, first_content(manifest["data"]))
    try:
        context.learn(resource, await context.client.create(resource, made))
    except AlreadyExists:
        return await _take_over(entry, manifest, context)
    return DONE


async def _take_over(entry: OwnedKind, manifest: dict[str, Any], context: HandlerContext) -> Result:
    """An object of that name is there without our labels: ours, nobody's or somebody's."""
    resource, meta, target = resource_of(entry), manifest["metadata"], context.desired.target
    live = await context.client.get(resource, meta["namespace"], meta["name"])
    if entry.holds_data:
        return _found(entry, live, context)
    free = live.metadata.controller is None and entry.taken_over
    if free or is_ours(live, target):
        return await _apply(entry, manifest, context)
    return not_ours(resource, live, target)


def _found(entry: OwnedKind, live: Object, context: HandlerContext) -> Result:
    """A claim of that name is there, unseen: the next pass looks what it is, if it is labelled."""
    resource, target = resource_of(entry), context.desired.target
    if selector(target.name).items() <= (live.metadata.labels or {}).items():
        context.learn(resource, live)
        return DONE
    return not_labelled(resource, live, target)


async def _label(entry: OwnedKind, manifest: dict[str, Any], context: HandlerContext) -> Result:
    """Write the metadata of an object that holds data; its spec stays, and owners of others'."""
    resource, meta, client = resource_of(entry), manifest["metadata"], context.client
    live = (await client.raw(resource, meta["namespace"], meta["name"]))["metadata"]
    owners = [o for o in live.get("ownerReferences") or () if o.get("kind") != names.KIND_CLUSTER]
    written = {key: meta[key] for key in ("labels", "annotations")}
    written["ownerReferences"] = [*owners, *meta.get("ownerReferences", ())]
    written |= {key: live[key] for key in ("uid", "resourceVersion")}
    reply = await client.patch(resource, meta["namespace"], meta["name"], {"metadata": written})
    context.learn(resource, reply)
    return DONE


async def _apply(entry: OwnedKind, manifest: dict[str, Any], context: HandlerContext) -> Result:
    """Apply over an object that exists; fields of ours that are named no more go away."""
    resource, meta, client = resource_of(entry), manifest["metadata"], context.client
    live = await client.raw(resource, meta["namespace"], meta["name"])
    patch = own_by_apply(live) + repair(live, manifest)
    if patch:
        await client.patch(resource, meta["namespace"], meta["name"], patch, JSON_PATCH)
    guarded = manifest | {"metadata": meta | {"uid": live["metadata"]["uid"]}}
    if entry.is_config:
        content = next_content(live, current_content(manifest["data"]))
        guarded = _with_content(_with_notes(guarded, live), content)
    context.learn(resource, await client.apply(resource, guarded))
    return DONE


def _with_content(manifest: dict[str, Any], content: ConfigContent) -> dict[str, Any]:
    """The config Secret with what it keeps, and the note of what was proven."""
    meta = manifest["metadata"]
    if content.proven is not None:
        noted = (meta.get("annotations") or {}) | {names.PROVEN_ANNOTATION: content.proven}
        meta = meta | {"annotations": noted}
    return manifest | {"metadata": meta, "data": content.data}


def _with_notes(manifest: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    """With what is noted of servers: an apply takes away what it does not name."""
    meta, there = manifest["metadata"], live["metadata"].get("annotations") or {}
    noted = {key: there[key] for key in _NOTES if key in there}
    return manifest | {"metadata": meta | {"annotations": {**meta["annotations"], **noted}}}


def own_by_apply(live: dict[str, Any]) -> list[dict[str, Any]]:
    """JSON patch that turns ownership from our POST into ownership by apply, if there is any.

    Fields set by a POST belong to the operation Update; an apply that no longer names them would
    leave them where they are.
    """
    meta = live["metadata"]
    entries = meta.get("managedFields") or []
    ours = [
        i
        for i, e in enumerate(entries)
        if e.get("manager") == FIELD_MANAGER
        and e.get("operation") == "Update"
        and not e.get("subresource")
    ]
    if not ours or any(
        e.get("manager") == FIELD_MANAGER and e.get("operation") == "Apply" for e in entries
    ):
        return []
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]}
    path = f"/metadata/managedFields/{ours[0]}/operation"
    return [guard, {"op": "replace", "path": path, "value": "Apply"}]


def repair(live: dict[str, Any], manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """JSON patch for what an apply cannot repair: ports and selectors that others added to.

    An apply merges both, port by port and label by label; it removes nothing that is another
    manager's, and is refused where two ports then have one name.
    """
    wanted, spec = manifest.get("spec") or {}, live.get("spec") or {}
    return _forgiven(live) + [
        {"op": "add", "path": f"/spec/{key}", "value": wanted[key]}
        for key in ("ports", "selector")
        if key in wanted and wanted[key] != spec.get(key)
    ]


def _forgiven(live: dict[str, Any]) -> list[dict[str, Any]]:
    """JSON patch that takes back the note of a refused configuration: there is another one."""
    if names.REFUSED_ANNOTATION not in (live["metadata"].get("annotations") or {}):
        return []
    path = names.REFUSED_ANNOTATION.replace("/", "~1")
    return [{"op": "remove", "path": f"/metadata/annotations/{path}"}]


async def _delete(action: DeleteObject, context: HandlerContext) -> Result:
    await delete(owned_resource(action.kind), action.name, action.uid, context)
    return DONE


def _ensured(done: Sequence[Ensure]) -> Iterator[Event]:
    made = [a.subject for a in done if not a.present]
    if made:
        yield Event("CreatedObjects", f"created {listed(made)}")
    updated = [a.subject for a in done if a.present]
    if updated:
        yield Event("UpdatedObjects", f"updated {listed(updated)}")


def _deleted(done: Sequence[DeleteObject]) -> Iterator[Event]:
    gone = listed([a.subject for a in done])
    yield Event("DeletedObjects", f"deleted {gone}: no longer in the spec")


ENSURE = Handler(Ensure, _ensure, _ensured)
DELETE = Handler(DeleteObject, _delete, _deleted)
