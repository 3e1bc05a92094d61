"""What is to be noted on each claim of what its data depends on.

Of servers that run, or are to start, what they have or will have. Of servers beyond size, some run,
and some come back to leave empty: then the release counts that may have written to the volume last,
as with any other server. The rest are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.version import ServerVersion, is_tag, number_of
from natsctl.plan.claims.data import Data, data_text, fields_of
from natsctl.plan.claims.keys import key_problem_of
from natsctl.plan.encryption.seal import in_present_form, key_seal_of, wanted_key_seal
from natsctl.plan.servers.identity import is_among, standing, without
from natsctl.plan.servers.releases import tag_of
from natsctl.render.config.jetstream import file_limit
from natsctl.render.revision.revision import STREAM_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from natsctl.api.version import Number
    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.claims.note import Note
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server
    from natsctl.render.inputs import ConfigInputs
    from natsctl.render.target import Target

_UNTOLD: Final = 10**9
"""Stands in the number of a release for a part that a tag does not tell."""
_PARTS: Final = 2


def data_of_others(
    context: Context, others: Mapping[int, LiveClaim], note: Note, returning: Collection[int]
) -> Callable[[int], str]:
    """The annotation of claims beyond size, by index; servers that are `returning` are to start."""
    wanted, goal = wanted_data(context, note), context.desired.target
    servers = {server.index: server for server in context.servers}
    gone = without(without(others, servers), returning)

    def told(index: int) -> str:
        server, claim = servers.get(index), others[index]
        odd = server is None and (claim.is_garbled or key_problem_of(context, index, claim))
        if odd or is_among(index, gone):
            return _resized(claim, wanted(index).size)
        return data_text(current_data(wanted(index), goal, server, claim.data))

    return told


def _resized(claim: LiveClaim, size: int) -> str:
    """What was stored by a server that is gone depends on what it did, but how many there are.

    A NatsCluster that takes the others back does not need it. What nobody can read stays.
    """
    data = claim.data
    return claim.noted_data if data is None else data_text(attrs.evolve(data, size=size))


def size_of(context: Context, note: Note) -> int:
    """The highest index of all servers that are, that are to be, or that left with what they had.

    Who is noted is not proven to have left empty.
    """
    return max(standing(context.servers, context.size) | note.keys())


def wanted_data(context: Context, note: Note) -> Callable[[int], Data]:
    """What data of each server, by its index, depends on, as the spec says now.

    Where a volume is not encrypted like that, as it was encrypted then.
    """
    target = context.desired.target
    limit = file_limit(target, target.spec.jetstream) if target.spec.jetstream is not None else 0
    own = Data(_told_by(target), size_of(context, note), _release(target.version), limit)

    def wanted(index: int) -> Data:
        known = target.earlier_of(index)
        return own if known is None else attrs.evolve(own, fields=_told_by(target.with_key(known)))

    return wanted


def _told_by(target: Target) -> dict[str, str]:
    key = wanted_key_seal(target.inputs)
    return fields_of(target.spec) | ({STREAM_KEY: str(key)} if key is not None else {})


def current_data(wanted: Data, goal: Target, server: Server | None, noted: Data | None) -> Data:
    """What is to be noted on the claim of a server that runs, or is to start.

    `goal` is what is wanted now. Until a server is ready, nobody knows whether it has written to
    the volume: the newer release and the higher limit of the two count.
    """
    before = noted or Data({}, 0)
    release = wanted.version if server is None else _made_for(server, goal.version)
    limit = wanted.limit
    if server is None or not server.ready or not release:
        release = max(release, before.version, key=_rank)
        limit = max(limit, before.limit)
    fields = _with_key(wanted, goal.inputs, server, before)
    return attrs.evolve(wanted, fields=fields, version=release, limit=limit, more=before.more)


def _with_key(
    wanted: Data, inputs: ConfigInputs, server: Server | None, noted: Data
) -> Mapping[str, str]:
    """The fields with the key of the data, as a pod tells it, or as a server will start with it.

    A pod that tells of none is not taken for one without: nobody knows who edited it.
    """
    key = (wanted.key if server is None else key_seal_of(server.pod)) or noted.key
    others = {path: text for path, text in wanted.fields.items() if path != STREAM_KEY}
    return others | ({STREAM_KEY: str(in_present_form(key, inputs))} if key is not None else {})


def _made_for(server: Server, wanted: ServerVersion) -> str:
    tag = tag_of(server.pod)
    if tag == wanted.text:
        return _release(wanted)
    return _release(ServerVersion.parse(tag)) if is_tag(tag) else ""


def _release(version: ServerVersion) -> str:
    """As far as it is known: `2.14.10`, `2.14`."""
    parts = [str(part) for part in version.number or () if part < _UNTOLD]
    return ".".join(parts) if len(parts) >= _PARTS else ""


def _rank(release: str) -> Number:
    return number_of(release) or (0, 0, 0)
