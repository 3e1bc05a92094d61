"""How the operator connects to servers itself: TLS contexts, and through which of them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import attrs

from natsctl.model.server_address import address_of
from natsctl.nats import system
from natsctl.nats.session import Door
from natsctl.plan.servers.server import servers_of

if TYPE_CHECKING:
    from natsctl.plan.inputs.resolve import Trust
    from natsctl.plan.state import ClusterState


@attrs.frozen
class Contexts:
    """For the clients' port and for the monitoring port; None: not encrypted."""

    clients: ssl.SSLContext | None = None
    monitoring: ssl.SSLContext | None = None


def contexts(trust: Trust | None, before: Trust | None = None) -> Contexts:
    """Both are made from the clients' certificates: nats-server serves HTTPS with them too.

    Servers show the certificate they had `before` until they have reloaded.
    """
    if trust is None:
        return Contexts()
    trusted = [t.ca or t.cert for t in (trust, before) if t is not None]
    pem = b"\n".join(dict.fromkeys(filter(None, trusted)))
    made = system.context(pem or None, trust.cert or None, trust.key or None)
    return Contexts(made, made)


def doors(state: ClusterState) -> tuple[Door, ...]:
    """Servers that requests to the whole cluster can go through: all that are healthy."""
    return tuple(
        Door(address_of(server.pod), server.observation.server_id)
        for server in servers_of(state)
        if server.healthy and server.observation is not None
    )
