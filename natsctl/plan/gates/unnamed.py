"""Names of members that a server tells by their ids: it has not heard of them since it started.

Otherwise a member that is away, such as one that left and has to be taken out, would be a stranger,
and look like one that the group has forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from natsctl.model.jetstream import Raft
from natsctl.model.peers import id_of_unnamed, peer_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from natsctl.model.jetstream import JetStreamReport
    from natsctl.plan.gates.look import Look

_R = TypeVar("_R", bound=Raft)


def with_names(looks: tuple[Look, Look], names: Callable[[], Iterable[str]]) -> tuple[Look, Look]:
    """The same looks; members that nobody with one of these names can be stay as they are."""
    unnamed = {told for look in looks for said in look.reports.values() for told in _ids(said)}
    if not unnamed:
        return looks
    by_id = {peer_id(name): name for name in names()}
    first, second = looks
    return _renamed(first, by_id), _renamed(second, by_id)


def _ids(said: JetStreamReport) -> Iterator[str]:
    rafts = (group.raft for group in said.groups.values())
    for raft in (said.meta, *rafts):
        for member in raft.replicas if raft is not None else ():
            if (told := id_of_unnamed(member.name)) is not None:
                yield told


def _renamed(look: Look, by_id: Mapping[str, str]) -> Look:
    reports = {
        name: _report(said, by_id) if any(_ids(said)) else said
        for name, said in look.reports.items()
    }
    return attrs.evolve(look, reports=reports)


def _report(said: JetStreamReport, by_id: Mapping[str, str]) -> JetStreamReport:
    groups = {
        asset: attrs.evolve(group, raft=_raft(group.raft, by_id))
        for asset, group in said.groups.items()
    }
    meta = said.meta and _raft(said.meta, by_id)
    return attrs.evolve(said, meta=meta, groups=groups)


def _raft(raft: _R, by_id: Mapping[str, str]) -> _R:
    members = tuple(
        attrs.evolve(it, name=by_id.get(id_of_unnamed(it.name) or "", it.name))
        for it in raft.replicas
    )
    return attrs.evolve(raft, replicas=members)
