"""The claim that each server needs, what is there of it, and what all of them together mean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import attrs

from natsctl.model.foreign import plain, word
from natsctl.plan.claims.live import LiveClaim
from natsctl.plan.claims.memory import Memory
from natsctl.plan.claims.note import NEW, Note, Noted
from natsctl.plan.servers.identity import without
from natsctl.plan.state import OwnedObject

ALL: Final = "all"
"""Stands for the claims of all servers."""
INSTEAD: Final = "is there instead of a lost one and may be empty"
_DIGEST: Final = 10


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
    live: LiveClaim | None
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
    def what(self) -> str:
        """Kind and name, for messages."""
        return f"{self.wanted.kind} {self.name}"

    @property
    def size(self) -> str:
        """How much the spec wants: a quantity."""
        return str(self.wanted.manifest["spec"]["resources"]["requests"]["storage"])

    @property
    def loss(self) -> str:
        """What the server had, as notes tell it."""
        return self.noted.claim if self.noted else NEW

    @property
    def token(self) -> str:
        """What a user writes to have an empty volume instead; it says nothing of that one."""
        return f"{self.name}={self.loss}"

    @property
    def is_adopted(self) -> bool:
        """Whether what is there is noted to be this NatsCluster's, and not an earlier one's."""
        return self.live is not None and self.live.is_adopted

    @property
    def is_restored(self) -> bool:
        """Whether its user says that what the server had is on it."""
        return self.live is not None and self.live.is_restored

    @property
    def instead_of(self) -> str:
        """The lost volume that what is there is noted to be there instead of."""
        return self.live.instead_of if self.live is not None else ""

    @property
    def replaces(self) -> str:
        """The same, unless somebody says that the data is on it: it may be empty."""
        return "" if self.is_restored else self.instead_of

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
        return self.live is None or not self.starts or self.live.noted_data == self.data

    @property
    def held(self) -> bool:
        """Whether what is there is of no use."""
        return self.trouble is not None and self.trouble.holds


@attrs.frozen
class Volumes:
    """What is known of the volumes of a cluster.

    `claims` are those of servers from 1 to size, `others` beyond it, by index. Not `known`: they
    could not be read, so nothing is there and nothing is missing. `memory` has all notes. `left`
    are those of `others` on which nothing is stored that counts. `is_unsure`: what no note tells
    may have been there all the same. `is_leaving`: claims go with an earlier NatsCluster.
    """

    known: bool
    memory: Memory
    claims: tuple[ServerClaim, ...] = ()
    others: Mapping[int, LiveClaim] = attrs.field(factory=dict)
    left: frozenset[int] = frozenset()
    is_unsure: bool = False
    is_leaving: bool = False

    @property
    def note(self) -> Note | None:
        """What all notes tell together; None: somebody edited that of the Secret."""
        return self.memory.note

    @property
    def written(self) -> Note | None:
        """What that of the Secret tells; None: there is none that can be read."""
        return self.memory.written

    @property
    def token(self) -> str:
        """What a user writes to have lost volumes empty: it speaks of no other loss than this.

        Of one for itself; of several only if nothing is left of what the servers had, for all of
        them, and it stays the same until all are made and noted. Empty: nobody may say that.
        """
        lost = self.lost
        if lost and self.gives_all_up and len(self.claims) > 1:
            told = ",".join(claim.token for claim in self.claims)
            return f"{ALL}={hashlib.sha256(told.encode()).hexdigest()[:_DIGEST]}"
        return lost[0].token if len(lost) == 1 else ""

    @property
    def gives_all_up(self) -> bool:
        """Whether nothing is left of what the servers had, so that no empty volume can harm it.

        Servers beyond size may have some of it: they leave, or are to come back.
        """
        elsewhere = without(self.others, self.left)
        return not elsewhere and all(claim.is_renewed for claim in self.claims)

    @property
    def lost(self) -> tuple[ServerClaim, ...]:
        """Claims that are not there although they were, or may have been."""
        return tuple(claim for claim in self.claims if claim.lost)

    @property
    def is_new(self) -> bool:
        """Whether nothing is there that was noted, so that no volume can take anything away.

        As after all of them were restored from snapshots.
        """
        others = without(self.others, self.left).items()
        noted = any(self.memory.knows(index, it.uid) for index, it in others)
        return not noted and all(claim.is_renewed for claim in self.claims)

    def is_unproven(self, claim: ServerClaim) -> bool:
        """Whether it may be empty beside others with data, and nobody has noted that yet."""
        return claim.is_remade and not claim.instead_of and not claim.ran and not self.is_new

    def may_be_noted(self, claim: ServerClaim) -> bool:
        """Whether it is to be noted to be the server's. Once it is, it is one like any other.

        Of those that are all new, none before the last is there, or all but one could be that one.
        """
        if not claim.is_remade:
            return True
        return not self.lost if self.is_new else not self.is_unproven(claim)

    def is_lost_beyond(self, index: int) -> bool:
        """Whether what a server beyond size had is not there, or somebody made another one."""
        noted, live = (self.note or {}).get(index), self.others.get(index)
        if noted is None or live is None:
            return noted is not None
        known = self.memory.knows(index, live.uid) or live.is_restored
        return not known and (not self.is_new or bool(self.lost))

    @property
    def would_outvote(self) -> bool:
        """Whether new servers alone would be a majority, where too few are left of the others.

        Servers that never stored anything elect one of theirs then, and what the rest has is gone.
        """
        had = [claim for claim in self.claims if claim.live is not None or claim.lost]
        left = [claim for claim in had if claim.live is not None]
        new = len(self.claims) - len(had)
        return 2 * len(left) <= len(had) and 2 * new > len(self.claims) and bool(had)

    def obstacle(self, claim: ServerClaim) -> str:
        """Why its server cannot start now, or could not come back; empty: it can."""
        returns = not (claim.starts or claim.ran)
        empty = f"{claim.what} {INSTEAD}" if claim.replaces and not returns else ""
        return self.unprepared(claim) or empty

    def unprepared(self, claim: ServerClaim) -> str:
        """What has to be done about the claim itself before; empty: it is of use."""
        if claim.held and claim.trouble is not None:
            return claim.trouble.message
        if not self.known:
            unknown = f"it is not known yet whether {claim.what} exists"
            return claim.awaits if claim.noted else unknown
        if claim.live is None and self.would_outvote:
            return f"{claim.what} is not created while so many volumes are missing"
        if claim.live is None:
            return f"{claim.what} is being created"
        if not self.may_be_noted(claim):
            return f"{claim.what} {INSTEAD}, and is not noted yet"
        told = self.note is None or (claim.is_noted and claim.is_copied)
        if not told or not (self.note is None or claim.is_described):
            return f"{claim.what} is not yet noted on all claims and the Secret"
        return claim.awaits if claim.starts else ""
