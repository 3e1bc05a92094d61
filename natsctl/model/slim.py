"""What is kept of objects: what natsctl acts on, and of all else so little that nobody can fill it.

Who may write an object may put a megabyte into it, and write ten thousand of them. Texts that are
only ever compared are kept as their digests. `slim` is for what is there and `comparable` for
what should be: two that are the same stay the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from natsctl.model import bound_tokens, names
from natsctl.model.objects import (
    Amounts,
    ClaimResources,
    ClaimSpec,
    Container,
    ContainerState,
    ContainerStatus,
    Free,
    Meta,
    Namespace,
    Object,
    OwnerReference,
    PersistentVolumeClaim,
    Pod,
    PodCondition,
    PodDisruptionBudget,
    ResourceStatuses,
    Runs,
    Secret,
    Service,
    ValueFrom,
    Variable,
    Whole,
)
from natsctl.model.server_flags import overriding
from natsctl.model.store_files import suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_LABELS: Final = 16 * 1024
"""Characters of all labels of one Namespace that are read; nobody's have more who does not try."""
T = TypeVar("T", bound=Object)
V = TypeVar("V")

TEXT: Final = 256
"""Characters of a text that is kept as it is."""
SHORT: Final = 64
"""Characters of one that likely stands in many objects."""
WORDS: Final = 1024
"""Characters of what a kubelet or scheduler says: no more than that is repeated."""
OTHERS: Final = 4096
"""Characters of all labels, or annotations, that are not natsctl's own."""
OWN: Final = 12 * 1024
"""Characters of its own ones, and of a token: nobody's are longer who does not try."""
DATA: Final = 4 * 1024
"""Characters of the note of what data depends on."""
NOTE: Final = 24 * 1024
"""Characters of the note of volumes: that of 999 servers with names of an earlier NatsCluster."""
_PARTS: Final = ("spec", "data")
MOST: Final = 32
"""Owners, containers, conditions, ports or keys."""

_READ: Final = frozenset(
    {
        names.REVISION_ANNOTATION,
        names.APPLIED_ANNOTATION,
        names.CLAIMS_ANNOTATION,
        names.CLAIMS_SEAL_ANNOTATION,
        names.DEPARTED_ANNOTATION,
        names.DEPARTED_VOLUMES_ANNOTATION,
        names.REPLACING_ANNOTATION,
        names.GROWN_ANNOTATION,
        names.CLUSTER_UID_ANNOTATION,
        names.SERVER_NAME_ANNOTATION,
        names.DATA_ANNOTATION,
        names.NEW_VOLUME_ANNOTATION,
        names.KEY_ANNOTATION,
        names.REPLACES_ANNOTATION,
        names.RESTORED_ANNOTATION,
        names.PROVEN_ANNOTATION,
        names.OPERATOR_ANNOTATION,
        names.CONFIG_ANNOTATION,
        names.KUBELET_SYNCS_ANNOTATION,
        names.REFUSED_ANNOTATION,
        names.DROPPED_ANNOTATION,
        names.SCHEMA_REVISION_ANNOTATION,
        names.LABEL_APP,
        names.LABEL_CLUSTER,
        names.LABEL_CLUSTER_NAMESPACE,
        names.LABEL_VERSION,
        names.LABEL_K8S_MANAGED_BY,
        *bound_tokens.ANNOTATIONS,
    }
)
_CONTAINERS: Final = (names.SERVER_CONTAINER, names.RELOADER, names.BOOTCONFIG, names.METRICS)
_FILES: Final = (names.CONFIG_KEY, names.BOOT_KEY, names.JETSTREAM_KEY)
_CONDITIONS: Final = ("Ready", "PodScheduled")
_RESIZES: Final = (
    *("Resizing", "FileSystemResizePending"),
    *("ControllerResizeError", "NodeResizeError"),
)
_EVICTION: Final = "unhealthyPodEvictionPolicy"
_RUNS: Final = ContainerState(running=Runs())


def slim(item: T) -> T:
    """The same object, of bounded size; one that is small already stays as it is."""
    if isinstance(item, Namespace):
        return msgspec.structs.replace(item, metadata=_labelled(item.metadata))
    changes: dict[str, Any] = {"metadata": _meta(item.metadata)}
    if isinstance(item, Pod):
        node = item.spec.node_name
        containers = tuple(map(_server, item.spec.containers or ()))
        changes["spec"] = msgspec.structs.replace(
            item.spec, node_name=node and _brief(node), containers=tuple(filter(None, containers))
        )
        changes["status"] = _pod_status(item)
    elif isinstance(item, Free):
        changes["status"] = _common(item.status)
    elif isinstance(item, Secret):
        changes["data"] = _data(item)
    elif isinstance(item, PersistentVolumeClaim):
        changes["metadata"] = _claim_meta(item.metadata)
        changes["spec"], changes["status"] = _claim_spec(item), _claim_status(item)
    elif isinstance(item, Whole):
        changes["spec"], changes["data"] = _by_key(item.spec), _by_key(item.data)
    elif isinstance(item, Service):
        spec = item.spec
        ports = spec.ports and tuple(map(_shared, spec.ports[:MOST]))
        changes["spec"] = msgspec.structs.replace(
            spec, selector=_texts(spec.selector)[0], ports=ports
        )
    return msgspec.structs.replace(item, **changes)


def _shared(value: V) -> V:
    """One for all equal ones: thousands of objects have the same owners, labels and conditions."""
    first: V = _first_equal(value)
    return first


@lru_cache(maxsize=4096)
def _first_equal(value: Any) -> Any:
    return value


def _common(status: Any) -> Any:
    """A status, in whose conditions thousands of clusters say the same."""
    match status:
        case dict():
            return {key: _common(value) for key, value in status.items()}
        case list():
            return [_common(value) for value in status]
        case str() if len(status) <= SHORT:
            return _shared(status)
    return status


def comparable(manifest: Mapping[str, Any], live: Object) -> dict[str, Any]:
    """A manifest as it compares with what is kept of the live object.

    Of labels and annotations that were not all kept, those count that were.
    """
    meta = dict(manifest["metadata"])
    for kind in ("labels", "annotations"):
        given = {key: _brief(text, _limit(key)) for key, text in (meta.get(kind) or {}).items()}
        if live.metadata.cut:
            kept = getattr(live.metadata, kind) or {}
            given = {key: text for key, text in given.items() if key in kept}
        meta[kind] = given
    compared = {**manifest, "metadata": meta}
    if isinstance(live, Secret):
        compared["data"] = kept_data(manifest["data"])
    if isinstance(live, PersistentVolumeClaim):
        del compared["spec"]  # what is there stays as it was made, or grows
    if isinstance(live, Whole):
        compared |= {part: _by_key(manifest[part]) for part in _PARTS if part in manifest}
    if isinstance(live, PodDisruptionBudget) and _EVICTION not in (live.spec or {}):
        compared["spec"].pop(_EVICTION, None)  # Kubernetes 1.26 drops it
    return compared


def kept_data(data: Mapping[str, str]) -> dict[str, str]:
    """A configuration as it is kept: the same of what is there and of what was kept already."""
    return {key: _brief(text, _longest(key)) for key, text in data.items()}


def _longest(key: str) -> int:
    """Characters of it that are kept: what servers start JetStream with, tells what they had."""
    return TEXT if suffix_of(key.removeprefix("previous.")) is None else OWN


def _labelled(meta: Meta) -> Meta:
    """Name, version and labels: all of these or, if they are too long, none.

    A label that is left out would be taken for one that is not there.
    """
    labels = meta.labels or {}
    cut = meta.cut or sum(len(key) + len(text) for key, text in labels.items()) > LONGEST_LABELS
    return Meta(
        name=meta.name,
        resource_version=meta.resource_version,
        labels=None if cut else labels,
        cut=cut,
    )


def _meta(meta: Meta) -> Meta:
    labels, lost = _texts(meta.labels)
    annotations, more = _texts(meta.annotations)
    owners = meta.owner_references
    if owners is not None:
        ours = [o for o in owners if o.controller or o.kind == names.KIND_CLUSTER]
        owners = tuple([*ours, *(o for o in owners if o not in ours)][:4])
        owners = tuple(map(_owner, owners))
    cut = meta.cut or lost or more
    return msgspec.structs.replace(
        meta,
        namespace=_shared(meta.namespace),
        labels=labels,
        annotations=annotations,
        owner_references=owners,
        cut=cut,
    )


def _owner(given: OwnerReference) -> OwnerReference:
    name, uid = _brief(given.name), _brief(given.uid)
    return _shared(msgspec.structs.replace(given, kind=_brief(given.kind), name=name, uid=uid))


def _texts(given: Mapping[str, str] | None) -> tuple[dict[str, str] | None, bool]:
    """Those that are read as they are, and of the others what fits; whether some did not."""
    if given is None:
        return None, False
    own = {key: _brief(text, _limit(key)) for key, text in given.items() if key in _READ}
    left, kept = OTHERS, dict[str, str]()
    for key in sorted(given.keys() - own.keys()):
        text = _brief(given[key])
        left -= len(key) + len(text)
        if left < 0:
            return own | kept, True
        kept[key] = text
    kept |= own
    return {key: kept[key] for key in given}, False


def _limit(key: str) -> int:
    if key == names.CLAIMS_ANNOTATION:
        return NOTE
    return OWN if key in _READ else TEXT


def _brief(text: str, limit: int = TEXT) -> str:
    """The text, or if it is long a digest, which no text of base64 or of a label can be."""
    if len(text) <= SHORT:
        return _shared(text)
    if len(text) <= limit:
        return text
    return f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"


def _data(secret: Secret) -> dict[str, str] | None:
    """Tokens are read, and the block of JetStream; of the rest only the digest is compared."""
    given, tokens = secret.data, secret.metadata.name.endswith(names.BOUND_TOKEN_SUFFIX)
    if given is None:
        return None
    if not tokens:
        stores = (key for key in sorted(given) if suffix_of(key) is not None)
        ours = tuple(dict.fromkeys((*_FILES, *stores)))
        return kept_data({key: given[key] for key in _first(given, ours)})
    return {
        key: _brief(given[key], OWN if key in bound_tokens.KEYS else TEXT)
        for key in _first(given, bound_tokens.KEYS)
    }


def _server(given: Container) -> Container | None:
    """Of the server's container what its name follows from; of no other anything."""
    if given.name != names.SERVER_CONTAINER:
        return None
    env = tuple(
        variable
        if len(variable.value) <= TEXT
        else Variable(_brief(variable.name), value_from=ValueFrom())  # a name that nobody knows
        for variable in given.env or ()
        if len(variable.name) <= TEXT
    )
    renamed = any(True for _ in overriding(given.args or ()))
    return Container(given.name, ("",) if renamed else None, env[:MOST])


def _by_key(spec: Any) -> Any:
    """The parts of a spec; the long ones, each compared as a whole, as digests."""
    if not isinstance(spec, Mapping):
        return None
    parts = {}
    for key in _first(spec, ("podSelector", "policyTypes", "ingress", "egress")):
        encoded = msgspec.json.encode(spec[key], order="deterministic").decode()
        parts[key] = spec[key] if len(encoded) <= TEXT else _brief(encoded)
    return parts


def _first(given: Iterable[str], names: tuple[str, ...]) -> list[str]:
    """At most so many keys, those with these names among them."""
    ours = [key for key in names if key in given]
    return [*ours, *(key for key in sorted(given) if key not in ours and len(key) <= TEXT)][:MOST]


def _pod_status(pod: Pod) -> Any:
    status = pod.status
    return msgspec.structs.replace(
        status,
        phase=_brief(status.phase),
        pod_ip=status.pod_ip and _brief(status.pod_ip),
        reason=_shortened(status.reason),
        message=_shortened(status.message),
        conditions=_few(status.conditions, "type", _CONDITIONS, _condition),
        container_statuses=_few(status.container_statuses, "name", _CONTAINERS, _container),
        init_container_statuses=_few(
            status.init_container_statuses, "name", _CONTAINERS, _container
        ),
    )


def _claim_meta(meta: Meta) -> Meta:
    """Two notes may be long, of which all claims of a cluster have the first in common."""
    notes = {key: _brief(text) for key, text in (meta.annotations or {}).items()}
    for key, most in ((names.CLAIMS_ANNOTATION, NOTE), (names.DATA_ANNOTATION, DATA)):
        if meta.annotation(key) is not None:
            notes[key] = _note(_brief(meta.annotation(key) or "", most))
    return _meta(msgspec.structs.replace(meta, annotations=notes or None))


@lru_cache(maxsize=64)
def _note(text: str) -> str:
    return text


def _claim_spec(claim: PersistentVolumeClaim) -> ClaimSpec:
    spec = claim.spec
    return ClaimSpec(
        ClaimResources(Amounts(_brief(claim.requested))),
        spec.storage_class_name and _brief(spec.storage_class_name),
        spec.volume_name and _brief(spec.volume_name),
    )


def _claim_status(claim: PersistentVolumeClaim) -> Any:
    status, resizing = claim.status, claim.status.allocated_resource_statuses
    return msgspec.structs.replace(
        status,
        phase=_brief(status.phase),
        capacity=status.capacity and Amounts(_brief(status.capacity.storage)),
        allocated_resource_statuses=resizing and ResourceStatuses(_brief(resizing.storage)),
        conditions=_few(status.conditions, "type", _RESIZES, _condition),
    )


def _few(items: Any, by: str, wanted: tuple[str, ...], each: Any) -> Any:
    """Those that count first, in the order they were in, and as many of the others as may be."""
    if items is None:
        return None
    if len(items) > MOST:
        ours = [i for i in items if getattr(i, by) in wanted][:MOST]
        items = [*ours, *(i for i in items if getattr(i, by) not in wanted)][:MOST]
    return tuple(map(each, items))


def _condition(given: PodCondition) -> PodCondition:
    kept = msgspec.structs.replace(
        given,
        type=_brief(given.type),
        reason=_shortened(given.reason),
        message=_shortened(given.message),
    )
    return kept if kept.message or kept.reason else _shared(kept)


def _container(given: ContainerStatus) -> ContainerStatus:
    state, last = _state(given.state), _state(given.last_state)
    kept = msgspec.structs.replace(given, name=_brief(given.name), state=state, last_state=last)
    return _shared(kept) if state == _RUNS and last is None else kept


def _state(given: ContainerState | None) -> ContainerState | None:
    if given is None:
        return None
    waiting, ended = given.waiting, given.terminated
    if waiting is not None:
        waiting = msgspec.structs.replace(
            waiting, reason=_shortened(waiting.reason), message=_shortened(waiting.message)
        )
    if ended is not None:
        ended = msgspec.structs.replace(
            ended, reason=_shortened(ended.reason), message=_shortened(ended.message)
        )
    return ContainerState(waiting=waiting, running=given.running, terminated=ended)


def _shortened(text: str | None) -> Any:
    return text if text is None else text[:WORDS]
