"""What a pod was made from, and which of it has changed since.

A revision maps the path of each set field that reaches a server to a short hash of its value.
Fields at their default are left out, so neither key order nor a new default nor an upgrade of
the operator makes a difference.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import attrs

from natsctl.api.system_account import allows_system
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.model import limits
from natsctl.model.quantity import bytes_text
from natsctl.render.config.clients import has_token, mapped_types
from natsctl.render.config.gateways import gateway_name
from natsctl.render.config.jetstream import file_limit, is_standalone
from natsctl.render.config.routes import cluster_name, own_name
from natsctl.render.config.system_account import OLD_ACCOUNT, keeps_leaves_out
from natsctl.render.inputs import STREAM_KEY as STREAM_KEY
from natsctl.render.inputs import ConfigInputs, Former
from natsctl.render.revision.pod_inputs import reaching_fields, set_fields
from natsctl.render.revision.system_stamp import SystemStamp, system_stamp
from natsctl.render.target import Target

STREAMS: Final = "jetstream"
"""Whether servers store streams: with others, or alone, without a cluster around them."""
FILE_LIMIT: Final = f"{STREAMS}.fileStore.maxSize"
"""The bytes that come of it and of the volume's size."""
MEMORY_LIMIT: Final = f"{STREAMS}.memoryStore.maxSize"
"""The field; while servers keep a higher limit, that."""
ACCOUNT: Final = "auth"
"""The name of the account of the operator's user."""
USER: Final = "auth.system"
"""That user."""
TOKEN: Final = "auth.token"
"""Whether clients show a token, beside which there is no such user."""
CONNECTION_TYPES: Final = "auth.connectionTypes"
"""How users that certificates name may connect."""
CERTIFICATES: Final = "tls.certificates"
OPERATOR_JWT: Final = "operatorConfig.jwt"
"""A digest of the operator's JWT. Pods of an earlier natsctl do not tell which one they have."""
STORE_FILE: Final = f"{STREAMS}.file"
"""Which files of the Secret a server starts with, where these are not the first ones."""
SEALED: Final = (
    "auth.users",
    "auth.routes",
    "auth.gateways",
    CERTIFICATES,
    "routes",
    OPERATOR_JWT,
    STREAM_KEY,
)
"""Paths whose hashes are keyed with the operator's secret (plan/inputs/resolve.py)."""

HELD: Final = "held"
"""Not a field: differs from every revision, so that the pod takes up the configuration later."""

_LONGEST: Final = 64 * 2**10
"""Bytes of a pod's annotation that anybody may have edited."""
_VERSION: Final = "version"
# Not a field: tells later pods whether this one has the cluster's name, or its gateway's.
_NAMED: Final = "cluster.name"
# Nor this: the name of the other cluster that it has instead, as text: it outlives the spec's.
_JOINED: Final = "cluster.joined"
# Nor this: which user of the operator's it has, and where; the key of what is sealed.
_SYSTEM: Final = "system"
# Whether leaf nodes without a login are kept out.
LEAVES: Final = "auth.leafnodes"
_LATER: Final = frozenset({OPERATOR_JWT})
_ASKING: Final = frozenset(
    {"auth.clientsAuthFile", "auth.clientsAuthSecret", "auth.enableServiceAccounts"}
)
# Nor this: that the Go operator made it.
ADOPTED: Final = "takeover"
_MARKERS: Final = frozenset({_NAMED, _JOINED, _SYSTEM, ADOPTED})
_NONE: Final = Former()


def revision(target: Target) -> dict[str, str]:
    """Field path -> hash, for every set field that reaches a server process."""
    sealed = {path: digest for path, digest in target.inputs.sealed.items() if digest}
    plain = {path: hashed(value) for path, value in _reaching(target)}
    return plain | sealed | _joined(target) | {_SYSTEM: str(system_stamp(target))}


def running_named(annotations: Iterable[str | None]) -> bool | None:
    """Whether running servers have their cluster's name as their own, for `Target.named`.

    True if any has, False if some were made to go without, None if none of them says.
    """
    return _marked(annotations, _NAMED)


def running_joined(annotations: Iterable[str | None]) -> str | None:
    """The name of the other cluster that running servers have, for `Target.joined`."""
    joined = ((_parse(annotation) or {}).get(_JOINED) for annotation in annotations)
    return min((name for name in joined if name), default=None)


def stamp_of(annotation: str | None) -> SystemStamp:
    """What a pod's annotation tells of the operator's user, and of what sealed it."""
    return SystemStamp.parse((_parse(annotation) or {}).get(_SYSTEM))


def resealed(annotation: str, revision: Mapping[str, str]) -> str:
    """The annotation of a pod whose sealed entries mean the same as those of this revision."""
    kept = {k: v for k, v in (_parse(annotation) or {}).items() if k not in SEALED}
    stamp = attrs.evolve(stamp_of(annotation), seal=SystemStamp.parse(revision[_SYSTEM]).seal)
    sealed = {path: revision[path] for path in SEALED if path in revision}
    return _canonical(kept | sealed | {_SYSTEM: str(stamp)})


def is_comparable(annotation: str, inputs: ConfigInputs) -> bool:
    """Whether the seals of a pod tell if what is sealed is what is wanted; the first ones do not
    say what they are keyed with."""
    seal, former = stamp_of(annotation).seal, inputs.former
    if seal not in ("", former.seal):
        return seal == inputs.seal
    sealed = entries_of(annotation).keys() & inputs.sealed.keys()
    return seal == inputs.seal or sealed <= former.digests.keys()


def stores_streams(annotation: str | None) -> bool:
    """Whether a pod was made for a server that stores streams, and so with a volume."""
    return STREAMS in (_parse(annotation) or {})


def leaves_open(annotations: Iterable[str | None]) -> bool:
    """Whether running servers ask clients for a login, and let leaf nodes in without one.

    An earlier natsctl did not keep those out.
    """
    return all(
        revision is None or (LEAVES not in revision and not _ASKING.isdisjoint(revision))
        for revision in map(_parse, annotations)
    )


def _marked(annotations: Iterable[str | None], marker: str) -> bool | None:
    marks = {(_parse(annotation) or {}).get(marker) for annotation in annotations} - {None}
    return hashed(True) in marks if marks else None


def revision_text(revision: Mapping[str, str]) -> str:
    """A revision as the text of a pod's annotation."""
    return _canonical(revision)


def with_previous_config(annotation: str) -> str:
    """The annotation of a pod that starts with an earlier configuration than its revision's."""
    return _canonical({**(_parse(annotation) or {}), HELD: hashed(True)})


def adopted(revision: Mapping[str, str], label: str | None) -> dict[str, str]:
    """The revision of a pod that the Go operator made, for the version of its label."""
    return {**revision, _VERSION: hashed(label), ADOPTED: hashed(True)}


def noted(annotation: str | None, revision: Mapping[str, str]) -> str | None:
    """A pod's annotation with what an earlier natsctl did not write; None if nothing is lacking."""
    old = _parse(annotation)
    lacking = (
        {} if old is None else {p: revision[p] for p in _LATER if p in revision and p not in old}
    )
    return _canonical({**(old or {}), **lacking}) if lacking else None


def is_adopted(annotation: str | None) -> bool:
    """Whether a pod's annotation is one of those."""
    return _marked([annotation], ADOPTED) is True


def changed_fields(
    old_annotation: str | None,
    new: Mapping[str, str],
    version_label: str | None = None,
    former: Former = _NONE,
) -> tuple[str, ...]:
    """Paths that differ between a pod's annotation and a revision, the version first.

    `former` are the sealed entries of the revision as an earlier natsctl made them.
    Of a pod without a readable annotation only the version is compared, by its label.
    """
    old = _parse(old_annotation)
    if old is None:
        same = version_label is not None and hashed(version_label) == new.get(_VERSION)
        return () if same else (_VERSION,)
    paths = {*old, *new} - _MARKERS
    paths -= {path for path in _LATER if path not in old}
    differing = {path for path in paths if old.get(path) != new.get(path)}
    changed = (differing - _formerly_same(old, former)) | _user_changes(old, new)
    return tuple(sorted(changed, key=lambda path: (path != _VERSION, path)))


def _formerly_same(old: Mapping[str, str], former: Former) -> frozenset[str]:
    """Sealed entries that an earlier natsctl made of what is wanted now.

    The earliest did not tell what sealed them.
    """
    if SystemStamp.parse(old.get(_SYSTEM)).seal not in ("", former.seal):
        return frozenset()
    digests = former.digests.items()
    return frozenset(path for path, digest in digests if old.get(path) == digest)


def _user_changes(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """The user comes and goes by a reload; another name of its account takes a restart."""
    before, after = (SystemStamp.parse(given.get(_SYSTEM)) for given in (old, new))
    if before.account != after.account and OLD_ACCOUNT in (before.account, after.account):
        return {ACCOUNT}
    return set() if before.same_user(after) else {USER}


def _reaching(target: Target) -> Iterator[tuple[str, Any]]:
    yield _VERSION, target.version.text
    if target.version.knows_cluster_name:
        yield _NAMED, gateway_name(target.spec) or own_name(target)
    if types := mapped_types(target):
        yield CONNECTION_TYPES, list(types)
    if keeps_leaves_out(target):
        yield LEAVES, True
    if has_token(target) and allows_system(target.spec, target.version):
        yield TOKEN, True
    if jetstream := target.spec.jetstream:
        yield STREAMS, streams_entry(target.spec)
        yield FILE_LIMIT, file_limit(target, jetstream)
        if target.inputs.suffix:
            yield STORE_FILE, target.inputs.suffix
    yield from reaching_fields(target.spec)
    if kept := target.inputs.kept_memory:
        yield MEMORY_LIMIT, bytes_text(kept)


def _joined(target: Target) -> dict[str, str]:
    """The name of another cluster, if servers made for this target have it."""
    name = None if gateway_name(target.spec) or own_name(target) else cluster_name(target)
    return {} if name is None else {_JOINED: name}


def streams_entry(spec: NatsClusterSpec) -> str:
    """The value of `STREAMS`."""
    return "alone" if is_standalone(spec) else "together"


def entries_of(annotation: str | None) -> Mapping[str, str]:
    """Path -> hash, of a pod's annotation; empty if it cannot be read."""
    return _parse(annotation) or {}


def hashed(value: Any) -> str:
    """The hash of a value that an entry has."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()[:10]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_set_json)


def _set_json(item: Any) -> dict[str, Any]:
    return dict(set_fields(item))


@lru_cache(maxsize=16)  # each is asked for many times at once, and may be long
def _parse(annotation: str | None) -> Mapping[str, str] | None:
    try:
        digests = limits.load((annotation or "null").encode(), _LONGEST)
    except ValueError:
        return None
    if not isinstance(digests, dict):
        return None
    return {path: digest for path, digest in digests.items() if isinstance(digest, str)}
