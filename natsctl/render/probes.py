"""How the kubelet asks a server whether it started, is ready, and still lives."""

from natsctl.api import names
from natsctl.api.fields import Json
from natsctl.api.version import ServerVersion


def startup_probe(version: ServerVersion) -> Json:
    """Passes within a second of the server's start, and gives a slow one ten minutes."""
    path = "/varz" if version.at_least(2, 2) else "/"
    return {**_get(path), "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 600}


def readiness_probe(version: ServerVersion) -> Json:
    """Whether the server itself says that it is ready for clients."""
    path = "/healthz" if version.knows_healthz else "/"
    return {**_get(path), "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3}


def liveness_probe() -> Json:
    """Patient, and asking for nothing but an answer: a restart loses every client."""
    return {**_get("/"), "periodSeconds": 60, "timeoutSeconds": 10, "failureThreshold": 3}


def _get(path: str) -> Json:
    return {"httpGet": {"path": path, "port": names.MONITORING_PORT, "scheme": "HTTP"}}
