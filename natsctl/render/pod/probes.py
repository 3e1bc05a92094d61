"""How the kubelet asks a server whether it started, is ready, and still lives."""

from natsctl.api.fields import Json
from natsctl.api.types.security import TLSConfig
from natsctl.model import names
from natsctl.render.target import Target


def startup_probe(target: Target) -> Json:
    """Passes within a second of the server's start, and gives a slow one ten minutes."""
    path = "/varz" if target.version.at_least(2, 2) else "/"
    return {**_get(target, path), "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 600}


def readiness_probe(target: Target) -> Json:
    """Whether the server itself says that it is ready for clients."""
    path = "/healthz" if target.version.knows_healthz else "/"
    return {**_get(target, path), "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3}


def liveness_probe(target: Target) -> Json:
    """Patient, and asking for nothing but an answer: a restart loses every client."""
    return {**_get(target, "/"), "periodSeconds": 60, "timeoutSeconds": 10, "failureThreshold": 3}


def _get(target: Target, path: str) -> Json:
    scheme = "HTTPS" if (target.spec.tls or TLSConfig()).enable_https else "HTTP"
    return {"httpGet": {"path": path, "port": names.MONITORING_PORT, "scheme": scheme}}
