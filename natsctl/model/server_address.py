"""How a server's pod is reached, as the pod itself tells."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from natsctl.model.objects import Pod


def address_of(pod: Pod) -> str:
    """The pod's address; empty if it has none, or one that cannot be a pod's.

    A pod has a routable address of its own, or that of its node. What this process itself, or
    something beside it, would answer at is none.
    """
    try:
        address = ipaddress.ip_address(pod.status.pod_ip or "")
    except ValueError:
        return ""
    plain = getattr(address, "ipv4_mapped", None) or address
    foreign = plain.is_loopback or plain.is_link_local or plain.is_multicast
    scoped = getattr(address, "scope_id", None) is not None
    return "" if foreign or scoped or plain.is_unspecified else str(address)
