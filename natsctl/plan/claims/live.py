"""A claim that is there: all that natsctl reads of it, and nobody reads it elsewhere.

Others may write on claims, too. It is told here as it stands; who believes it is another matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.model.objects import Object, OwnerReference, PersistentVolumeClaim
from natsctl.model.quantity import bytes_of
from natsctl.plan.claims.data import UNKNOWN, Data, read_data
from natsctl.plan.claims.note import beginning
from natsctl.plan.servers.identity import claims_among
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.objects import Meta

_BOUND, _LOST, _UNBOUND = "Bound", "Lost", "Pending"
_GROWS_AT_START: Final = "FileSystemResizePending"
_ERRORS: Final = ("ControllerResizeError", "NodeResizeError")
_GIVEN_UP: Final = ("Infeasible", "Failed")
"""How `allocatedResourceStatuses` end once storage cannot do it; Failed: before Kubernetes 1.31."""


@attrs.frozen
class LiveClaim:
    """`object` is what the API server has, `of` the uid of the NatsCluster that asks.

    `data` is what its data depends on; None: it does not say so, or not so that it can be read.
    """

    object: PersistentVolumeClaim
    of: str
    data: Data | None = None

    @property
    def name(self) -> str:
        """Object name."""
        return self.object.metadata.name

    @property
    def what(self) -> str:
        """Kind and name, for messages."""
        return f"{data_kind().kind} {self.name}"

    @property
    def uid(self) -> str:
        """Of this very claim: another one of the name has another."""
        return self.object.metadata.uid

    @property
    def is_going(self) -> bool:
        """Whether it is being deleted."""
        return self.object.metadata.deletion_timestamp is not None

    @property
    def stranger(self) -> OwnerReference | None:
        """Who else controls it, and so decides when it goes, with all that was known of it."""
        owner = self.object.metadata.controller
        return owner if owner is not None and owner.uid != self.of else None

    @property
    def is_free(self) -> bool:
        """Whether nobody but the NatsCluster controls it."""
        return self.stranger is None

    @property
    def is_adopted(self) -> bool:
        """Whether it is noted to be this very NatsCluster's, and not an earlier one's."""
        return self._annotation(names.CLUSTER_UID_ANNOTATION) == self.of

    @property
    def is_bound(self) -> bool:
        """Whether it has a volume."""
        return self.object.status.phase == _BOUND

    @property
    def is_lost(self) -> bool:
        """Whether it had a volume that is no more."""
        return self.object.status.phase == _LOST

    @property
    def is_unbound(self) -> bool:
        """Whether no volume was made for it yet."""
        return self.object.status.phase == _UNBOUND

    @property
    def capacity(self) -> str:
        """How much there is: a quantity, or empty."""
        capacity = self.object.status.capacity
        return capacity.storage if capacity is not None else ""

    @property
    def asked(self) -> int:
        """Bytes that it asks for."""
        return bytes_of(self.object.requested)

    @property
    def there(self) -> int:
        """Bytes of its volume."""
        return bytes_of(self.capacity)

    @property
    def room(self) -> int:
        """Bytes that count: while it grows, what is there; never more than was asked for.

        Some storage rounds up: that is no reason to restart servers for a higher limit.
        """
        return min(filter(None, (self.asked, self.there)), default=0)

    @property
    def grows(self) -> bool:
        """Whether it asks for more than there is."""
        return self.asked > self.there

    @property
    def grows_at_start(self) -> bool:
        """Whether only the file system still has to grow: it does so when a pod starts."""
        conditions = self.object.status.conditions or ()
        return any(it.type == _GROWS_AT_START and it.status == "True" for it in conditions)

    @property
    def growth_error(self) -> tuple[str, str] | None:
        """Why it does not grow: a reason, and what the storage says."""
        status = self.object.status
        for each in status.conditions or ():
            if each.type in _ERRORS and each.status == "True":
                return each.type, each.message or ""
        state = status.allocated_resource_statuses
        if state is not None and state.storage.endswith(_GIVEN_UP):
            return state.storage, ""
        return None

    @property
    def grown_at(self) -> str:
        """When natsctl last had it ask for more; empty: never."""
        return self._annotation(names.GROWN_ANNOTATION)

    @property
    def copy(self) -> str:
        """Its copy of the note of volumes; empty: none."""
        return self._annotation(names.CLAIMS_ANNOTATION)

    @property
    def seal(self) -> str:
        """The seal of that."""
        return self._annotation(names.CLAIMS_SEAL_ANNOTATION)

    @property
    def noted_data(self) -> str:
        """What it says of its data; empty: nothing, as those of an earlier natsctl."""
        return self._annotation(names.DATA_ANNOTATION)

    @property
    def is_taken_as_it_is(self) -> bool:
        """Whether its user says that its data is to be taken whatever it depends on."""
        return self.noted_data == UNKNOWN

    @property
    def is_garbled(self) -> bool:
        """Whether it says something of its data that nobody can read."""
        return self.data is None and self.noted_data not in ("", UNKNOWN)

    @property
    def garbled(self) -> str:
        """That nobody can read it, and the way out."""
        return (
            f"annotation {names.DATA_ANNOTATION} of {self.what}, which says what its data depends "
            "on, cannot be read: restore it, or remove it if the data is of this cluster"
        )

    @property
    def server_name(self) -> str | None:
        """The name of the server whose data it is."""
        return self.object.metadata.annotation(names.SERVER_NAME_ANNOTATION)

    @property
    def instead_of(self) -> str:
        """The lost volume that it is noted to be there instead of; empty: of none."""
        told = self._annotation(names.REPLACES_ANNOTATION)
        return named(told) if told else ""

    @property
    def is_restored(self) -> bool:
        """Whether somebody says of this very claim that the data of its server is on it.

        One that was restored has another uid than the one that it is a copy of, with all it says.
        """
        return self._annotation(names.RESTORED_ANNOTATION) == beginning(self.uid)

    @property
    def restored_word(self) -> str:
        """The annotation with which somebody says so."""
        return f"{names.RESTORED_ANNOTATION}={beginning(self.uid)}"

    def _annotation(self, key: str) -> str:
        return self.object.metadata.annotation(key) or ""


def claims_of(cluster: Meta, objects: Iterable[Object]) -> dict[int, LiveClaim]:
    """By the server's index. Most say the same of their data, which is read once."""
    claims = (each for each in objects if isinstance(each, PersistentVolumeClaim))
    found = {i: LiveClaim(it, cluster.uid) for i, it in claims_among(cluster.name, claims).items()}
    told = read_data(claim.noted_data for claim in found.values())
    return {i: attrs.evolve(it, data=told.get(it.noted_data)) for i, it in found.items()}
