"""What opens: who gets in at each listener of a server, and with what.

Everything here was tried on real servers (tests/server/test_doors.py), with clients that have
nothing, only a name, a wrong password, a foreign certificate. `docs/security.md` has the table.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import attrs
from attrs import frozen

from natsctl.api.problems import Problem
from natsctl.api.system_account import asks_for_users, included_file, uses_static_users
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.listeners import LISTENERS, Listener, secret_of
from natsctl.api.types.network import NetworkPolicy
from natsctl.api.types.security import (
    NO_AUTH,
    NO_OPERATOR,
    NO_TLS,
)
from natsctl.api.types.server_config import GatewayConfig, LeafnodeConfig, WebsocketConfig
from natsctl.api.version import ServerVersion
from natsctl.model import names

PASSWORD: Final = "a user's password"
NKEY: Final = "the nkey of a user"
TOKEN: Final = "the token"
MAPPED: Final = "a certificate that names a user"
JWT: Final = "a user's JWT and its nkey"
FILE: Final = "what the included file asks for"
NOBODY: Final = "credentials that do not exist: nobody can connect"

CLIENTS, WEBSOCKET, LEAFNODES = "clients", "websocket", "leafnodes"
LEAFNODES_OVER_WEBSOCKET: Final = "leaf nodes over websocket"
ROUTES, GATEWAYS, MONITORING = "routes", "gateways", "monitoring"
_BY_NAME: Final = {listener.name: listener for listener in LISTENERS}


@frozen
class Door:
    """One listener: what it asks of whoever connects.

    `certificate`: one that the listener's CA signed. `logins`: one of these; none: no login is
    asked for.
    """

    listener: str
    port: int
    encrypted: bool = False
    certificate: bool = False
    logins: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether everybody who reaches the port gets in."""
        return not self.certificate and not self.logins

    def lets_in(self, shown: Iterable[str], *, certificate: bool = False) -> bool:
        """Whether somebody gets in who shows these logins, and a certificate of the CA or none."""
        return (certificate or not self.certificate) and (
            not self.logins or not self.logins.isdisjoint(shown)
        )


def logins_of(spec: NatsClusterSpec) -> frozenset[str]:
    """What a client may have to show, as far as a spec alone tells: Secrets hold the rest."""
    auth = spec.auth or NO_AUTH
    if (spec.operator_config or NO_OPERATOR).secret:
        return frozenset({JWT})
    mapped = {MAPPED} if auth.tls_verify_and_map else set()
    if included_file(auth):
        return frozenset({FILE} | mapped)
    if uses_static_users(auth):
        return frozenset({PASSWORD, NKEY, TOKEN} | mapped)
    return frozenset({PASSWORD} if auth.enable_service_accounts else ())


def doors(
    spec: NatsClusterSpec,
    version: ServerVersion,
    logins: frozenset[str] | None = None,
    *,
    open_leaves: bool = False,
    one_user: bool = False,
) -> tuple[Door, ...]:
    """Every listener that servers of this spec have; `logins` as the Secrets of users tell.

    `open_leaves`: running servers of an earlier natsctl, see `keeps_leaves_out`. `one_user`: there
    is a single user, with a password and no limits.
    """
    known = logins_of(spec) if logins is None else logins
    at_leaves = _of_leaves(spec, version, known, open_leaves, one_user)
    return tuple(_doors(spec, known, at_leaves))


def checks_certificates(spec: NatsClusterSpec, listener: Listener) -> bool:
    """Whether a listener asks for certificates of the other side, and checks them."""
    if listener.mutual or listener.verify is None:
        return True
    tls, auth = spec.tls or NO_TLS, spec.auth or NO_AUTH
    mapped = listener.name == CLIENTS and auth.tls_verify_and_map
    return bool(getattr(tls, listener.verify)) or mapped


def keeps_leaves_out(spec: NatsClusterSpec, version: ServerVersion) -> bool:
    """Whether leaf nodes without a login have to be kept out by the configuration.

    Measured: below 2.12 servers let them into the clients' account, whatever clients have to
    show. JWTs are asked of leaf nodes, too.
    """
    auth = spec.auth or NO_AUTH
    asked = asks_for_users(auth) or bool(included_file(auth))
    listens = bool((spec.leafnode_config or LeafnodeConfig()).host_port)
    jwts = (spec.operator_config or NO_OPERATOR).secret
    return listens and asked and not jwts and not version.at_least(2, 12)


def knows_leaf_account(version: ServerVersion) -> bool:
    """Whether leaf nodes without a login can be put into an account of their own.

    Read: 2.1.0 does not know it, 2.1.2 does.
    """
    return version.at_least(2, 1, 2)


def connection_types(spec: NatsClusterSpec, version: ServerVersion) -> tuple[str, ...]:
    """How users without a password may connect; none: there is no other way than as clients.

    Measured: on a listener that does not take the user from a certificate, servers below 2.12.14
    and 2.14.4 ask those for their name only.
    """
    types = {WEBSOCKET: "WEBSOCKET", LEAFNODES: "LEAFNODE"}
    ports = {WEBSOCKET: _websocket_port(spec), LEAFNODES: _leafnodes_port(spec)}
    others = [name for name, port in ports.items() if port]
    checked = [types[name] for name in others if _asks(spec, name)]
    closes = len(checked) < len(others) and version.at_least(2, 2)
    return ("STANDARD", *checked) if closes else ()


def contradictions(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Listeners that let in whom the clients' port would not."""
    clients, *others = doors(spec, version)
    if clients.is_open:
        return
    for door in others:
        if door.is_open and door.listener in _WAYS_OUT:
            asked = "a certificate" if clients.certificate else "a login"
            field, out = _WAYS_OUT[door.listener]
            message = (
                f"opens a port on which {door.listener} connect without credentials, while clients "
                f"need {asked}; {out}, or omit this"
            )
            yield Problem(field, "", message)
    yield from _unmapped(spec)


def _unmapped(spec: NatsClusterSpec) -> Iterator[Problem]:
    if MAPPED in logins_of(spec) and _websocket_port(spec) and not _asks(spec, WEBSOCKET):
        message = (
            "opens a port whose clients present no certificate, while auth.tlsVerifyAndMap "
            f"takes users from certificates; {_WEBSOCKET_OUT}, or omit one of the two"
        )
        yield Problem("spec.websocketConfig", "", message)


def remarks(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[str]:
    """What is worth knowing of other doors, where clients need something to get in."""
    clients, *others = doors(spec, version)
    policy = spec.network_policy or NetworkPolicy(enabled=False)
    limited = {ROUTES: policy.enabled, GATEWAYS: policy.enabled and bool(policy.gateways_from)}
    for door in () if clients.is_open else others:
        if door.is_open and door.listener in _LINKS and not limited[door.listener]:
            yield _LINKS[door.listener].format(door.port)


_WEBSOCKET_OUT: Final = "set tls.websocketVerify: true (and tls.websocketSecret)"
_LOGIN_OUT: Final = "require clients to log in with auth.clientsAuthSecret"
_WAYS_OUT: Final = {
    WEBSOCKET: ("spec.websocketConfig", f"{_WEBSOCKET_OUT}, {_LOGIN_OUT}"),
    LEAFNODES: (
        "spec.leafnodeConfig.hostPort",
        f"set tls.leafnodeVerify: true (and tls.leafnodeSecret), {_LOGIN_OUT}",
    ),
    LEAFNODES_OVER_WEBSOCKET: ("spec.websocketConfig", f"{_WEBSOCKET_OUT}, {_LOGIN_OUT}"),
}
_LINKS: Final = {
    ROUTES: (
        "anyone who can reach port {} can pose as a server and read everything: set "
        "auth.clusterAuthSecret, tls.routesSecret or networkPolicy"
    ),
    GATEWAYS: (
        "anyone who can reach port {} can pose as another cluster: set auth.gatewayAuthSecret, "
        "tls.gatewaySecret or networkPolicy.gatewaysFrom"
    ),
}


def _doors(
    spec: NatsClusterSpec, logins: frozenset[str], at_leaves: frozenset[str]
) -> Iterator[Door]:
    auth, tls = spec.auth or NO_AUTH, spec.tls or NO_TLS
    yield _door(spec, CLIENTS, names.CLIENT_PORT, logins)
    websocket, leafnodes = _websocket_port(spec), _leafnodes_port(spec)
    if websocket:
        yield _door(spec, WEBSOCKET, websocket, _mapped_only_if(_asks(spec, WEBSOCKET), logins))
    if leafnodes:
        mapped = _mapped_only_if(_asks(spec, LEAFNODES), at_leaves)
        yield _door(spec, LEAFNODES, leafnodes, mapped)
    if websocket and leafnodes:
        both = _asks(spec, WEBSOCKET) and _asks(spec, LEAFNODES)
        over = _door(spec, WEBSOCKET, websocket, _mapped_only_if(both, at_leaves))
        yield attrs.evolve(over, listener=LEAFNODES_OVER_WEBSOCKET)
    yield _door(spec, ROUTES, names.CLUSTER_PORT, _login(auth.cluster_auth_secret))
    gateway = spec.gateway_config or GatewayConfig()
    if gateway.name and gateway.host_port:
        yield _door(spec, GATEWAYS, gateway.host_port, _login(auth.gateway_auth_secret))
    yield Door(MONITORING, names.MONITORING_PORT, encrypted=tls.enable_https)


def _door(spec: NatsClusterSpec, name: str, port: int, logins: frozenset[str]) -> Door:
    encrypted = bool(secret_of(spec, _BY_NAME[name]))
    return Door(name, port, encrypted, encrypted and _asks(spec, name), logins)


def _asks(spec: NatsClusterSpec, name: str) -> bool:
    listener = _BY_NAME[name]
    return bool(secret_of(spec, listener)) and checks_certificates(spec, listener)


def _of_leaves(
    spec: NatsClusterSpec,
    version: ServerVersion,
    logins: frozenset[str],
    open_leaves: bool,
    one_user: bool,
) -> frozenset[str]:
    """What leaf nodes have to show: what clients have to, as far as the version can check it."""
    if not keeps_leaves_out(spec, version):
        return logins
    if open_leaves:
        return frozenset()
    mapped = (spec.auth or NO_AUTH).tls_verify_and_map
    if mapped and not version.at_least(2, 2) and not _asks(spec, LEAFNODES):
        return frozenset({NOBODY})  # measured: 2.1.9 asks leaf nodes for what clients have to show
    if not knows_leaf_account(version):
        return frozenset({PASSWORD if one_user else NOBODY})
    return logins - {TOKEN} or frozenset({NOBODY})


def _mapped_only_if(asks: bool, logins: frozenset[str]) -> frozenset[str]:
    kept = logins if asks else logins - {MAPPED}
    return kept if kept or not logins else frozenset({NOBODY})


def _login(secret: str | None) -> frozenset[str]:
    return frozenset({PASSWORD} if secret else ())


def _websocket_port(spec: NatsClusterSpec) -> int:
    return (spec.websocket_config or WebsocketConfig()).port or 0


def _leafnodes_port(spec: NatsClusterSpec) -> int:
    return (spec.leafnode_config or LeafnodeConfig()).host_port or 0
