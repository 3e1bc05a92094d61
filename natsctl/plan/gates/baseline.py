"""What was broken before a procedure began, and whom that does not hold up.

A baseline may be forged or outdated, and opens no more then: what is passed is safe to pass, by the
same looks, whenever it broke. Remembering only tells what has got worse meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model.jetstream import Storage
from natsctl.plan.gates.verdict import MAX_BASELINE, USUAL, Baseline, Block, Purpose, Why

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from natsctl.model.jetstream import Asset
    from natsctl.plan.gates.case import Case
    from natsctl.plan.gates.look import Told


def taken(found: Iterable[Block]) -> Baseline:
    """The baseline of what blocks while nobody is to go."""
    broken = [block for block in found if block.asset is not None and block.why in USUAL]
    first = sorted(broken, key=lambda block: block.place)[:MAX_BASELINE]
    return Baseline(frozenset(attrs.evolve(block, detail="") for block in first))


def lasting(before: Baseline, it: Case, found: Iterable[Block]) -> Baseline:
    """Without assets that have recovered, or are gone, by what blocks while nobody is to go.

    An asset that nobody tells of may be on a server that does not answer, or not all of it.
    """
    broken = {block.asset for block in found}
    if it.second.partial or it.expected - it.second.answered.keys():
        broken |= before.assets - it.second.groups.keys()
    return Baseline(frozenset(block for block in before.blocks if block.asset in broken))


def was_so(block: Block, before: Baseline) -> bool:
    """Whether it was so before.

    A server that is unhealthy names one of the assets that it complains of: any broken one will do.
    """
    if block.asset is None or block.why not in USUAL:
        return False
    unhealthy = block.why is Why.UNHEALTHY
    return block.asset in before.assets if unhealthy else block in before.blocks


def is_known(it: Case, block: Block, before: Baseline, broken: Container[Asset | None]) -> bool:
    """Whether it was so before, and the target may go in spite of it; `broken` is all that is."""
    asset = block.asset
    if asset is None or not was_so(block, before):
        return False
    return not _belongs(it, asset) or _has_nothing_to_lose(it, asset, broken)


def _belongs(it: Case, asset: Asset) -> bool:
    """One that has too many assets to tell all of them may be a member of any."""
    if any(it.target in view.partial for view in it.views):
        return True
    groups = (view.groups.get(asset) for view in it.views)
    return any(told is not None and it.target in told.members for told in groups)


def _has_nothing_to_lose(it: Case, asset: Asset, broken: Container[Asset | None]) -> bool:
    """Whether it is a consumer that no restart can harm, and that a restart may mend.

    Without a leader it has no quorum to lose, and its file outlives the restart. Messages are safe
    with its stream, which has to be well, and to keep them whatever consumers do.
    """
    stream = attrs.evolve(asset, consumer="")
    if not asset.consumer or it.purpose is not Purpose.RESTART:
        return False
    if stream in broken or any(view.partial for view in it.views):
        return False
    return all(
        _idle(view.groups.get(asset)) and _keeps_messages(view.groups.get(stream))
        for view in it.views
    )


def _idle(consumer: Told | None) -> bool:
    return consumer is not None and not consumer.leaders and consumer.storage is Storage.FILE


def _keeps_messages(stream: Told | None) -> bool:
    return stream is not None and bool(stream.leader) and not stream.settles_late
