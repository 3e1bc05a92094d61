"""What a NatsCluster says of the servers' own configuration."""

from attrs import frozen

from natsctl.api.effects import RELOAD, RESTART
from natsctl.api.fields import Rule, described
from natsctl.api.texts import CLUSTER, DURATION, PATH, SERVER_SIDE, URL

INT32_MAX = 2**31 - 1
# A schema's bounds are floats to the API server: it takes 2**63 - 1 for less than 0.
EXACT_MAX = 2**53 - 1
PORT_MAX = 65535
_BESIDE_GATEWAY = RESTART.when("gatewayConfig.name")
_BESIDE_WEBSOCKET = RESTART.when("websocketConfig.port")


@frozen
class NatsConfig:
    """Settings of the servers; unknown keys are kept so that they can be named."""

    debug: bool = described("Log debug messages.", default=False, effect=RELOAD)
    trace: bool = described("Log every protocol message.", default=False, effect=RELOAD)
    write_deadline: str | None = described(
        "Time that a server waits for a slow client before it closes the connection, "
        'as a Go duration such as "10s".',
        default=None,
        json="write_deadline",
        text=DURATION,
        effect=RELOAD,
    )
    max_connections: int | None = described(
        "Maximum number of client connections per server; -1 is unlimited.",
        default=None,
        minimum=-1,
        maximum=INT32_MAX,
        effect=RELOAD,
    )
    max_payload: int | None = described(
        "Maximum size of a message in bytes.",
        default=None,
        minimum=0,
        maximum=INT32_MAX,
        effect=RELOAD,
    )
    max_pending: int | None = described(
        "Maximum number of bytes that are buffered for one client.",
        default=None,
        minimum=0,
        maximum=EXACT_MAX,
        effect=RESTART,
    )
    max_subscriptions: int | None = described(
        "Maximum number of subscriptions per connection; -1 is unlimited.",
        default=None,
        minimum=-1,
        maximum=INT32_MAX,
        effect=RESTART,
    )
    max_control_line: int | None = described(
        "Maximum length of a protocol line in bytes, including the subject.",
        default=None,
        minimum=0,
        maximum=INT32_MAX,
        effect=RELOAD,
    )
    disable_logtime: bool = described("Omit the time from log lines.", default=False, effect=RELOAD)


@frozen
class ExtraRoute:
    """A route to servers outside this cluster."""

    route: str | None = described(
        "URL of a route, such as nats://host:6222. The host must be the name of one server, not of "
        "several.",
        default=None,
        text=URL,
    )
    cluster: str | None = described(
        "Name of another NatsCluster in the same namespace.", default=None, text=CLUSTER
    )


ONE_ROUTE = Rule(
    "(has(self.route) && self.route != '') != (has(self.cluster) && self.cluster != '')",
    "use either a route (such as nats://host:6222) or the name of a cluster, not both",
)


@frozen
class RemoteGateway:
    """Another cluster of a supercluster."""

    name: str = described("Name of the remote cluster.", text=SERVER_SIDE)
    url: str | None = described(
        "URL of its gateway, such as nats://host:7522.", default=None, text=URL
    )
    urls: tuple[str, ...] = described(
        "Additional URLs of its gateway.", default=(), max_items=64, text=URL
    )


@frozen
class GatewayConfig:
    """The gateway that joins this cluster to a supercluster."""

    name: str | None = described(
        "Name of this cluster in the supercluster.",
        default=None,
        text=SERVER_SIDE,
        effect=_BESIDE_GATEWAY,
    )
    host_port: int | None = described(
        "Port of the gateway, on the pod and on the node.",
        default=None,
        minimum=0,
        maximum=PORT_MAX,
        effect=_BESIDE_GATEWAY,
    )
    reject_unknown: bool = described(
        "Reject gateways that are not listed here.", default=False, effect=_BESIDE_GATEWAY
    )
    gateways: tuple[RemoteGateway, ...] = described(
        "The other clusters of the supercluster.",
        default=(),
        max_items=256,
        effect=_BESIDE_GATEWAY,
    )


@frozen
class LeafnodeRemote:
    """A hub that the servers connect to as leaf nodes."""

    url: str | None = described("URL of the hub.", default=None, text=URL)
    urls: tuple[str, ...] = described(
        "Additional URLs of the hub.", default=(), max_items=64, text=URL
    )
    credentials: str | None = described(
        "Path of the credentials file in the container.", default=None, text=PATH
    )


@frozen
class LeafnodeConfig:
    """Leaf nodes: where the servers accept them, and the hubs they connect to."""

    host_port: int | None = described(
        "Port for leaf nodes, on the pod and on the node.",
        default=None,
        minimum=0,
        maximum=PORT_MAX,
        effect=RESTART,
    )
    remotes: tuple[LeafnodeRemote, ...] = described(
        "Hubs that the servers connect to as leaf nodes.",
        default=(),
        max_items=64,
        effect=RELOAD.since(2, 14),
    )


@frozen
class WebsocketConfig:
    """Websocket connections of clients."""

    port: int | None = described(
        "Port for websocket clients.",
        default=None,
        minimum=0,
        maximum=PORT_MAX,
        effect=_BESIDE_WEBSOCKET,
    )
    handshake_timeout: str | None = described(
        'Timeout of the handshake, as a Go duration such as "5s".',
        default=None,
        text=DURATION,
        effect=_BESIDE_WEBSOCKET,
    )
    compression: bool = described(
        "Offer compression to clients.", default=False, effect=_BESIDE_WEBSOCKET
    )
    no_tls: bool = described(
        "Accept unencrypted websocket connections. Required if tls.websocketSecret is not set.",
        default=False,
        json="no_tls",
        effect=_BESIDE_WEBSOCKET,
    )
