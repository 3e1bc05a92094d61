"""What a NatsCluster says of certificates, users and operator JWTs."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from natsctl.api.effects import NONE, RELOAD, RESTART, Effect
from natsctl.api.fields import described
from natsctl.api.texts import ALGORITHM, JWT, NKEY, PATH, RESOLVER, file_name, object_name

# What the API server takes for `expirationSeconds` of a token.
TOKEN_SECONDS_MIN = 600
TOKEN_SECONDS_MAX = 2**31
# Measured: servers take some 9.2e9 seconds and more for no time at all.
SECONDS_MAX = 10**9


_BESIDE_OPERATOR = RESTART.when("operatorConfig.secret")
_USERS = ("auth.enableServiceAccounts", "auth.clientsAuthSecret")
_FILES = {"CA": "CA", "Cert": "certificate", "Key": "key"}


def _secret(content: str, effect: Effect) -> str | None:
    secret: str | None = object_name("Secret", f"Secret that contains {content}.", effect=effect)
    return secret


def _certificates(whom: str) -> str | None:
    return _secret(f"the TLS certificates for {whom}", RESTART)


def _file(secret: str, kind: str, default: str) -> str:
    name: str = file_name(
        f"File name of the {_FILES[kind]} in {secret}. Defaults to {default}.",
        default=default,
        json=f"{secret}{kind}FileName",
        effect=RELOAD.when(f"tls.{secret}"),
    )
    return name


def _timeout(json: str, whom: str, effect: Effect) -> float | None:
    seconds: float | None = described(
        f"Timeout of the TLS handshake with {whom}, in seconds.",
        default=None,
        json=json,
        minimum=0,
        maximum=SECONDS_MAX,
        effect=effect,
    )
    return seconds


@frozen
class TLSConfig:
    """Certificates of every listener; a listener without a secret is not encrypted."""

    server_secret: str | None = _certificates("clients")
    server_secret_ca_file_name: str = _file("serverSecret", "CA", "ca.pem")
    server_secret_cert_file_name: str = _file("serverSecret", "Cert", "server.pem")
    server_secret_key_file_name: str = _file("serverSecret", "Key", "server-key.pem")
    clients_tls_timeout: float | None = _timeout(
        "clientsTLSTimeout", "clients", RELOAD.when("tls.serverSecret")
    )
    routes_secret: str | None = _certificates("routes between servers")
    routes_secret_ca_file_name: str = _file("routesSecret", "CA", "ca.pem")
    routes_secret_cert_file_name: str = _file("routesSecret", "Cert", "route.pem")
    routes_secret_key_file_name: str = _file("routesSecret", "Key", "route-key.pem")
    routes_tls_timeout: float | None = _timeout(
        "routesTLSTimeout", "routes", RELOAD.when("tls.routesSecret")
    )
    gateway_secret: str | None = _certificates("gateways")
    gateway_secret_ca_file_name: str = _file("gatewaySecret", "CA", "ca.pem")
    gateway_secret_cert_file_name: str = _file("gatewaySecret", "Cert", "server.pem")
    gateway_secret_key_file_name: str = _file("gatewaySecret", "Key", "server-key.pem")
    gateways_tls_timeout: float | None = _timeout(
        "gatewaysTLSTimeout", "gateways", RESTART.when("tls.gatewaySecret")
    )
    leafnode_secret: str | None = _certificates("leaf nodes")
    leafnode_secret_ca_file_name: str = _file("leafnodeSecret", "CA", "ca.pem")
    leafnode_secret_cert_file_name: str = _file("leafnodeSecret", "Cert", "server.pem")
    leafnode_secret_key_file_name: str = _file("leafnodeSecret", "Key", "server-key.pem")
    leafnodes_tls_timeout: float | None = _timeout(
        "leafnodesTLSTimeout", "leaf nodes", RESTART.when("tls.leafnodeSecret")
    )
    websocket_secret: str | None = _certificates("websocket clients")
    websocket_secret_ca_file_name: str = _file("websocketSecret", "CA", "ca.pem")
    websocket_secret_cert_file_name: str = _file("websocketSecret", "Cert", "server.pem")
    websocket_secret_key_file_name: str = _file("websocketSecret", "Key", "server-key.pem")
    websocket_tls_timeout: float | None = _timeout(
        "websocketTLSTimeout", "websocket clients", RELOAD.when("tls.websocketSecret")
    )
    enable_https: bool = described(
        "Serve the monitoring port over HTTPS.",
        default=False,
        effect=RESTART.when("tls.serverSecret"),
    )
    verify: bool = described(
        "Require certificates from clients.", default=False, effect=RELOAD.when("tls.serverSecret")
    )
    leafnode_verify: bool = described(
        "Require certificates from leaf nodes. With auth.tlsVerifyAndMap, they identify the user.",
        default=False,
        effect=RESTART.when("tls.leafnodeSecret"),
    )
    websocket_verify: bool = described(
        "Require certificates from websocket clients. With auth.tlsVerifyAndMap, they identify the "
        "user.",
        default=False,
        effect=RESTART.when("tls.websocketSecret"),
    )
    cipher_suites: tuple[str, ...] = described(
        "Cipher suites for client connections.",
        default=(),
        max_items=64,
        text=ALGORITHM,
        effect=RELOAD.when("tls.serverSecret"),
    )
    curve_preferences: tuple[str, ...] = described(
        "Elliptic curves for client connections.",
        default=(),
        max_items=16,
        text=ALGORITHM,
        effect=RELOAD.when("tls.serverSecret"),
    )


@frozen
class AuthConfig:
    """Authentication: users in a Secret, in a file, or created for ServiceAccounts."""

    enable_service_accounts: bool = described(
        "Create a user for each ServiceAccount that matches a NatsServiceRole.",
        default=False,
        effect=RELOAD,
    )
    clients_auth_secret: str | None = _secret("the users as JSON", RELOAD)
    # Servers take up this and tlsVerifyAndMap by a reload, but the operator's own user goes with
    # either, and then there is nobody to ask for reloads.
    clients_auth_file: str | None = described(
        "File that contains the users; an absolute path, or relative to /etc/nats-config.",
        default=None,
        text=PATH,
        effect=RESTART.unless(*_USERS),
    )
    clients_auth_timeout: int | None = described(
        "Number of seconds that a client has to authenticate.",
        default=None,
        minimum=0,
        maximum=SECONDS_MAX,
        effect=RELOAD.when_any(*_USERS),
    )
    tls_verify_and_map: bool = described(
        "Identify users by their client certificates.",
        default=False,
        effect=RESTART,
    )
    # What a Secret with a login holds counts, not its name.
    cluster_auth_secret: str | None = _secret(
        "the credentials of routes", RELOAD.told_by("auth.routes")
    )
    cluster_auth_timeout: int | None = described(
        "Number of seconds that a route has to authenticate.",
        default=None,
        minimum=0,
        maximum=SECONDS_MAX,
        effect=RELOAD.when("auth.clusterAuthSecret"),
    )
    gateway_auth_secret: str | None = _secret(
        "the credentials of gateways", RESTART.told_by("auth.gateways")
    )
    gateway_auth_timeout: int | None = described(
        "Number of seconds that a gateway has to authenticate.",
        default=None,
        minimum=0,
        maximum=SECONDS_MAX,
        effect=RESTART.when("auth.gatewayAuthSecret", "gatewayConfig"),
    )
    allow_static_users: bool = described(
        "With enableServiceAccounts, also accept the users in clientsAuthSecret.",
        default=False,
        effect=RELOAD.told_by("auth.users"),
    )
    service_account_token_seconds: int | None = described(
        "Lifetime that the operator requests for tokens of ServiceAccounts, in seconds. Defaults "
        "to one year.",
        default=None,
        minimum=TOKEN_SECONDS_MIN,
        maximum=TOKEN_SECONDS_MAX,
        effect=NONE,
    )


@frozen
class OperatorConfig:
    """Decentralized authentication: accounts are JWTs that a NATS operator signed."""

    secret: str | None = _secret("the JWT of the NATS operator, under the key op.jwt", RESTART)
    system_account: str | None = described(
        "Public key of the system account.",
        default=None,
        text=NKEY,
        effect=_BESIDE_OPERATOR,
    )
    resolver: str | None = described(
        "Resolver of account JWTs: URL(https://host/jwt/v1/accounts/), or MEMORY.",
        default=None,
        text=RESOLVER,
        effect=_BESIDE_OPERATOR,
    )
    resolver_preload: Mapping[str, str] = described(
        "Account JWTs by the public key of the account, for the resolver MEMORY.",
        factory=dict,
        text=JWT,
        effect=RELOAD.when("operatorConfig.secret"),
    )


NO_AUTH: Final = AuthConfig()
NO_OPERATOR: Final = OperatorConfig()
NO_TLS: Final = TLSConfig()
"""What a spec without the block means. Each is made once: they are asked for at every turn."""
