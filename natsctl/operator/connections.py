"""TLS contexts for the operator's own connections to servers."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import attrs

from natsctl.servers import system

if TYPE_CHECKING:
    from natsctl.plan.sources import Trust


@attrs.frozen
class Contexts:
    """For the clients' port and for the monitoring port; None: not encrypted."""

    clients: ssl.SSLContext | None = None
    monitoring: ssl.SSLContext | None = None


def contexts(trust: Trust | None) -> Contexts:
    """Both are made from the clients' certificates: nats-server serves HTTPS with them too."""
    if trust is None:
        return Contexts()
    made = system.context(trust.ca, trust.cert, trust.key)
    return Contexts(made, made)
