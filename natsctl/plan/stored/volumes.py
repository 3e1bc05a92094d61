"""Volumes that a NatsCluster takes back have data, and a spec that this does not fit is refused.

Nothing is made for it, so nothing starts with an empty store next to data that it does not see.
What servers that run with their volumes depend on, their pods tell (`stored_identity`,
`upgrade_path`); those of servers that run without JetStream yet say nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.api.problems import Problem
from natsctl.api.types.jetstream import FileStore, JetStream
from natsctl.model.quantity import bytes_text
from natsctl.model.server_identity import claim_name
from natsctl.plan.claims.data import unfit
from natsctl.plan.servers.identity import has_server, servers_among
from natsctl.plan.servers.server import has_store
from natsctl.render.config.jetstream import most_file_limit, wanted_file_limit
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.version import ServerVersion
    from natsctl.model.objects import Pod
    from natsctl.plan.claims.data import Data
    from natsctl.plan.claims.stored import Stored

_MI: Final = 2**20


def volume_problems(
    cluster: str,
    spec: NatsClusterSpec,
    version: ServerVersion,
    pods: Collection[Pod],
    stored: Stored,
    share: int,
) -> tuple[Problem, ...]:
    """At most one of each field, as the first claim tells it that differs.

    `share` is what of a volume streams take by default.
    """
    if spec.jetstream is None:
        return ()
    running = {index for index, pod in servers_among(cluster, pods) if has_store(pod)}
    found: dict[str, Problem] = {}
    for index in sorted(stored.data.keys() - running):
        data, name = stored.data[index], f"{data_kind().kind} {claim_name(cluster, index)}"
        stood = has_server(data.size, index)
        if not stood:
            continue  # its server was removed
        for problem in unfit(name, data, spec, version):
            found.setdefault(problem.path, problem)
        if stored.earlier.get(index):
            for problem in _less(name, data, spec, share, stored.capacity(spec.size)):
                found.setdefault(problem.path, problem)
    return tuple(found[path] for path in sorted(found))


def _less(
    name: str, data: Data, spec: NatsClusterSpec, share: int, capacity: int
) -> Iterator[Problem]:
    """What an earlier NatsCluster had more of. Of this very one, servers and the status tell."""
    if spec.size < data.size:
        yield _fewer(name, spec.size, data.size)
    assert spec.jetstream is not None
    yield from _lower(name, data.limit, spec.jetstream, share, capacity)


def _lower(
    name: str, limit: int, jetstream: JetStream, share: int, capacity: int
) -> Iterator[Problem]:
    """Nobody knows how much there is before servers run. What no limit can be, none has to be."""
    wanted, most = (
        wanted_file_limit(jetstream, share, capacity),
        most_file_limit(jetstream, capacity),
    )
    least, rounded = min(limit, most), -(-limit // _MI) * _MI
    if wanted >= least:
        return
    given = (jetstream.file_store or FileStore()).max_size
    enough = bytes_text(rounded if rounded <= most else least)
    means = given or (f"not set, which means {bytes_text(wanted)}" if wanted else "not set")
    message = (
        f"is {means}, but servers could store more on {name}, and streams have no leader at the "
        f"limit; set it to {enough}, and lower it once all servers run"
    )
    yield Problem("spec.jetstream.fileStore.maxSize", given or "", message)


def _fewer(name: str, size: int, stored: int) -> Problem:
    message = (
        f"is {size}, but {name} is one of {stored} volumes whose servers stored streams together; "
        f"set it to {stored} or more, and remove servers afterwards"
    )
    return Problem("spec.size", str(size), message)
