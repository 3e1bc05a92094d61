"""Cables: a bridge in the control plane's namespace, one link to each node, and no way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed import namespaces, processes
from testbed.layout import BRIDGE_ADDRESS, DNS_ADDRESS, SERVICE_RANGE, Node, Testbed, TestbedError

if TYPE_CHECKING:
    from collections.abc import Sequence

BRIDGE = "nodes"
# Its own address: else it takes one of a link, and changes it when that link goes.
BRIDGE_MAC = "02:00:00:00:00:01"

CONTROL_PLANE = f"""
ip link add {BRIDGE} address {BRIDGE_MAC} type bridge
ip address add {BRIDGE_ADDRESS}/24 dev {BRIDGE}
ip link set {BRIDGE} up
ip route add {SERVICE_RANGE} dev {BRIDGE}
ip address add {DNS_ADDRESS}/32 dev lo
echo 1 > /proc/sys/net/ipv4/ip_forward
"""


def create(testbed: Testbed) -> None:
    """Give the control plane its bridge and the address of the cluster's DNS."""
    namespaces.run(testbed, namespaces.CONTROL_PLANE, CONTROL_PLANE)


def plug(node: Node, others: Sequence[Node]) -> None:
    """Connect a node, and route its pods from and to the other nodes.

    The control plane has no default route: what is not inside ends there, unreachable.
    """
    holder = processes.recorded(node.testbed, namespaces.holder(node.name))
    if holder is None:
        raise TestbedError(f"{node.name} has no namespaces")
    namespaces.run(
        node.testbed,
        namespaces.CONTROL_PLANE,
        f"""
        ip link add {node.link} type veth peer name eth0 netns {holder.pid}
        ip link set {node.link} master {BRIDGE} up
        ip route replace {node.pod_range} via {node.address}
        """,
    )
    routes = [f"ip route add {other.pod_range} via {other.address}" for other in others]
    namespaces.run(
        node.testbed,
        node.name,
        f"""
        ip address add {node.address}/24 dev eth0
        ip link set eth0 up
        ip route add default via {BRIDGE_ADDRESS}
        echo 1 > /proc/sys/net/ipv4/ip_forward
        """
        + "\n".join(routes),
    )


def unplug(node: Node) -> None:
    """Take away the node's link, if it has one."""
    namespaces.run(
        node.testbed, namespaces.CONTROL_PLANE, f"ip link delete {node.link} 2>/dev/null || true"
    )


def cut(node: Node) -> None:
    """Take the node off the network; its pods run on, alone."""
    _set_link(node, "down")


def heal(node: Node) -> None:
    """Bring the node back onto the network."""
    _set_link(node, "up")


def _set_link(node: Node, state: str) -> None:
    namespaces.run(node.testbed, namespaces.CONTROL_PLANE, f"ip link set {node.link} {state}")
