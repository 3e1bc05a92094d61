"""The operator's volumes as manifests have them."""

from natsctl.api.fields import Json
from natsctl.api.types.listeners import Volume


def volume(of: Volume, claim: str) -> Json:
    """As `volumes` of a pod has it; `claim` is the server's."""
    if of.claimed:
        return {"name": of.name, "persistentVolumeClaim": {"claimName": claim}}
    if of.secret:
        return {"name": of.name, "secret": {"secretName": of.secret}}
    return {"name": of.name, "emptyDir": {}}


def mount(of: Volume) -> Json:
    """As `volumeMounts` of a container has it."""
    return {"name": of.name, "mountPath": of.path}
