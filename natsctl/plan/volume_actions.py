"""What a plan can ask for to replace a volume; the other actions are in `natsctl.plan.actions`."""

from __future__ import annotations

import attrs

from natsctl.plan.actions import Action, PodAction
from natsctl.plan.evidence import Evidence
from natsctl.plan.notices import Notice


@attrs.frozen
class NoteRenewals(Action):
    """Note on the config Secret which volume is being replaced."""

    name: str
    uid: str
    text: str

    @property
    def subject(self) -> str:
        """The Secret."""
        return f"Secret {self.name}"


@attrs.frozen
class GiveUpVolume(PodAction):
    """Stop a server whose volume is to be replaced, if no stream is on it alone.

    And if the API server would delete the claim, and take the next one and the next pod. `note` is
    written right after that.
    """

    index: int
    name: str
    uid: str
    claim: str
    claim_uid: str
    message: str
    note: NoteRenewals
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)

    @property
    def restart(self) -> str:
        """For a larger volume."""
        return "spec"

    @property
    def asked_server(self) -> str:
        """It is asked what it holds."""
        return self.uid


@attrs.frozen
class DeleteClaim(Action):
    """Delete a claim with its volume: its server has stopped, to get an empty one, or for good."""

    name: str
    uid: str
    resource_version: str
    message: str
    evidence: Evidence | None = attrs.field(default=None, eq=False)
    reason: str = "ReplacingVolume"
    """Of the event."""
    notices: tuple[Notice, ...] = attrs.field(default=(), eq=False)

    @property
    def subject(self) -> str:
        """The claim."""
        return f"PersistentVolumeClaim {self.name}"
