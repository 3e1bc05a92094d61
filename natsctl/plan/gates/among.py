"""Which of several servers may go, each if it is the only one: what they have in common is judged
once.

Nearly all that blocks one server blocks the next one, too. Only what a server is a member of, and
what is said of it itself, may be another matter if it goes. So a pass over all servers costs as
much as there are members of groups, and not servers times groups.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model.jetstream import Asset
from natsctl.plan.gates import meta, servers
from natsctl.plan.gates.baseline import is_known, was_so
from natsctl.plan.gates.case import Case
from natsctl.plan.gates.gate import OF_BOTH, OF_GROUPS, blocks, is_gone
from natsctl.plan.gates.verdict import Baseline, Block, Why

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from natsctl.plan.gates.look import View

OF_OTHERS: Final = frozenset(
    (
        Why.UNREACHABLE,
        Why.JETSTREAM_OFF,
        Why.UNHEALTHY,
        Why.NO_ROUTE,
        Why.STORE_LIMIT,
        Why.META_LEADER,
        Why.META_REPLICA,
    )
)
"""What holds up everybody but the server that it is about."""


@attrs.frozen
class Among:
    """`it` is judged while nobody is to go. `may_go` says the same as `judge` of each target."""

    it: Case
    now: float
    before: Baseline | None = None

    def may_go(self, target: str, overrides: Collection[str] = ()) -> bool:
        """Whether nothing holds up this server."""
        it = self._own(target)
        if any(self._in_any_case(it, overrides)):
            return False
        left = [*self._by_itself(it)]
        broken = frozenset(block.asset for block in left)
        return all(
            block.why in overrides or (self.before and is_known(it, block, self.before, broken))
            for block in left
        )

    def _own(self, target: str) -> Case:
        """The case of one server, with the groups only that its going may change anything about.

        A consumer is judged beside its stream.
        """
        assets = {
            asset
            for view in self.it.views
            for told in view.of_server.get(target, ())
            for asset in (told.asset, attrs.evolve(told.asset, consumer=""))
        }
        first, second = (_only(view, assets) for view in self.it.views)
        return attrs.evolve(self.it, target=target, first=first, second=second)

    def _in_any_case(self, it: Case, overrides: Collection[str]) -> Iterator[bool]:
        """What blocks whoever goes, and neither is overridden nor was so before."""
        partial = any(it.target in view.partial for view in it.views)
        for why, found in (self._found if partial else self._new).items():
            if why is Why.LOOKS or why not in overrides:
                yield from (not self._may_change(it, block) for block in found)

    def _may_change(self, it: Case, block: Block) -> bool:
        """Whether it may be no block, or another one, if the target goes."""
        if any(block.asset in view.groups for view in it.views):
            return True
        if block.why is Why.NO_ROUTE and self._only_missed.get(block.server) == it.target:
            return True
        return block.server == it.target and block.why in OF_OTHERS

    def _by_itself(self, it: Case) -> Iterator[Block]:
        """All that blocks the target and may change with it."""
        for view in it.views:
            for predicate in OF_GROUPS:
                yield from (found for found in predicate(it, view) if not is_gone(it, found))
            yield from servers.unknown(it, view)
        for compare in OF_BOTH:
            yield from compare(it)
        for asset in it.first.groups.keys() | it.second.groups.keys():
            yield from (b for b in self._complaints.get(asset, ()) if b.server != it.target)
        if not it.standalone:
            yield from (b for votes in self._votes for b in votes.blocks(it.target))

    @cached_property
    def _found(self) -> Mapping[Why, list[Block]]:
        """What blocks while nobody is to go."""
        found = defaultdict[Why, list[Block]](list)
        for block in blocks(attrs.evolve(self.it, target=""), self.now):
            found[block.why].append(block)
        return found

    @cached_property
    def _new(self) -> Mapping[Why, list[Block]]:
        """The same, but for what was so before of assets that the target is no member of."""
        known = self.before or Baseline()
        found = self._found.items()
        return {why: [b for b in some if not was_so(b, known)] for why, some in found}

    @cached_property
    def _complaints(self) -> Mapping[Asset, list[Block]]:
        """What servers that are not healthy complain of."""
        found = defaultdict[Asset, list[Block]](list)
        for block in self._found.get(Why.UNHEALTHY, ()):
            if block.asset is not None:
                found[block.asset].append(block)
        return found

    @cached_property
    def _only_missed(self) -> Mapping[str, str]:
        """Servers that lack a route to a single other one in both looks: to which."""
        missed = defaultdict[str, set[str]](set)
        for view in self.it.views:
            for name, peers in servers.missed(self.it.others, view):
                missed[name] |= peers
        return {name: min(peers) for name, peers in missed.items() if len(peers) == 1}

    @cached_property
    def _votes(self) -> tuple[meta.Votes, ...]:
        return tuple(meta.votes(self.it.expected, view) for view in self.it.views)


def _only(view: View, assets: Iterable[Asset]) -> View:
    """A view with these groups only."""
    found = {asset: view.groups[asset] for asset in assets if asset in view.groups}
    return attrs.evolve(view, groups=found)
