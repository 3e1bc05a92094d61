"""How a server's pod is reached, and what its server calls itself: both as the pod itself tells.

Not from the spec: that may have changed since the pod was made, and a newer natsctl may give
other names.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from natsctl.model import names

if TYPE_CHECKING:
    from natsctl.model.objects import Container, Pod

_REFERENCE: Final = re.compile(r"\$\$|\$\(([-._a-zA-Z0-9]+)\)")
_POD_NAME: Final = "metadata.name"


def address_of(pod: Pod) -> str:
    """The pod's address; empty if it has none, or one that cannot be a pod's.

    A pod has a routable address of its own, or that of its node. What this process itself, or
    something beside it, would answer at is none.
    """
    try:
        found = ipaddress.ip_address(pod.status.pod_ip or "")
    except ValueError:
        return ""
    plain = getattr(found, "ipv4_mapped", None) or found
    foreign = plain.is_loopback or plain.is_link_local or plain.is_multicast
    scoped = getattr(found, "scope_id", None) is not None
    return "" if foreign or scoped or plain.is_unspecified else str(found)


def server_name_of(pod: Pod) -> str | None:
    """What the server of this pod calls itself; None if the pod does not tell.

    One that was taken over has a name that nobody knows beforehand.
    """
    server = next((c for c in pod.spec.containers or () if c.name == names.SERVER_CONTAINER), None)
    if server is None or server.args:  # arguments may give another name
        return None
    told = _environment(server, pod).get(names.SERVER_NAME_ENV)
    return None if told is None or "\\" in told else told.strip('"') or None


def _environment(container: Container, pod: Pod) -> dict[str, str | None]:
    """As the kubelet makes it; None where a value comes from elsewhere, or refers to such a one."""
    found: dict[str, str | None] = {}
    for variable in container.env or ():
        source = variable.value_from
        if source is None:
            found[variable.name] = _expanded(variable.value, found)
        else:
            named = source.field_ref is not None and source.field_ref.field_path == _POD_NAME
            found[variable.name] = pod.metadata.name if named else None
    return found


def _expanded(text: str, known: dict[str, str | None]) -> str | None:
    """References to variables that come earlier in the list; others stay as they are."""
    if any(known.get(name, "") is None for name in _REFERENCE.findall(text)):
        return None

    def put(found: re.Match[str]) -> str:
        name = found[1]
        return "$" if name is None else str(known.get(name, found[0]))

    return _REFERENCE.sub(put, text)
