"""Checks of who may connect, and of accounts kept as JWTs."""

import re
from collections.abc import Iterator

from natsctl.api.checks.texts import file_path
from natsctl.api.jwts import account_problem, is_account
from natsctl.api.problems import Problem, member, shown
from natsctl.api.system_account import allows_system, needs_system
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.security import NO_AUTH, NO_OPERATOR, AuthConfig, OperatorConfig
from natsctl.api.types.server_config import LeafnodeConfig
from natsctl.api.urls import WEB_SCHEMES, is_url
from natsctl.api.version import ServerVersion

_URL = re.compile(r'(?:URL|url)\(\s*"?([^\s"()]+)"?\s*\)', re.ASCII)
_MEMORY = ("MEM", "MEMORY", "mem", "memory")
_RESOLVER_HELP = "use MEMORY, or URL(https://host/jwt/v1/accounts/)"
_ACCOUNT_HELP = "use the public key of an account: 56 characters, starting with A"


def auth_problems(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Problems of `auth` and `operatorConfig`."""
    auth, operator = spec.auth or NO_AUTH, spec.operator_config or NO_OPERATOR
    yield from file_path(auth.clients_auth_file, "spec.auth.clientsAuthFile")
    yield from _system(spec, version)
    yield from _without_operator(operator)
    if operator.secret:
        yield from _beside_users(auth)
        yield from _remotes(spec.leafnode_config or LeafnodeConfig(), version)
    yield from _resolver(operator, version)
    yield from _accounts(operator, version)


def _system(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    account = (spec.operator_config or NO_OPERATOR).system_account
    if needs_system(spec) and not account and not allows_system(spec, version):
        message = (
            "leaf nodes together with gateways need a system account, which the operator cannot "
            "set up for nats-server before 2.9, nor with operatorConfig, clientsAuthFile "
            "or tlsVerifyAndMap; omit hostPort, or set operatorConfig.systemAccount"
        )
        yield Problem("spec.leafnodeConfig.hostPort", "", message)


def _without_operator(operator: OperatorConfig) -> Iterator[Problem]:
    given = operator.system_account or operator.resolver or operator.resolver_preload
    if given and not operator.secret:
        message = "is required; set it to the name of the Secret with the operator's op.jwt"
        yield Problem("spec.operatorConfig.secret", "", message)


def _beside_users(auth: AuthConfig) -> Iterator[Problem]:
    ways = {
        "enableServiceAccounts": auth.enable_service_accounts,
        "clientsAuthSecret": auth.clients_auth_secret,
        "clientsAuthFile": auth.clients_auth_file,
    }
    for field, given in ways.items():
        if given:
            message = (
                "with operatorConfig, servers take users from account JWTs only; "
                "omit one of the two"
            )
            yield Problem(f"spec.auth.{field}", shown(given), message)


def _remotes(leafnodes: LeafnodeConfig, version: ServerVersion) -> Iterator[Problem]:
    # Read: 2.1.9 does not ask for the account, 2.2.6 does.
    if leafnodes.remotes and version.at_least(2, 2):
        message = (
            f"nats-server {version} with operatorConfig needs an account for every remote, "
            "which cannot be set here; omit one of the two"
        )
        yield Problem("spec.leafnodeConfig.remotes", "", message)


def _resolver(operator: OperatorConfig, version: ServerVersion) -> Iterator[Problem]:
    path, given = "spec.operatorConfig.resolver", operator.resolver
    # Read: 2.1.0 does not take it from the operator's JWT, 2.1.9 does.
    if operator.secret and not given and not version.at_least(2, 1, 9):
        message = f"is required by nats-server {version}; {_RESOLVER_HELP}"
        yield Problem(path, "", message)
    if given and given not in _MEMORY:
        url = _URL.fullmatch(given)
        if not url or not is_url(url[1], WEB_SCHEMES, with_port=False):
            message = f"{shown(given)} is not a valid resolver; {_RESOLVER_HELP}"
            yield Problem(path, shown(given), message)
        elif "mem" in given.lower():
            message = 'nats-server treats any text that contains "mem" as MEMORY; use another URL'
            yield Problem(path, shown(given), message)
    if operator.resolver_preload and given not in _MEMORY:
        message = "requires resolver MEMORY; set that, or omit this"
        yield Problem("spec.operatorConfig.resolverPreload", "", message)


def _accounts(operator: OperatorConfig, version: ServerVersion) -> Iterator[Problem]:
    path, account = "spec.operatorConfig.systemAccount", operator.system_account
    if account and not is_account(account):
        message = f"{shown(account)} is not a valid account; {_ACCOUNT_HELP}"
        yield Problem(path, shown(account), message)
    elif account and operator.resolver in _MEMORY and account not in operator.resolver_preload:
        message = "resolver MEMORY does not have this account; add its JWT to resolverPreload"
        yield Problem(path, shown(account), message)
    for key, jwt in operator.resolver_preload.items():
        here = member("spec.operatorConfig.resolverPreload", key)
        if not is_account(key):
            yield Problem(here, shown(key), f"{shown(key)} is not a valid account; {_ACCOUNT_HELP}")
        elif problem := account_problem(key, jwt, version):
            yield Problem(here, "", problem)
