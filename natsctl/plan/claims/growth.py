"""How far the volumes of a cluster are from the size that the spec asks for, and which is next.

One claim at a time asks for more, and the next one only once its volume has grown: what goes wrong
with storage goes wrong for one server. Only what is known to be this very NatsCluster's counts: a
claim that is lost, is being deleted, or belongs to somebody else neither grows nor is waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.types.jetstream import REPLACE, resize_policy
from natsctl.model.quantity import bytes_of, bytes_text
from natsctl.plan.claims.growth_steps import Step, next_step
from natsctl.plan.claims.live import LiveClaim
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.growth_refused import GrowthRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.server_claims import ServerClaim, Volumes
    from natsctl.plan.context import Context

GROWING: Final = ("InPlace", REPLACE)
"""Policies with which claims ask for more; what becomes of one that cannot have it, differs."""


@attrs.frozen
class Size:
    """A volume that is there and all right, and the size that it is to have, also in bytes."""

    index: int
    live: LiveClaim
    size: str
    wanted: int

    @property
    def name(self) -> str:
        """Of the claim."""
        return self.live.name

    @property
    def is_short(self) -> bool:
        """Whether the spec wants more than was asked for and is there."""
        return self.wanted > self.live.room

    @property
    def is_changeable(self) -> bool:
        """Whether its claim should ask for something else.

        For more; or, while it grows, for less than was asked for, as long as that is still more
        than there is: Kubernetes takes no less.
        """
        live = self.live
        return live.asked < self.wanted or live.there < self.wanted < live.asked


@attrs.frozen
class Growth:
    """What there is to do about the sizes of volumes.

    `next` is the volume whose claim is to ask for another size, `running` one that grows,
    `short` are all that the spec wants larger. `refused`: what the API server said to `next`.
    `step`: volumes are to grow by themselves, and `next` is the first that is to ask for it.
    """

    sizes: tuple[Size, ...] = ()
    next: Size | None = None
    running: Size | None = None
    refused: GrowthRefused | None = None
    step: Step | None = None

    @property
    def short(self) -> tuple[Size, ...]:
        """Volumes that the spec wants larger, by index."""
        return tuple(size for size in self.sizes if size.is_short)

    @property
    def is_wanted(self) -> bool:
        """Whether the spec waits for any of it; a growth that was given up may go on by itself."""
        return self.next is not None or bool(self.short)

    @property
    def least(self) -> int:
        """Bytes of the smallest volume: a spec that wants so many needs no growth."""
        return min(size.live.room for size in self.sizes)


def growth_of(context: Context) -> Growth:
    """What there is to do; nothing where volumes are not to grow by themselves."""
    volumes = volumes_of(context)
    if volumes is None or not volumes.known or policy_of(context) not in GROWING:
        return Growth()
    sizes = tuple(_sizes(volumes))
    running = next((size for size in sizes if size.live.grows), None)
    candidates = sizes if running is None else (running,)
    due = next((size for size in candidates if size.is_changeable), None)
    if any(_is_to_be_taken(claim) for claim in volumes.claims):
        return Growth(sizes, running=running)
    step = next_step(context, (it.live for it in sizes)) if due is None and not running else None
    if step is not None:
        text = bytes_text(step.size)
        sizes = tuple(attrs.evolve(it, size=text, wanted=step.size) for it in sizes)
        due = next((size for size in sizes if size.is_changeable), None)
    if due is None:
        return Growth(sizes, running=running)
    refused = context.state.growths.get(due.live.uid)
    same = refused is not None and refused.words.size == due.wanted
    return Growth(sizes, due, running, refused if same else None, step)


def sizes_of(context: Context) -> tuple[Size, ...]:
    """Those of volumes that are there and all right, whatever is to become of them."""
    volumes = volumes_of(context)
    return tuple(_sizes(volumes)) if volumes is not None and volumes.known else ()


def policy_of(context: Context) -> str:
    """What the spec says about volumes of another size."""
    jetstream = context.desired.target.spec.jetstream
    return resize_policy(jetstream) if jetstream is not None else ""


def _sizes(volumes: Volumes) -> Iterator[Size]:
    for claim in volumes.claims:
        live = claim.live
        if live is None or claim.held or not claim.is_noted or not live.is_adopted:
            continue
        if live.is_bound and live.asked and live.there:
            yield Size(claim.index, live, claim.size, bytes_of(claim.size))


def _is_to_be_taken(claim: ServerClaim) -> bool:
    """Whether a claim will be this cluster's in a moment: it may be growing already."""
    is_taken = claim.is_noted and claim.is_adopted
    return claim.live is not None and not claim.held and not is_taken
