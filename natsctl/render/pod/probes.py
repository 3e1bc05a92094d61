"""How the kubelet asks a server whether it started, is ready, and still lives."""

from typing import Final

from natsctl.api.fields import Json
from natsctl.api.types.security import NO_TLS
from natsctl.model import names
from natsctl.render.target import Target

_START: Final = 600
_SLOW_START: Final = 1800
_SERVER_ONLY: Final = "/healthz?js-server-only=true"
_ENABLED_ONLY: Final = "/healthz?js-enabled-only=true"
"""Below 2.11, where the other one asks for a meta leader."""


def startup_probe(target: Target) -> Json:
    """Passes within a second of the server's start, and gives a slow one ten minutes.

    Half an hour with JetStream. Servers answer while they recover streams (nats-server:
    `StartMonitoring` comes before `EnableJetStream`): that takes as long as it takes.
    """
    path = "/varz" if target.version.at_least(2, 2) else "/"
    tries = _SLOW_START if target.spec.jetstream else _START
    return {
        **_get(target, path),
        "periodSeconds": 1,
        "timeoutSeconds": 5,
        "failureThreshold": tries,
    }


def readiness_probe(target: Target) -> Json:
    """Whether the server itself says that it is ready for clients.

    Its streams are no part of it. Otherwise one broken consumer, or the loss of the meta leader,
    would keep clients away from all servers.
    """
    path = "/healthz" if target.version.knows_healthz else "/"
    if target.spec.jetstream:
        path = _SERVER_ONLY if target.version.at_least(2, 11) else _ENABLED_ONLY
    return {**_get(target, path), "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3}


def liveness_probe(target: Target) -> Json:
    """Patient, and asking for nothing but an answer: a restart loses every client."""
    return {**_get(target, "/"), "periodSeconds": 60, "timeoutSeconds": 10, "failureThreshold": 3}


def _get(target: Target, path: str) -> Json:
    scheme = "HTTPS" if (target.spec.tls or NO_TLS).enable_https else "HTTP"
    return {"httpGet": {"path": path, "port": names.MONITORING_PORT, "scheme": scheme}}
