"""What servers have stored their data under stays as it is.

Measured, 2.9.25 to 2.15.3: a server is a member of its cluster by a hash of its name, so one with
another name is one more member; what streams there are is stored under the name of the system
account; streams of a single server are not seen by a cluster, nor the other way around; and a
server does not start with another key, or starts without what it had (2.10.29). A spec that changes
any of that is refused as a whole, and the last one counts: servers that end come back as they were.
Names of servers no spec changes (`natsctl.api.checks.jetstream_servers`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from natsctl.api.problems import Problem, shown
from natsctl.api.types.jetstream import FEWEST_TO_REPLACE, replaces_volumes
from natsctl.model import names
from natsctl.plan.status.accepted_spec import accepted_with_streams
from natsctl.render.revision.data import (
    ENCRYPTION,
    ENCRYPTION_FIELDS,
    data_entries,
    identity_of,
    stored_entries,
    stored_key,
)
from natsctl.render.revision.revision import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.model.objects import Pod

_ADDED: Final = "is added, but what servers store is not encrypted; remove it"
_REMOVED: Final = "is removed, but what servers store is encrypted; put it back"
_ONLY_REPLACED: Final = (
    "or let natsctl replace all volumes, one at a time: set "
    "spec.jetstream.fileStore.resizePolicy to Replace, and spec.size to "
    f"{FEWEST_TO_REPLACE} or more"
)


def identity_problems(
    spec: NatsClusterSpec, before: ClusterStatus, pods: Iterable[Pod]
) -> tuple[Problem, ...]:
    """Why no server that may have data can be made for this spec; none: they can.

    What they have it under tell the last spec that was acted on, and the pods that there are.
    Whether they may have JetStream no more is the business of `without_streams`.
    """
    old, new = identity_of(accepted_with_streams(before)), identity_of(spec)
    encrypts, replaced = _encrypts(spec), replaces_volumes(spec.jetstream, spec.size)
    changed = _changed(old, new, same=bool(old.get(ENCRYPTION_FIELDS[0])) is encrypts)
    wanted = data_entries(spec)
    for pod in pods:
        stamp = pod.metadata.annotation(names.REVISION_ANNOTATION)
        same = bool(stored_key(stamp)) is encrypts
        changed |= _changed(stored_entries(stamp), wanted, same=same)
    if replaced:  # each volume keeps what it is encrypted with until it is replaced
        changed -= {ENCRYPTION, *ENCRYPTION_FIELDS}
    return tuple(_problem(path, spec, old.get(path)) for path in sorted(changed))


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], *, same: bool) -> set[str]:
    """Paths that differ; none if there was no data. `same`: both are encrypted, or neither is."""
    if not old or not new:
        return {STREAMS} if old else set()
    changed = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    return changed if same else changed.difference(ENCRYPTION_FIELDS) | {ENCRYPTION}


def _encrypts(spec: NatsClusterSpec) -> bool:
    return spec.jetstream is not None and spec.jetstream.encryption is not None


def _problem(path: str, spec: NatsClusterSpec, old: object) -> Problem:
    if path == ENCRYPTION:
        why = _ADDED if _encrypts(spec) else _REMOVED
        return Problem(f"spec.{path}", "", f"{why}, {_ONLY_REPLACED}")
    if path != STREAMS:
        back = f" to {shown(old)}" if isinstance(old, str) else ""
        else_ = _ONLY_REPLACED if path in ENCRYPTION_FIELDS else "or create another NatsCluster"
        message = (
            "cannot change while servers may store streams, which depend on it; set it "
            f"back{back}, {else_}"
        )
        return Problem(f"spec.{path}", "", message)
    message = (
        f"is {spec.size}, but a single server and a cluster do not see each other's streams; set "
        f"it back to {'2 or more' if spec.size == 1 else 1}, or create another NatsCluster; if you "
        "need none of the streams, remove spec.jetstream before you change the size"
    )
    return Problem("spec.size", str(spec.size), message)
