"""Who is let in: the clients' authorization, nobody at all, and the operator's own account."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.checks import doors
from natsctl.api.fields import Json
from natsctl.api.system_account import allows_system, asks_for_users, needs_system
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.security import NO_AUTH, NO_OPERATOR
from natsctl.api.version import ServerVersion
from natsctl.render.inputs import Login
from natsctl.render.target import Target

SYSTEM_ACCOUNT: Final = "$SYS"
OLD_ACCOUNT: Final = "SYS"
"""Of servers that an earlier version of natsctl made: a change of its name takes a restart."""
PERMISSIONS: Final[Json] = {
    # What the operator asks of servers, and nothing else: not who is connected, not to go, not what
    # others say. To ask for more later, add it here: running servers take it up by a reload.
    "publish": {"allow": ["$SYS.REQ.SERVER.*.RELOAD"]},
    "subscribe": {"allow": ["_INBOX.natsctl.*"]},
}
JETSTREAM_REQUESTS: Final = (
    # Each acts on the JetStream of all servers, and is sent by a procedure only. Measured from
    # 2.9.25 to 2.15.3 (docs/design/jetstream-questions.md): nothing more is needed for them.
    "$JS.API.META.LEADER.STEPDOWN",
    "$JS.API.SERVER.REMOVE",
    "$JS.API.SERVER.EVACUATE",
    "$JS.API.ACCOUNT.STREAM.MOVE.*.*",
    "$JS.API.ACCOUNT.STREAM.CANCEL_MOVE.*.*",
)
# Of a random password that was never written down. Measured: 2.1.9 knows a hash by "$2a$" only,
# and takes any other for the password itself.
_NO_PASSWORD: Final = "$2a$04$QRNMVpK0rcjpDx4vay2bxuYv3zlx079Z4GMFaC1ddeAeJw3NR6t0a"


STRANGERS: Final = "STRANGERS"
"""The account of leaf nodes without a login; nobody else is in it, and it imports nothing."""


def system_permissions(spec: NatsClusterSpec) -> Json:
    """What the operator's user may do on the servers of a cluster."""
    return permissions(streams=spec.jetstream is not None)


def permissions(*, streams: bool) -> Json:
    """The same of a cluster that stores streams, or does not."""
    if not streams:
        return PERMISSIONS
    allowed = [*PERMISSIONS["publish"]["allow"], *JETSTREAM_REQUESTS]
    return PERMISSIONS | {"publish": {"allow": allowed}}


def no_login() -> Json:
    """A user that nobody can be."""
    return {"user": "nobody", "password": _NO_PASSWORD}


def nobody() -> Json:
    """The authorization that lets nobody in: without a user a server would let everybody in."""
    return {"users": [no_login()]}


def keeps_leaves_out(target: Target) -> bool:
    """Whether the configuration keeps out leaf nodes that have no login."""
    return not target.open_leaves and doors.keeps_leaves_out(target.spec, target.version)


def required_login(secret: str | None, login: Login | None, timeout: int | None) -> Json:
    """The authorization of routes or gateways: nobody's where the Secret's login is not known."""
    if not secret and login is None:
        return {}
    block: Json = {
        "username": login.user if login else "nobody",
        "password": login.password if login else _NO_PASSWORD,
        **({"timeout": timeout} if timeout else {}),
    }
    return {"authorization": block}


def may_have_system(
    spec: NatsClusterSpec, version: ServerVersion, authorization: Mapping[str, Any] | None
) -> bool:
    """Whether the servers may have a system account of the operator's.

    Measured: servers refuse users of accounts beside a token.
    """
    token = asks_for_users(spec.auth or NO_AUTH) and (authorization or {}).get("token")
    return allows_system(spec, version) and not token


def has_system(target: Target) -> bool:
    """Whether the servers have the operator's user in a system account."""
    inputs = target.inputs
    return bool(inputs.system) and may_have_system(
        target.spec, target.version, inputs.authorization
    )


def may_have_jetstream(spec: NatsClusterSpec) -> bool:
    """Whether servers may keep streams, which belong to the system account of this very name."""
    if spec.jetstream is not None:
        return True
    template = (spec.template or {}).get("spec", {})
    arguments = [a for c in template.get("containers", ()) for a in c.get("args", ())]
    flags = {str(argument).partition("=")[0].lstrip("-") for argument in arguments}
    return not flags.isdisjoint(("js", "jetstream", "sd", "store_dir", "c", "config"))


def lacks_system(target: Target) -> bool:
    """Whether servers would not start for want of a system account, the operator's or another.

    `validate` tells what the spec has to do with it; what is left is a token beside both leaf
    nodes and gateways.
    """
    own = (target.spec.operator_config or NO_OPERATOR).system_account
    return needs_system(target.spec) and not own and not has_system(target)
