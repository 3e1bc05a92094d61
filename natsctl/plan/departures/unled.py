"""Members beyond size that are away while nobody leads the meta group.

Without a leader nobody tells who the members are, but every server tells how many. So servers that
have a volume and did not leave empty are members, if the group has as many; the votes of those that
are away may be what it lacks. With their volumes, they come back as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.server_identity import claim_name, pod_name
from natsctl.model.words import listed
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.departures.note import departed_of
from natsctl.plan.jetstream import expected
from natsctl.plan.server_identity import of_others

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from natsctl.model.jetstream import Meta
    from natsctl.plan.context import Context
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import View

UNLED: Final = "the meta group has no leader"
UNCERTAIN: Final = (
    "{unled}, and natsctl cannot tell whether {pods} belong to it: to start them again, set "
    "spec.size to {size}"
)
GONE: Final = (
    "{unled}, and {pods}, which may belong to it, are gone with their volumes: restore {claims}, "
    "or set spec.size to {size}, and condition VolumesReady says how to continue"
)


def nobody_leads(it: Case) -> bool:
    """Whether no server knows a leader, in both looks; a silent one may be what others name."""
    metas = [tuple(_metas(view)) for view in it.views]
    return all(metas) and not any(meta.leader for told in metas for meta in told)


def all_belong(context: Context, it: Case, names: Collection[str]) -> bool:
    """Whether the group has so many members that these are some, beside all others known."""
    return all(size >= _known(context, names) for size in sizes(it))


def words_of(context: Context, it: Case, away: Mapping[int, str]) -> Iterator[str]:
    """Why it stays without a leader, and the way out; `away` may come back, by index."""
    cluster, names = context.desired.target.name, away.values()
    if away and not all_belong(context, it, names):
        pods = listed([pod_name(cluster, index) for index in sorted(away)])
        yield UNCERTAIN.format(unled=UNLED, pods=pods, size=max(away))
    gone, known = without_volumes(context), _known(context, names)
    if gone and any(size > known for size in sizes(it)):
        yield GONE.format(
            unled=UNLED,
            pods=listed([pod_name(cluster, index) for index in gone]),
            claims=listed([claim_name(cluster, index) for index in gone]),
            size=max(gone),
        )


def without_volumes(context: Context) -> list[int]:
    """Indexes of servers beyond size that have no claim, and of which nobody noted that they were
    empty."""
    volumes, departed = volumes_of(context), departed_of(context)
    if volumes is None or not volumes.known:
        return []
    away = of_others(volumes.note or {}, context.servers, context.size)
    return sorted(i for i in away if i not in departed and i not in volumes.others)


def _known(context: Context, names: Collection[str]) -> int:
    return len({*expected(context), *names, *departed_of(context).values()})


def sizes(it: Case) -> Iterator[int]:
    """How many members the group has, as each server says."""
    return (meta.size for view in it.views for meta in _metas(view))


def _metas(view: View) -> Iterator[Meta]:
    return (said.meta for said in view.answered.values() if said.meta is not None)
