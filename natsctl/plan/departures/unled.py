"""Members beyond size that are away while nobody leads the meta group.

The votes of those that are away may be what it lacks. With their volumes, they come back as they
were. From 2.10.26 on, servers tell who the members are, and whoever all of them know is one. Before
that they only tell how many: so servers that have a volume and did not leave empty are members, if
the group has as many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.peers import peer_id
from natsctl.model.server_identity import claim_name, pod_name
from natsctl.model.words import listed
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.note import departed_of
from natsctl.plan.jetstream import expected
from natsctl.plan.servers.identity import of_others

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from natsctl.model.jetstream import Meta
    from natsctl.plan.context import Context
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import View

UNLED: Final = "the meta group has no leader"
UNCERTAIN: Final = (
    "{unled}, and natsctl cannot tell whether it includes {pods}: to start them again, set "
    "spec.size to {size}"
)
GONE: Final = (
    "{unled}, and it may include {pods}, whose volumes are gone: restore {claims}, or set "
    "spec.size to {size}, and condition VolumesReady says how to continue"
)


def nobody_leads(it: Case) -> bool:
    """Whether no server knows a leader, in both looks; a silent one may be what others name."""
    metas = [tuple(_metas(view)) for view in it.views]
    return all(metas) and not any(meta.leader for told in metas for meta in told)


def belonging(context: Context, it: Case, away: Mapping[int, str]) -> dict[int, str]:
    """Which of these servers surely belong to the group, by index."""
    known = _ids(it)
    if known is not None:
        sure = frozenset.intersection(*known)
        return {index: name for index, name in away.items() if peer_id(name) in sure}
    return dict(away) if _all_belong(context, it, away.values()) else {}


def words_of(context: Context, it: Case, away: Mapping[int, str]) -> Iterator[str]:
    """Why it stays without a leader, and the way out; `away` may come back, by index."""
    cluster, gone = context.desired.target.name, _possibly(context, it, without_volumes(context))
    unsure = [i for i in _possibly(context, it, away) if i not in belonging(context, it, away)]
    if unsure:
        pods = listed([pod_name(cluster, index) for index in unsure])
        yield UNCERTAIN.format(unled=UNLED, pods=pods, size=max(unsure))
    if gone and (_ids(it) is not None or _lacks_more(context, it, away.values())):
        yield GONE.format(
            unled=UNLED,
            pods=listed([pod_name(cluster, index) for index in gone]),
            claims=listed([claim_name(cluster, index) for index in gone]),
            size=max(gone),
        )


def _possibly(context: Context, it: Case, away: Iterable[int]) -> list[int]:
    """Which of these servers some server knows as members; all of them if not each server tells."""
    known = _ids(it)
    if known is None:
        return sorted(away)
    some, target = frozenset.union(*known), context.desired.target
    names = {index: target.server_name(index) for index in sorted(away)}
    return [index for index, name in names.items() if peer_id(name) in some]


def _ids(it: Case) -> list[frozenset[str]] | None:
    """Who belongs to the group as each server says, in each look; None if not each of them does."""
    told = [meta.ids for view in it.views for meta in _metas(view)]
    known = [ids for ids in told if ids is not None]
    return known if known and len(known) == len(told) else None


def _all_belong(context: Context, it: Case, names: Collection[str]) -> bool:
    """Whether the group has so many members that these are some, beside all others known."""
    return all(size >= _known(context, names) for size in sizes(it))


def _lacks_more(context: Context, it: Case, names: Collection[str]) -> bool:
    """Whether it has more members than these, beside all others known."""
    return any(size > _known(context, names) for size in sizes(it))


def without_volumes(context: Context) -> list[int]:
    """Indexes of servers beyond size whose claims are not there, or are other ones that may be
    empty, and of which nobody noted that they were empty."""
    volumes, departed = volumes_of(context), departed_of(context)
    if volumes is None or not volumes.known:
        return []
    away = of_others(volumes.note or {}, context.servers, context.size)
    return sorted(i for i in away if i not in departed and volumes.is_lost_beyond(i))


def _known(context: Context, names: Collection[str]) -> int:
    return len({*expected(context), *names, *departed_of(context).values()})


def sizes(it: Case) -> Iterator[int]:
    """How many members the group has, as each server says."""
    return (meta.size for view in it.views for meta in _metas(view))


def _metas(view: View) -> Iterator[Meta]:
    return (said.meta for said in view.answered.values() if said.meta is not None)
