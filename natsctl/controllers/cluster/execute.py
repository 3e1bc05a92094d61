"""Carry out a plan's actions against the API server.

A step that will never work becomes a Failure, which the condition tells; what may work next time
(Transient, Conflict) is raised and retried by the actor.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api.types.status import to_json
from natsctl.controllers.cluster.reload import Progress, Reloader
from natsctl.controllers.cluster.token_writer import Refused, Running, TokenWriter
from natsctl.controllers.runtime.patience import reason_of
from natsctl.controllers.watch.stores import Stores
from natsctl.kube.client import FIELD_MANAGER, JSON_PATCH, Client
from natsctl.kube.errors import AlreadyExists, ApiError, Conflict, NotFound, Terminal
from natsctl.kube.resources import BY_KIND, PODS, ROLES, SECRETS, Resource
from natsctl.model import names
from natsctl.model.foreign import ANSWER, named, printable, quoted
from natsctl.plan.actions import (
    Action,
    AdoptServer,
    BindToken,
    CreateServer,
    DeleteObject,
    DeleteServer,
    Ensure,
    NoteProof,
    ReloadServer,
    RemoveToken,
    ReplaceServer,
    ResealServer,
    UpdateRoleStatus,
)
from natsctl.plan.proof import Held, first, keeping, read_by_servers
from natsctl.plan.service_accounts.seals import kept
from natsctl.plan.state import Desired, Failure, Refusal
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.model.objects import Object


AT_A_TIME = 16
"""Actions of one cluster at a time."""
QUOTA_FULL = "exceeded quota"
"""How the ResourceQuota admission plug-in puts it."""


_DROPPED = re.compile(r'(?:unknown|duplicate) field "(.*)"', re.DOTALL)


@attrs.frozen
class Outcome:
    """What came of a stage. `errors` are what may work next time, by what it is about."""

    done: tuple[Action, ...]
    failures: tuple[Failure, ...]
    failed: tuple[Action, ...] = ()
    errors: tuple[tuple[str, ApiError], ...] = ()
    refusals: Mapping[str, Refusal] = attrs.field(factory=dict)
    tried: Mapping[tuple[str, str], Refused | None] = attrs.field(factory=dict)

    @property
    def blocking(self) -> bool:
        """Whether what follows cannot work: no server starts without the config Secret."""
        return any(isinstance(a, Ensure) and a.standing.kind == "Secret" for a in self.failed)


@attrs.frozen
class Executor:
    """Writes for one cluster; what the replies tell goes into the stores."""

    client: Client
    stores: Stores
    desired: Desired
    reloader: Reloader
    sealing: bytes = attrs.field(default=b"", repr=False)
    running: Running = attrs.field(init=False, repr=False)

    @running.default
    def _running(self) -> Running:
        return Running(self.client, self.desired.target)

    async def run(self, stage: Sequence[Action]) -> Outcome:
        """Run the actions of one stage at the same time; all of them end before this returns.

        A thousand at the same time would only be rendered earlier, and keep everybody waiting.
        """
        places, errors = asyncio.Semaphore(AT_A_TIME), list[ApiError]()

        async def one(
            action: Action,
        ) -> Failure | Progress | Refusal | Refused | ApiError | None:
            async with places:
                if len(errors) >= AT_A_TIME:
                    return Progress.PENDING  # each of the rest would be tried for as long in vain
                try:
                    return await self._one(action)
                except ApiError as error:
                    errors.append(error)
                    return error

        found = await asyncio.gather(*map(one, stage), return_exceptions=True)
        bugs = [e for e in found if isinstance(e, BaseException) and not isinstance(e, ApiError)]
        if bugs:
            raise bugs[0]
        results = tuple(zip(stage, found, strict=True))
        return Outcome(
            done=tuple(a for a, f in results if f is None or f is Progress.DONE),
            failures=tuple(f for f in found if isinstance(f, Failure)),
            failed=tuple(a for a, f in results if isinstance(f, Failure | ApiError)),
            errors=tuple((_subject(a), f) for a, f in results if isinstance(f, ApiError)),
            refusals={
                a.uid: f
                for a, f in results
                if isinstance(a, ReloadServer) and isinstance(f, Refusal)
            },
            tried={
                a.key: f if isinstance(f, Refused) else None
                for a, f in results
                if isinstance(a, BindToken | RemoveToken) and not isinstance(f, ApiError)
            },
        )

    async def _one(self, action: Action) -> Failure | Progress | Refusal | Refused | None:
        try:
            match action:
                case ReloadServer():
                    return await self.reloader.reload(action)
                case BindToken():
                    return await self._bind_token(action)
                case RemoveToken():
                    return await self._remove_token(action)
                case UpdateRoleStatus():
                    await self._tell_role(action)
                    return None
                case Ensure():
                    return await self._ensure(action)
                case DeleteObject():
                    await self._delete(BY_KIND[action.kind], action.name, action.uid)
                    return None
                case CreateServer():
                    return await self._create_server(action)
                case AdoptServer() | ResealServer():
                    await self._adopt(action)
                    return None
                case NoteProof():
                    await self._note_proof(action)
                    return None
                case DeleteServer():
                    await self._delete(PODS, action.name, action.uid, action.grace)
                    return None
                case ReplaceServer():
                    return await self._replace(action)
        except Terminal as error:
            return Failure(_subject(action), reason_of(error), _said(error))

    @property
    def _tokens(self) -> TokenWriter:
        return TokenWriter(self.client, self.desired.target, self.sealing, self.running)

    async def _bind_token(self, action: BindToken) -> Refused | None:
        found = await self._tokens.bind(action.grant)
        if isinstance(found, Refused):
            return found
        self.stores.tokens.learn(kept(found))
        return None

    async def _remove_token(self, action: RemoveToken) -> Refused | None:
        refused = await self._tokens.remove(action)
        if refused is None:
            self.stores.tokens.forget(action.key, action.secret.metadata.uid)
        return refused

    async def _tell_role(self, action: UpdateRoleStatus) -> None:
        meta = action.role.metadata
        guard = {"resourceVersion": meta.resource_version}
        patch = {"metadata": guard, "status": to_json(action.status)}
        try:
            reply = await self.client.patch_status(ROLES, meta.namespace, meta.name, patch)
        except NotFound:
            return
        self._learn(ROLES, reply)

    async def _ensure(self, action: Ensure) -> Failure | None:
        standing = action.standing
        resource = BY_KIND[standing.kind]
        manifest = dict(standing.manifest)
        if action.present:
            await self._apply(resource, manifest)
            return None
        made = manifest
        if resource is SECRETS:
            made = _holding(manifest, first(manifest["data"]))
        try:
            self._learn(resource, await self.client.create(resource, made))
        except AlreadyExists:
            return await self._take_over(resource, manifest)
        return None

    async def _take_over(self, resource: Resource, manifest: dict[str, Any]) -> Failure | None:
        """An object of that name is there without our labels: ours, nobody's or somebody's."""
        meta = manifest["metadata"]
        live = await self.client.get(resource, meta["namespace"], meta["name"])
        if self._is_ours(live) or (live.metadata.controller is None and resource.kind == "Secret"):
            await self._apply(resource, manifest)
            return None
        return self._stranger(resource, live)

    async def _apply(self, resource: Resource, manifest: dict[str, Any]) -> None:
        """Apply over an object that exists; fields of ours that are named no more go away."""
        meta = manifest["metadata"]
        live = await self.client.raw(resource, meta["namespace"], meta["name"])
        patch = own_by_apply(live) + put_right(live, manifest)
        if patch:
            await self.client.patch(resource, meta["namespace"], meta["name"], patch, JSON_PATCH)
        guarded = manifest | {"metadata": meta | {"uid": live["metadata"]["uid"]}}
        if resource is SECRETS:
            guarded = _holding(guarded, keeping(live, read_by_servers(manifest["data"])))
        self._learn(resource, await self.client.apply(resource, guarded))

    async def _create_server(self, action: CreateServer) -> Failure | None:
        manifest = render_pod(self.desired.target, action.index)
        if action.held:
            notes = manifest["metadata"]["annotations"]
            notes[names.REVISION_ANNOTATION] = held(notes[names.REVISION_ANNOTATION])
        try:
            made, warnings = await self.client.create_checked(PODS, manifest)
        except AlreadyExists:
            return await self._claim_pod(action.name, manifest)
        self._learn(PODS, made)
        fields = dropped_fields(warnings)
        if fields:
            await self._note_dropped(made, fields)
        return None

    async def _note_dropped(self, made: Object, fields: str) -> None:
        """Note on a pod what it lacks, for the condition; nothing depends on it."""
        meta = made.metadata
        told = {"uid": meta.uid, "annotations": {names.DROPPED_ANNOTATION: fields}}
        with suppress(ApiError):
            reply = await self.client.patch(PODS, meta.namespace, meta.name, {"metadata": told})
            self._learn(PODS, reply)

    async def _claim_pod(self, name: str, manifest: dict[str, Any]) -> Failure | None:
        """A pod of that name is there, unseen: ours without its labels, ending, or a stranger's."""
        namespace = self.desired.target.namespace
        live = await self.client.get(PODS, namespace, name)
        if not self._is_ours(live):
            return self._stranger(PODS, live)
        if live.metadata.deletion_timestamp is not None:
            raise Conflict(409, "Terminating", f"pod {name} is still shutting down")
        labels = {"metadata": {"uid": live.metadata.uid, "labels": manifest["metadata"]["labels"]}}
        self._learn(PODS, await self.client.patch(PODS, namespace, name, labels))
        return None

    async def _adopt(self, action: AdoptServer | ResealServer) -> None:
        namespace = self.desired.target.namespace
        told = {names.REVISION_ANNOTATION: action.revision}
        patch = {"metadata": {"uid": action.uid, "annotations": told}}
        try:
            self._learn(PODS, await self.client.patch(PODS, namespace, action.name, patch))
        except (NotFound, Conflict):
            return  # gone, or another pod has its name by now

    async def _note_proof(self, action: NoteProof) -> None:
        namespace, told = self.desired.target.namespace, {names.PROVEN_ANNOTATION: action.content}
        patch = {"metadata": {"uid": action.uid, "annotations": told}}
        try:
            self._learn(SECRETS, await self.client.patch(SECRETS, namespace, action.name, patch))
        except (NotFound, Conflict):
            return  # gone, or another one by now: the next pass looks again

    async def _delete(
        self, resource: Resource, name: str, uid: str, grace: int | None = None
    ) -> None:
        namespace = self.desired.target.namespace
        try:
            left = await self.client.delete(resource, namespace, name, uid, grace)
        except (NotFound, Conflict):
            left = None  # gone, or another has its name by now: either way this one is no more
        if left is None:
            self.stores.of_kind(resource.kind).forget((namespace, name), uid)
        else:
            self._learn(resource, left)

    async def _replace(self, action: ReplaceServer) -> Failure | None:
        """Delete a pod, but only if the API server would take its successor."""
        refusal = await self._refusal(action)
        if refusal is None:
            await self._delete(PODS, action.name, action.uid)
        return refusal

    async def _refusal(self, action: ReplaceServer) -> Failure | None:
        """What the API server has against a server's successor; names are compared last.

        A full quota is nothing against it: it takes the place that gets free.
        """
        manifest = render_pod(self.desired.target, action.index)
        try:
            await self.client.create(PODS, manifest, dry_run=True)
        except AlreadyExists:
            return None
        except Terminal as error:
            if QUOTA_FULL in str(error):
                return None
            text = f"not restarted, because the API server refuses its successor: {_said(error)}"
            return Failure(f"pod {action.name}", reason_of(error), text)
        return None

    def _is_ours(self, live: Object) -> bool:
        controller = live.metadata.controller
        return controller is not None and controller.uid == self.desired.target.uid

    def _stranger(self, resource: Resource, live: Object) -> Failure:
        meta = live.metadata
        owner = meta.controller
        if owner is not None and owner.kind == names.KIND_CLUSTER and owner.name == self._name:
            raise Conflict(409, "Collecting", f"{resource.kind} {meta.name} is being collected")
        whose = (
            f"belongs to {named(owner.kind)} {named(owner.name)}" if owner else "is not natsctl's"
        )
        return Failure(
            f"{resource.kind} {meta.name}",
            "NotOurs",
            f"{whose} and is left alone, but NatsCluster {self._name} needs the name: "
            "delete or rename one of the two",
        )

    @property
    def _name(self) -> str:
        return self.desired.target.name

    def _learn(self, resource: Resource, reply: Object) -> None:
        self.stores.of_kind(resource.kind).learn(reply)


def _holding(manifest: dict[str, Any], held: Held) -> dict[str, Any]:
    """The config Secret with what it keeps, and the note of what was proven."""
    meta = manifest["metadata"]
    if held.proven is not None:
        noted = (meta.get("annotations") or {}) | {names.PROVEN_ANNOTATION: held.proven}
        meta = meta | {"annotations": noted}
    return manifest | {"metadata": meta, "data": held.data}


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


def put_right(live: dict[str, Any], manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """JSON patch for what an apply cannot mend: ports and selectors that others added to.

    An apply merges both, port by port and label by label; it removes nothing that is another
    manager's, and is refused where two ports then have one name.
    """
    wanted, found = manifest.get("spec") or {}, live.get("spec") or {}
    return _forgiven(live) + [
        {"op": "add", "path": f"/spec/{key}", "value": wanted[key]}
        for key in ("ports", "selector")
        if key in wanted and wanted[key] != found.get(key)
    ]


def _forgiven(live: dict[str, Any]) -> list[dict[str, Any]]:
    """JSON patch that takes back the note of a refused configuration: there is another one."""
    if names.REFUSED_ANNOTATION not in (live["metadata"].get("annotations") or {}):
        return []
    path = names.REFUSED_ANNOTATION.replace("/", "~1")
    return [{"op": "remove", "path": f"/metadata/annotations/{path}"}]


def dropped_fields(warnings: Sequence[str]) -> str:
    """The fields that the API server says it does not know, or has taken the last of only."""
    found = (match[1] for text in warnings if (match := _DROPPED.fullmatch(text)))
    return ", ".join(printable(field) for field in dict.fromkeys(found))


def _said(error: ApiError) -> str:
    """The API server's words, or those of a webhook that it repeats."""
    return quoted(str(error), ANSWER)


def _subject(action: Action) -> str:
    match action:
        case Ensure():
            return f"{action.standing.kind} {action.standing.name}"
        case DeleteObject():
            return f"{action.kind} {action.name}"
        case BindToken() | RemoveToken():
            return f"Secret {'/'.join(action.key)}"
        case UpdateRoleStatus():
            return f"NatsServiceRole {action.name}"
    return f"pod {action.name}"
