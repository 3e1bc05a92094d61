"""What a step rests on after which streams may lack a copy: what was seen at one moment.

A plan is carried out some time after that, since other writes come first and may be slow. Whoever
carries out such a step looks at this right before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.plan.gates.looks import FRESH
from natsctl.plan.servers.server import run_id
from natsctl.plan.upgrade_path import is_running

if TYPE_CHECKING:
    from natsctl.model.objects import Pod

Run = tuple[object, ...]


@attrs.frozen
class Evidence:
    """`runs` are by pod uid: which run of each of these pods was judged, and how it was.

    `seen` is when the last server had answered in the later of two looks, in monotonic seconds.
    None: only pods were judged, of servers that do not run. `among` are the uids of all pods of the
    cluster, where one that came since may be the one that was taken for gone; None: it matters not.
    """

    runs: Mapping[str, Run]
    seen: float | None = None
    among: frozenset[str] | None = None

    def objection(self, pods: Iterable[Pod], now: float) -> str:
        """Why it no longer counts, always in the same words; empty: it does."""
        if self.seen is not None and not 0 <= now - self.seen <= FRESH:
            return f"the answers of the servers are older than {FRESH:.0f} seconds"
        there = {pod.metadata.uid: _run(pod) for pod in pods}
        came = self.among is not None and bool(there.keys() - self.among)
        if came or any(there.get(uid) != run for uid, run in self.runs.items()):
            return "a server has changed since the servers were asked"
        return ""


def evidence_of(
    pods: Iterable[Pod], seen: float | None = None, among: Iterable[Pod] | None = None
) -> Evidence:
    """That these pods are as they are now; with `among`, that no other one has come to those."""
    uids = None if among is None else frozenset(pod.metadata.uid for pod in among)
    return Evidence({pod.metadata.uid: _run(pod) for pod in pods}, seen, uids)


def _run(pod: Pod) -> Run:
    return *run_id(pod), is_running(pod), pod.metadata.deletion_timestamp is not None
