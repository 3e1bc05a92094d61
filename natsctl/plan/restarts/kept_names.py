"""A server that stores streams comes back under the name that it has.

Others know it by a hash of its name, so under another one it is another member: without data, and
beside one that never returns. No spec asks for that, but somebody may have changed a pod on its
way, and a newer natsctl may give other names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from natsctl.model.foreign import named
from natsctl.model.objects import Pod
from natsctl.model.server_identity import pod_name, server_name_of
from natsctl.plan.jetstream import UNNAMED, name_of, stores
from natsctl.plan.servers.server import lacks_store
from natsctl.render.pod.container import server_container
from natsctl.render.pod.pod import split_containers

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server
    from natsctl.render.target import Target

_WAY_OUT = (
    "move its data to another NatsCluster, or delete the pod yourself if the others have all of it"
)


def other_names(context: Context) -> dict[str, str]:
    """Servers whose next pods would be other servers, and why, by name of their pods."""
    if not stores(context):
        return {}
    storing = (server for server in context.servers if not lacks_store(server.pod))
    told = ((server.name, _other_name(context.desired.target, server)) for server in storing)
    return {name: f"{name}: {text}" for name, text in told if text}


def next_name(target: Target, index: int) -> str | None:
    """What a server would call itself in a pod that is made now; None: the pod does not tell."""
    template = (target.spec.template or {}).get("spec") or {}
    base, _ = split_containers(template.get("containers", ()))
    made = {
        "metadata": {"name": pod_name(target.name, index)},
        "spec": {"containers": [server_container(target, index, base)]},
    }
    try:
        return server_name_of(msgspec.convert(made, Pod))
    except msgspec.ValidationError:
        return None


def _other_name(target: Target, server: Server) -> str:
    now, then = name_of(server), next_name(target, server.index)
    if now == UNNAMED:
        return f"its pod does not say what the server calls itself; {_WAY_OUT}"
    if then is None:
        return "the spec does not tell what its next pod would call the server"
    if now == then:
        return ""
    return (
        f"it calls itself {named(now)}, and would be {named(then)} in its next pod: another "
        f"server, without data; {_WAY_OUT}"
    )
