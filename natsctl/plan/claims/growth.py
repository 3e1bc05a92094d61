"""How far the volumes of a cluster are from the size that the spec asks for, and which is next.

One claim at a time asks for more, and the next one only once its volume has grown: what goes wrong
with storage goes wrong for one server. Only what is known to be this very NatsCluster's counts: a
claim that is lost, is being deleted, or belongs to somebody else neither grows nor is waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.types.jetstream import REPLACE
from natsctl.model.objects import PersistentVolumeClaim
from natsctl.model.quantity import bytes_text
from natsctl.plan.claims.renewal import policy_of
from natsctl.plan.claims.steps import Step, next_step
from natsctl.plan.claims.stored import bytes_of
from natsctl.plan.claims.volumes import BOUND, is_adopted, volumes_of
from natsctl.plan.growth_refused import GrowthRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from natsctl.plan.claims.server_claim import ServerClaim
    from natsctl.plan.claims.volumes import Volumes
    from natsctl.plan.context import Context

GROWING: Final = ("InPlace", REPLACE)
"""Policies with which claims ask for more; what becomes of one that cannot have it, differs."""
_ERRORS: Final = ("ControllerResizeError", "NodeResizeError")
_PENDING: Final = "FileSystemResizePending"
_GIVEN_UP: Final = ("Infeasible", "Failed")
"""How `allocatedResourceStatuses` end once storage cannot do it; Failed: before Kubernetes 1.31."""


@attrs.frozen
class Size:
    """Bytes of one volume: what the spec wants, what its claim asks for, and what is there."""

    index: int
    live: PersistentVolumeClaim
    size: str
    wanted: int
    asked: int
    there: int

    @property
    def name(self) -> str:
        """Of the claim."""
        return self.live.metadata.name

    @property
    def grows(self) -> bool:
        """Whether its claim asks for more than there is."""
        return self.asked > self.there

    @property
    def is_short(self) -> bool:
        """Whether the spec wants more than was asked for and is there."""
        return self.wanted > min(self.asked, self.there)

    @property
    def is_changeable(self) -> bool:
        """Whether its claim should ask for something else.

        For more; or, while it grows, for less than was asked for, as long as that is still more
        than there is: Kubernetes takes no less.
        """
        return self.asked < self.wanted or self.there < self.wanted < self.asked

    @property
    def pending(self) -> bool:
        """Whether only the file system still has to grow."""
        return any(
            c.type == _PENDING and c.status == "True" for c in self.live.status.conditions or ()
        )

    @property
    def error(self) -> tuple[str, str] | None:
        """Why the volume does not grow: a reason, and what the storage says."""
        status = self.live.status
        for each in status.conditions or ():
            if each.type in _ERRORS and each.status == "True":
                return each.type, each.message or ""
        state = status.allocated_resource_statuses
        if state is not None and state.storage.endswith(_GIVEN_UP):
            return state.storage, ""
        return None


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
        return min(min(size.asked, size.there) for size in self.sizes)


def growth_of(context: Context) -> Growth:
    """What there is to do; nothing where volumes are not to grow by themselves."""
    volumes = volumes_of(context)
    if volumes is None or not volumes.known or policy_of(context) not in GROWING:
        return Growth()
    sizes = tuple(_sizes(context, volumes))
    running = next((size for size in sizes if size.grows), None)
    candidates = sizes if running is None else (running,)
    due = next((size for size in candidates if size.is_changeable), None)
    if any(_is_to_be_taken(context, claim) for claim in volumes.claims):
        return Growth(sizes, running=running)
    step = next_step(context, (it.live for it in sizes)) if due is None and not running else None
    if step is not None:
        text = bytes_text(step.size)
        sizes = tuple(attrs.evolve(it, size=text, wanted=step.size) for it in sizes)
        due = next((size for size in sizes if size.is_changeable), None)
    if due is None:
        return Growth(sizes, running=running)
    refused = context.state.growths.get(due.live.metadata.uid)
    same = refused is not None and refused.words.size == due.wanted
    return Growth(sizes, due, running, refused if same else None, step)


def sizes_of(context: Context) -> tuple[Size, ...]:
    """Those of volumes that are there and all right, whatever is to become of them."""
    volumes = volumes_of(context)
    return tuple(_sizes(context, volumes)) if volumes is not None and volumes.known else ()


def wanted_size(claim: ServerClaim) -> int:
    """Bytes that the spec wants."""
    return bytes_of(_quantity(claim))


def _quantity(claim: ServerClaim) -> str:
    return str(claim.wanted.manifest["spec"]["resources"]["requests"]["storage"])


def _sizes(context: Context, volumes: Volumes) -> Iterator[Size]:
    """Of volumes that are there, are this cluster's and are all right."""
    for claim in volumes.claims:
        live = claim.live
        if live is None or claim.held or not claim.is_noted or not is_adopted(context, claim):
            continue
        size = _quantity(claim)
        capacity = live.status.capacity
        asked, there = bytes_of(live.requested), bytes_of(capacity.storage if capacity else "")
        if live.status.phase == BOUND and asked and there:
            yield Size(claim.index, live, size, bytes_of(size), asked, there)


def _is_to_be_taken(context: Context, claim: ServerClaim) -> bool:
    """Whether a claim will be this cluster's in a moment: it may be growing already."""
    return (
        claim.live is not None
        and not claim.held
        and not (claim.is_noted and is_adopted(context, claim))
    )
