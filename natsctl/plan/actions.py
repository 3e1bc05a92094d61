"""What a plan can ask for. Executing one is the business of `natsctl.operator`."""

from __future__ import annotations

import attrs

from natsctl.plan.snapshot import Standing


@attrs.frozen
class Ensure:
    """Make a Service or Secret what it should be. `present`: it exists and is ours."""

    standing: Standing
    present: bool


@attrs.frozen
class CreateServer:
    """Create the pod of one server."""

    index: int
    name: str


@attrs.frozen
class DeleteServer:
    """Delete a pod; its preStop hook is the lame duck. `grace` 0: nothing runs in it any more."""

    name: str
    uid: str
    reason: str
    message: str
    grace: int | None = None


@attrs.frozen
class ReplaceServer:
    """Delete a pod so that it comes back as the spec says, once its successor is acceptable."""

    index: int
    name: str
    uid: str
    message: str


Action = Ensure | CreateServer | DeleteServer | ReplaceServer


@attrs.frozen
class Plan:
    """What to do now.

    `stages` run one after the other, the actions within one at the same time. `observe` are the
    uids of pods to ask before anything else is decided. `again` is in seconds.
    """

    stages: tuple[tuple[Action, ...], ...] = ()
    observe: tuple[str, ...] = ()
    again: float | None = None
