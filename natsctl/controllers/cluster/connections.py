"""TLS contexts for the operator's own connections to servers."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import attrs

from natsctl.nats import system

if TYPE_CHECKING:
    from natsctl.plan.inputs.resolve import Trust


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
