"""Where certificates and other files of a cluster are, in its spec and in its pods."""

from typing import Final

from attrs import frozen

from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec
from natsctl.api.types.security import NO_OPERATOR, TLSConfig
from natsctl.model import names

OPERATOR_VOLUME: Final = "operator-jwt"
OPERATOR_DIR: Final = "/etc/nats-operator"
ADVERTISE_VOLUME: Final = "advertiseconfig"
ADVERTISE_DIR: Final = f"{names.CONFIG_DIR}/advertise"
"""What was read of the node is there: addresses, and tags."""


@frozen
class Listener:
    """One kind of connections, and where the spec and the pod have its certificates.

    `field` is the attribute of TLSConfig with the Secret's name, and the beginning of those with
    the names of its files; `block` is the part of the spec without which nothing listens. With
    `mutual`, both sides always show and check certificates; else `verify` is the attribute that
    asks for those of the other side.
    """

    name: str
    field: str
    volume: str
    mount_path: str
    timeout: str
    block: str | None = None
    mutual: bool = False
    verify: str | None = None


CLIENTS: Final = Listener(
    name="clients",
    field="server_secret",
    volume="server-tls-certs",
    mount_path="/etc/nats-server-tls-certs",
    timeout="clients_tls_timeout",
    verify="verify",
)
LISTENERS: Final = (
    CLIENTS,
    Listener(
        name="routes",
        field="routes_secret",
        volume="routes-tls-certs",
        mount_path="/etc/nats-routes-tls-certs",
        timeout="routes_tls_timeout",
        mutual=True,
    ),
    Listener(
        name="gateways",
        field="gateway_secret",
        volume="gateway-tls-certs",
        mount_path="/etc/nats-gateways-tls-certs",
        timeout="gateways_tls_timeout",
        block="gateway_config",
        mutual=True,
    ),
    Listener(
        name="leafnodes",
        field="leafnode_secret",
        volume="leafnode-tls-certs",
        mount_path="/etc/nats-leafnodes-tls-certs",
        timeout="leafnodes_tls_timeout",
        block="leafnode_config",
        verify="leafnode_verify",
    ),
    Listener(
        name="websocket",
        field="websocket_secret",
        volume="websocket-tls-certs",
        mount_path="/etc/nats-websocket-tls-certs",
        timeout="websocket_tls_timeout",
        block="websocket_config",
        verify="websocket_verify",
    ),
)


_PLAIN: Final = TLSConfig()


def secret_of(spec: NatsClusterSpec, listener: Listener) -> str | None:
    """Name of the Secret with a listener's certificates; None if it is not encrypted."""
    return getattr(spec.tls or _PLAIN, listener.field) or None


@frozen
class Volume:
    """A volume of the operator's with what is in it (a Secret, or nothing yet), and its path.

    With `claimed`, it is the one that the server's own claim stands for.
    """

    name: str
    path: str
    secret: str | None = None
    claimed: bool = False


_STORE: Final = Volume(names.STORE_VOLUME, names.STORE_DIR, claimed=True)


def reads_node(spec: NatsClusterSpec) -> bool:
    """Whether the pods read their node before the server starts, for its address or its labels."""
    return (spec.pod or NO_POLICY).advertise_external_ip or bool(spec.server_tags_from_node)


def volumes(name: str, spec: NatsClusterSpec) -> tuple[Volume, ...]:
    """Those in the pods of a cluster with this name, in the order of the pod."""
    operator = (spec.operator_config or NO_OPERATOR).secret
    certificates = ((listener, secret_of(spec, listener)) for listener in LISTENERS)
    return (
        Volume(names.CONFIG_VOLUME, names.CONFIG_DIR, name),
        Volume(names.PID_VOLUME, names.PID_DIR),
        *(
            Volume(known.volume, known.mount_path, secret)
            for known, secret in certificates
            if secret
        ),
        *((Volume(OPERATOR_VOLUME, OPERATOR_DIR, operator),) if operator else ()),
        *((Volume(ADVERTISE_VOLUME, ADVERTISE_DIR),) if reads_node(spec) else ()),
        *((_STORE,) if spec.jetstream is not None else ()),
    )
