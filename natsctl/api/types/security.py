"""What a NatsCluster says of certificates, users and operator JWTs."""

from collections.abc import Mapping

from attrs import frozen

from natsctl.api.fields import described
from natsctl.api.texts import ALGORITHM, JWT, NKEY, PATH, RESOLVER, file_name, object_name

# What the API server takes for `expirationSeconds` of a token.
TOKEN_SECONDS_MIN = 600
TOKEN_SECONDS_MAX = 2**31
# Measured: servers take some 9.2e9 seconds and more for no time at all.
SECONDS_MAX = 10**9


def _secret(content: str) -> str | None:
    secret: str | None = object_name("Secret", f"Secret with {content}.")
    return secret


def _certificates(whom: str) -> str | None:
    return _secret(f"the certificates for {whom}")


def _file(json: str, what: str, default: str) -> str:
    name: str = file_name(
        f"Name of the {what}; {default} unless given.", default=default, json=json
    )
    return name


def _timeout(json: str, whom: str) -> float | None:
    seconds: float | None = described(
        f"Seconds that a TLS handshake of {whom} may take.",
        default=None,
        json=json,
        minimum=0,
        maximum=SECONDS_MAX,
    )
    return seconds


@frozen
class TLSConfig:
    """Certificates of every listener; a listener without a secret is not encrypted."""

    server_secret: str | None = _certificates("clients")
    server_secret_ca_file_name: str = _file(
        "serverSecretCAFileName", "CA in serverSecret", "ca.pem"
    )
    server_secret_cert_file_name: str = _file(
        "serverSecretCertFileName", "certificate in serverSecret", "server.pem"
    )
    server_secret_key_file_name: str = _file(
        "serverSecretKeyFileName", "key in serverSecret", "server-key.pem"
    )
    clients_tls_timeout: float | None = _timeout("clientsTLSTimeout", "clients")
    routes_secret: str | None = _certificates("routes between servers")
    routes_secret_ca_file_name: str = _file(
        "routesSecretCAFileName", "CA in routesSecret", "ca.pem"
    )
    routes_secret_cert_file_name: str = _file(
        "routesSecretCertFileName", "certificate in routesSecret", "route.pem"
    )
    routes_secret_key_file_name: str = _file(
        "routesSecretKeyFileName", "key in routesSecret", "route-key.pem"
    )
    routes_tls_timeout: float | None = _timeout("routesTLSTimeout", "routes")
    gateway_secret: str | None = _certificates("gateways")
    gateway_secret_ca_file_name: str = _file(
        "gatewaySecretCAFileName", "CA in gatewaySecret", "ca.pem"
    )
    gateway_secret_cert_file_name: str = _file(
        "gatewaySecretCertFileName", "certificate in gatewaySecret", "server.pem"
    )
    gateway_secret_key_file_name: str = _file(
        "gatewaySecretKeyFileName", "key in gatewaySecret", "server-key.pem"
    )
    gateways_tls_timeout: float | None = _timeout("gatewaysTLSTimeout", "gateways")
    leafnode_secret: str | None = _certificates("leaf nodes")
    leafnode_secret_ca_file_name: str = _file(
        "leafnodeSecretCAFileName", "CA in leafnodeSecret", "ca.pem"
    )
    leafnode_secret_cert_file_name: str = _file(
        "leafnodeSecretCertFileName", "certificate in leafnodeSecret", "server.pem"
    )
    leafnode_secret_key_file_name: str = _file(
        "leafnodeSecretKeyFileName", "key in leafnodeSecret", "server-key.pem"
    )
    leafnodes_tls_timeout: float | None = _timeout("leafnodesTLSTimeout", "leaf nodes")
    websocket_secret: str | None = _certificates("websocket clients")
    websocket_secret_ca_file_name: str = _file(
        "websocketSecretCAFileName", "CA in websocketSecret", "ca.pem"
    )
    websocket_secret_cert_file_name: str = _file(
        "websocketSecretCertFileName", "certificate in websocketSecret", "server.pem"
    )
    websocket_secret_key_file_name: str = _file(
        "websocketSecretKeyFileName", "key in websocketSecret", "server-key.pem"
    )
    websocket_tls_timeout: float | None = _timeout("websocketTLSTimeout", "websocket clients")
    enable_https: bool = described("Serve monitoring over HTTPS.", default=False)
    verify: bool = described("Ask clients for certificates.", default=False)
    leafnode_verify: bool = described(
        "Ask leaf nodes for certificates; with auth.tlsVerifyAndMap they tell the user.",
        default=False,
    )
    websocket_verify: bool = described(
        "Ask websocket clients for certificates; with auth.tlsVerifyAndMap they tell the user.",
        default=False,
    )
    cipher_suites: tuple[str, ...] = described(
        "Cipher suites offered to clients.", default=(), max_items=64, text=ALGORITHM
    )
    curve_preferences: tuple[str, ...] = described(
        "Elliptic curves offered to clients.", default=(), max_items=16, text=ALGORITHM
    )


@frozen
class AuthConfig:
    """Who may connect: users of a Secret, of a file, or made from ServiceAccounts."""

    enable_service_accounts: bool = described(
        "Make a user of every NatsServiceRole and its ServiceAccount.", default=False
    )
    clients_auth_secret: str | None = _secret("the users as JSON")
    clients_auth_file: str | None = described(
        "File with the users, included under /etc/nats-config.", default=None, text=PATH
    )
    clients_auth_timeout: int | None = described(
        "Seconds that a client has to authenticate.", default=None, minimum=0, maximum=SECONDS_MAX
    )
    tls_verify_and_map: bool = described(
        "Take the user from the client's certificate.", default=False
    )
    cluster_auth_secret: str | None = _secret("the credentials of routes")
    cluster_auth_timeout: int | None = described(
        "Seconds that a route has to authenticate.", default=None, minimum=0, maximum=SECONDS_MAX
    )
    gateway_auth_secret: str | None = _secret("the credentials of gateways")
    gateway_auth_timeout: int | None = described(
        "Seconds that a gateway has to authenticate.", default=None, minimum=0, maximum=SECONDS_MAX
    )
    allow_static_users: bool = described(
        "With enableServiceAccounts, let the users of clientsAuthSecret in as well.", default=False
    )
    service_account_token_seconds: int | None = described(
        "Life of the tokens asked of the API server for ServiceAccounts; a year unless given.",
        default=None,
        minimum=TOKEN_SECONDS_MIN,
        maximum=TOKEN_SECONDS_MAX,
    )


@frozen
class OperatorConfig:
    """Accounts kept as JWTs that a NATS operator signed."""

    secret: str | None = _secret("the operator's JWT under op.jwt")
    system_account: str | None = described(
        "Public key of the system account.", default=None, text=NKEY
    )
    resolver: str | None = described(
        "Where account JWTs are found: URL(https://host/jwt/v1/accounts/), or MEMORY.",
        default=None,
        text=RESOLVER,
    )
    resolver_preload: Mapping[str, str] = described(
        "JWTs of accounts by the account's public key, for resolver MEMORY.",
        factory=dict,
        text=JWT,
    )
