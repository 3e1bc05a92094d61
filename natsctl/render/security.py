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


def beside(server: Mapping[str, Any]) -> Json:
    """Of a side-car: as locked as can be, and the same user as the server, to signal it."""
    user = {
        key: server[key] for key in ("runAsUser", "runAsGroup", "runAsNonRoot") if key in server
    }
    return {**container_security({}), **user}


def credentials(given: Mapping[str, Any], *, needed: bool = False) -> Json:
    """No addresses of other Services, and no token unless needed or the template has an account."""
    locked: Json = {"enableServiceLinks": False}
    if not needed and not given.get("serviceAccountName"):
        locked["automountServiceAccountToken"] = False
    return {key: value for key, value in locked.items() if key not in given}
