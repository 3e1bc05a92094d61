"""How a server's pod is reached, as the pod itself tells."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from natsctl.model.names import SERVER_CONTAINER

if TYPE_CHECKING:
    from natsctl.model.objects import ContainerStatus, Pod

ENDED: Final = ("Failed", "Succeeded")
"""Phases of a pod in which nothing runs any more, and nothing will."""


def has_address(pod: Pod) -> bool:
    """Whether the pod still has the address that it tells, if it tells one."""
    return bool(pod.status.pod_ip) and pod.status.phase not in ENDED


def is_silent(pod: Pod) -> bool:
    """Whether nobody is there to answer: the pod has ended, or its server does not run now.

    The address of a pod that ended may be somebody else's by now. Unknown is not silent.
    """
    mine = (it for it in pod.status.container_statuses or () if it.name == SERVER_CONTAINER)
    return pod.status.phase in ENDED or any(map(_is_down, mine))


def _is_down(status: ContainerStatus) -> bool:
    state = status.state
    return state is not None and bool(state.waiting or state.terminated) and not state.running


def address_of(pod: Pod) -> str:
    """Where the pod's server is asked; empty if nowhere, or at an address that cannot be a pod's.

    A pod has a routable address of its own, or that of its node. What this process itself, or
    something beside it, would answer at is none.
    """
    if is_silent(pod):
        return ""
    try:
        address = ipaddress.ip_address(pod.status.pod_ip or "")
    except ValueError:
        return ""
    plain = getattr(address, "ipv4_mapped", None) or address
    foreign = plain.is_loopback or plain.is_link_local or plain.is_multicast
    scoped = getattr(address, "scope_id", None) is not None
    return "" if foreign or scoped or plain.is_unspecified else str(address)
