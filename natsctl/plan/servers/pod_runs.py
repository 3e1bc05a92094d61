"""Whether the server of a pod ever ran: until then, its volume is as it was when it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.names import SERVER_CONTAINER
from natsctl.plan.servers.server import kubelet_ready

if TYPE_CHECKING:
    from natsctl.model.objects import ContainerStatus, Pod

NOT_STARTED: Final = ("", "Pending")
"""Phases of a pod of which some container never ran. Unknown is not among them."""


def has_run(pod: Pod) -> bool:
    """Whether its server ran at any time, or may have."""
    return surely_ran(pod) or pod.status.phase not in NOT_STARTED


def surely_ran(pod: Pod) -> bool:
    """Whether its server ran at any time; what the pod does not tell is not taken for that.

    A pod that the kubelet refuses has ended, and nothing of it ever ran.
    """
    statuses = pod.status.container_statuses or ()
    mine = (status for status in statuses if status.name == SERVER_CONTAINER)
    return kubelet_ready(pod) or any(map(_has_started, mine))


def _has_started(status: ContainerStatus) -> bool:
    states = (state for state in (status.state, status.last_state) if state is not None)
    return status.restart_count > 0 or any(s.running or s.terminated for s in states)
