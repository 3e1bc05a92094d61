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
from natsctl.model import names
from natsctl.plan.status.accepted_spec import accepted_with_streams
from natsctl.render.revision.data import data_entries, identity_of, stored_entries, stored_key
from natsctl.render.revision.revision import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.types.status import ClusterStatus
    from natsctl.api.version import ServerVersion
    from natsctl.model.objects import Pod

_KEY: Final = "jetstream.encryption.secret"
_OF_KEY: Final = frozenset({_KEY, "jetstream.encryption.key", "jetstream.encryption.cipher"})


def identity_problems(
    spec: NatsClusterSpec, version: ServerVersion, before: ClusterStatus, pods: Iterable[Pod]
) -> tuple[Problem, ...]:
    """Why no server that may have data can be made for this spec; none: they can.

    What they have it under tell the last spec that was acted on, and the pods that there are.
    """
    old = identity_of(accepted_with_streams(before))
    plain_is_read = version.at_least(2, 10)
    changed = _changed(old, identity_of(spec), encrypts=plain_is_read and not old.get(_KEY))
    wanted = data_entries(spec)
    for pod in pods:
        stamp = pod.metadata.annotation(names.REVISION_ANNOTATION)
        encrypts = plain_is_read and not stored_key(stamp)
        changed |= _changed(stored_entries(stamp), wanted, encrypts=encrypts)
    return tuple(_problem(path, spec, old.get(path)) for path in sorted(changed))


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], *, encrypts: bool) -> set[str]:
    """Paths that differ; none if there was no data.

    `encrypts`: there was no key before. Measured, from 2.10.29 on: a server reads what it wrote
    without one.
    """
    if not old or not new:
        return {STREAMS} if old else set()
    changed = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    return changed - _OF_KEY if encrypts else changed


def _problem(path: str, spec: NatsClusterSpec, old: object) -> Problem:
    if path != STREAMS:
        back = f" to {shown(old)}" if isinstance(old, str) else ""
        message = (
            "cannot change while servers may store streams, which depend on it; set it "
            f"back{back}, or create another NatsCluster"
        )
        return Problem(f"spec.{path}", "", message)
    if spec.jetstream is None:
        message = (
            "cannot be removed while servers may store streams; put it back, or delete the "
            "NatsCluster"
        )
        return Problem(f"spec.{STREAMS}", "", message)
    message = (
        f"is {spec.size}, but a single server and a cluster do not see each other's streams; set "
        f"it back to {'2 or more' if spec.size == 1 else 1}, or create another NatsCluster"
    )
    return Problem("spec.size", str(spec.size), message)
