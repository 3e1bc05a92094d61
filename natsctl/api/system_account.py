"""Whether servers may have a system account of the operator's."""

from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.security import NO_AUTH, NO_OPERATOR, AuthConfig
from natsctl.api.types.server_config import GatewayConfig, LeafnodeConfig
from natsctl.api.version import ServerVersion


def allows_system(spec: NatsClusterSpec, version: ServerVersion) -> bool:
    """Whether spec and version allow one; what Secrets hold may still forbid it.

    Measured: below 2.9 it closes an open server, or opens a closed one; so none where nobody knows
    the release. With JWTs the accounts
    are the issuer's. Where a file is included, nobody knows whether it has a token; where
    certificates name the user, the operator has none of its own.
    """
    auth = spec.auth or NO_AUTH
    return (
        version.at_least(2, 9)
        and not version.guessed
        and not (spec.operator_config or NO_OPERATOR).secret
        and not included_file(auth)
        and not auth.tls_verify_and_map
    )


def needs_system(spec: NatsClusterSpec) -> bool:
    """Whether servers refuse to start without any: gateways beside a port for leaf nodes do."""
    gateway = (spec.gateway_config or GatewayConfig()).name
    return bool(gateway and (spec.leafnode_config or LeafnodeConfig()).host_port)


def asks_for_users(auth: AuthConfig) -> bool:
    """Whether the users come from outside the spec, so that none means nobody."""
    return auth.enable_service_accounts or bool(auth.clients_auth_secret)


def uses_static_users(auth: AuthConfig) -> bool:
    """Whether the users of `clientsAuthSecret` count: not beside ServiceAccounts, unless asked."""
    return bool(auth.clients_auth_secret) and (
        not auth.enable_service_accounts or auth.allow_static_users
    )


def included_file(auth: AuthConfig) -> str | None:
    """The file with the users, where it is what counts."""
    return None if asks_for_users(auth) else auth.clients_auth_file or None
