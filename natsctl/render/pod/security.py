"""The restricted profile for server pods, wherever the template says nothing else."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NO_POLICY
from natsctl.api.types.node import low_ports, on_host_network
from natsctl.render.target import Target

_USER: Final = 1000
# Else the kubelet changes the group of each file of a store before the server starts.
_LARGE_VOLUME: Final = {"fsGroupChangePolicy": "OnRootMismatch"}
_PORTS: Final = "net.ipv4.ip_unprivileged_port_start"
_ESCALATING: Final = frozenset({"SYS_ADMIN", "CAP_SYS_ADMIN"})


def pod_security(target: Target, given: Mapping[str, Any], container: Mapping[str, Any]) -> Json:
    """The pod's security context: the template's, filled up field by field."""
    locked: Json = {
        "runAsNonRoot": True,
        **_ids(target),
        **(_LARGE_VOLUME if target.spec.jetstream else {}),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if 0 in (given.get("runAsUser"), container.get("runAsUser")):
        del locked["runAsNonRoot"]
    return {**locked, **given, **_sysctls(target, given)}


def _ids(target: Target) -> Json:
    """User and groups, unless the platform assigns them."""
    if target.platform_assigned_ids or (target.spec.pod or NO_POLICY).platform_assigned_ids:
        return {}
    return dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), _USER)


def _sysctls(target: Target, given: Mapping[str, Any]) -> Json:
    """What lets a server that is not root open the ports below 1024 that the spec asks for.

    It counts in the pod's own network, and is among the sysctls of the restricted profile.
    """
    lowest = min((port for _, port in low_ports(target.spec)), default=None)
    sysctls = list(given.get("sysctls") or ())
    if lowest is None or on_host_network(target.spec) or _PORTS in {s.get("name") for s in sysctls}:
        return {}
    return {"sysctls": [*sysctls, {"name": _PORTS, "value": str(lowest)}]}


def container_security(given: Mapping[str, Any]) -> Json:
    """The server container's security context: the template's, filled up field by field."""
    capabilities = given.get("capabilities", {})
    locked: Json = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
    if given.get("privileged") or _ESCALATING.intersection(capabilities.get("add", ())):
        # The API server refuses these together with a ban on escalation.
        del locked["allowPrivilegeEscalation"]
    return {**locked, **given, "capabilities": {"drop": ["ALL"], **capabilities}}


def sidecar_security(server: Mapping[str, Any]) -> Json:
    """Of a sidecar: as locked as can be, and the same user as the server, to signal it."""
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
