"""Servers that stopped come back without what they had in memory: not so many that they outvote it.

With streams on disk, all of them start at once, and with none of a stream in memory, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.plan.gates.in_memory import returning
from natsctl.plan.gates.verdict import Why
from natsctl.plan.gates.words import annotation
from natsctl.plan.jetstream import LAST, case_of, is_away, name_of
from natsctl.plan.notices import Notice, decided_otherwise
from natsctl.plan.overrides import overrides_with
from natsctl.plan.queries import JetStreamLook, Query, unanswered
from natsctl.plan.servers.server import Server, has_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.plan.context import Context

ASKED: Final = "the servers that run are asked first what they have in memory"
NO_COPIES: Final = (
    "its copies of streams in memory are lost: it starts once others have theirs again, because "
    "servers without them can outvote one that has them; to start it anyway, at the risk of "
    "losing these streams, annotate the cluster: {0}"
)
STARTS: Final = (
    "{0} starts without its copies of streams in memory, before others have theirs again"
)
_DIGEST: Final = 8
Coming = tuple[int, str]
"""Index and name of a pod that is to be made."""


@attrs.frozen
class Returns:
    """Which servers do not start yet, by the names of their pods, and why; what that rests on.

    `notices`, by the same names, are of those that start because somebody decided that.
    """

    held: Mapping[str, str] = attrs.field(factory=dict)
    queries: frozenset[Query] = frozenset()
    notices: Mapping[str, tuple[Notice, ...]] = attrs.field(factory=dict)


def without_copies(context: Context, coming: Sequence[Coming]) -> Returns:
    """What holds up some of these servers while others have streams in memory.

    Of a single one, while all others are ready, what is known is enough.
    """
    storing = [server for server in context.servers if has_store(server.pod)]
    if not coming or all(map(is_away, storing)):
        return Returns()
    queries: frozenset[Query] = frozenset((JetStreamLook(LAST),))
    several = len(coming) > 1 or not all(server.ready for server in storing)
    it = case_of(context)
    if several and (it is None or unanswered(queries, context.state)):
        return Returns({name: ASKED for _, name in coming}, queries)
    if it is None:
        return Returns()
    names = {context.desired.target.server_name(index): name for index, name in coming}
    going = returning(it, tuple(names), [name_of(s) for s in storing if _is_there(s)])
    found = [pod for name, pod in names.items() if name not in going]
    values = {pod: value_of(context, pod) for pod in found}
    decided = {pod for pod in found if Why.MEMORY in overrides_with(context, values[pod])}
    held = {
        pod: NO_COPIES.format(annotation(Why.MEMORY, value))
        for pod, value in values.items()
        if pod not in decided
    }
    told = {pod: (decided_otherwise(Why.MEMORY, STARTS.format(pod), pod),) for pod in decided}
    return Returns(held, queries if several or held else frozenset(), told)


def value_of(context: Context, pod: str) -> str:
    """What the annotation says: which pod, and beside which others, for which spec."""
    there = sorted(server.pod.metadata.uid for server in context.servers)
    told = f"{context.state.cluster.metadata.generation},{','.join(there)}"
    return f"{pod}.{hashlib.sha256(told.encode()).hexdigest()[:_DIGEST]}"


def _is_there(server: Server) -> bool:
    """Whether it runs, or is about to, as far as anybody knows."""
    return not (server.terminating or server.ended or server.pod_problem)
