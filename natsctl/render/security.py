"""The restricted profile for server pods, wherever the template says nothing else."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.fields import Json

_USER: Final = 1000
_ESCALATING: Final = frozenset({"SYS_ADMIN", "CAP_SYS_ADMIN"})


def pod_security(given: Mapping[str, Any], container: Mapping[str, Any]) -> Json:
    """The pod's security context: the template's, filled up field by field."""
    locked: Json = {
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "fsGroup": _USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if 0 in (given.get("runAsUser"), container.get("runAsUser")):
        del locked["runAsNonRoot"]
    return {**locked, **given}


def container_security(given: Mapping[str, Any]) -> Json:
    """The server container's security context: the template's, filled up field by field."""
    capabilities = given.get("capabilities", {})
    locked: Json = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
    if given.get("privileged") or _ESCALATING.intersection(capabilities.get("add", ())):
        # The API server refuses these together with a ban on escalation.
        del locked["allowPrivilegeEscalation"]
    return {**locked, **given, "capabilities": {"drop": ["ALL"], **capabilities}}


def credentials(given: Mapping[str, Any]) -> Json:
    """No token and no addresses of other Services, unless the template names an account."""
    locked: Json = {"enableServiceLinks": False}
    if not given.get("serviceAccountName"):
        locked["automountServiceAccountToken"] = False
    return {key: value for key, value in locked.items() if key not in given}
