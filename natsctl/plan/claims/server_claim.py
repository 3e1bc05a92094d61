"""The claim that one server needs, what is there of it, and what that may hold."""

from __future__ import annotations

import attrs

from natsctl.model import names
from natsctl.model.foreign import named, plain, word
from natsctl.model.objects import PersistentVolumeClaim
from natsctl.plan.claims.data import noted_data
from natsctl.plan.claims.note import NEW, Noted, beginning
from natsctl.plan.state import OwnedObject


@attrs.frozen
class Trouble:
    """What needs a person's eye; `holds` a server back that is to start or to restart."""

    reason: str = attrs.field(converter=word)
    message: str = attrs.field(converter=plain)
    holds: bool = True


@attrs.frozen
class ServerClaim:
    """The claim that a server needs.

    `live` is what is there, `noted` what the server had, as all notes tell together. `is_noted`:
    the config Secret says that it has what is there; `is_known`: some note does. `lost`: it had
    one, or may have had one, that is not there. `data` is what is to be noted on it of its data;
    `starts`: no pod has it, or may have it. `ran`: its server surely ran, so that what is there is
    used. `is_copied`: all claims know of it. `given_up`: natsctl is replacing it with an empty one.
    `awaits`: what its server does not start without.
    """

    index: int
    wanted: OwnedObject
    live: PersistentVolumeClaim | None
    noted: Noted | None
    is_noted: bool = False
    is_known: bool = False
    is_copied: bool = False
    data: str = ""
    starts: bool = False
    ran: bool = False
    lost: bool = False
    given_up: bool = False
    awaits: str = ""
    trouble: Trouble | None = None

    @property
    def name(self) -> str:
        """Of the claim."""
        return self.wanted.name

    @property
    def token(self) -> str:
        """What a user writes to have an empty volume instead; it says nothing of that one."""
        return f"{self.name}={self.noted.claim if self.noted else NEW}"

    @property
    def mark(self) -> str:
        """The lost volume that what is there is noted to be there instead of."""
        told = self.live.metadata.annotation(names.REPLACES_ANNOTATION) if self.live else None
        return named(told) if told else ""

    @property
    def replaces(self) -> str:
        """The same, unless somebody says that the data is on it: it may be empty."""
        return "" if self.is_restored else self.mark

    @property
    def is_restored(self) -> bool:
        """Whether its user says that what the server had is on it."""
        return self.live is not None and is_restored(self.live)

    @property
    def is_remade(self) -> bool:
        """Whether it is another one than the server had. Whoever made it may have restored the
        data, or not: nothing tells."""
        other = self.noted is not None and not self.is_known
        return self.live is not None and other and not self.is_restored

    @property
    def is_renewed(self) -> bool:
        """Whether what the server had is not there: it is lost, or there is another one by now."""
        return self.lost or self.is_remade

    @property
    def is_described(self) -> bool:
        """Whether it says what its data will depend on, should its server start now."""
        return self.live is None or not self.starts or noted_data(self.live) == self.data

    @property
    def held(self) -> bool:
        """Whether what is there is of no use."""
        return self.trouble is not None and self.trouble.holds


def is_restored(live: PersistentVolumeClaim) -> bool:
    """Whether somebody says of this very claim that the data of its server is on it.

    One that was restored has another uid than the one that it is a copy of, with all it says.
    """
    return live.metadata.annotation(names.RESTORED_ANNOTATION) == beginning(live.metadata.uid)


def restored_word(live: PersistentVolumeClaim) -> str:
    """The annotation with which somebody says so."""
    return f"{names.RESTORED_ANNOTATION}={beginning(live.metadata.uid)}"
