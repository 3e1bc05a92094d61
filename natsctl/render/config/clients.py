"""Who may connect as a client: users of the configuration, or accounts kept as JWTs."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.checks import doors
from natsctl.api.checks.doors import connection_types, knows_leaf_account
from natsctl.api.fields import Json
from natsctl.api.system_account import asks_for_users, needs_system
from natsctl.api.types.listeners import OPERATOR_DIR
from natsctl.api.types.security import NO_AUTH, NO_OPERATOR
from natsctl.render.config.permissions import block_as_meant
from natsctl.render.config.system_account import (
    STRANGERS,
    SYSTEM_ACCOUNT,
    has_system,
    keeps_leaves_out,
    no_login,
    nobody,
    system_permissions,
)
from natsctl.render.target import Target

OPERATOR_JWT: Final = f"{OPERATOR_DIR}/op.jwt"
_LOGIN: Final = ("user", "username", "pass", "password")


def authorization_block(target: Target) -> Json:
    """The clients' authorization; empty if the spec asks for none, or for that of a file."""
    auth = target.spec.auth or NO_AUTH
    if not asks_for_users(auth):
        return {}
    block = block_as_meant(target.inputs.authorization or {})
    if not any(block.get(key) for key in ("users", "token", "user", "username")):
        block |= nobody()
    if has_system(target) or keeps_leaves_out(target):
        block = _as_list(block)
    if types := mapped_types(target):
        block["users"] = [_restricted(user, types) for user in block.get("users", ())]
    timeout = auth.clients_auth_timeout
    return {"authorization": {**block, **({"timeout": timeout} if timeout else {})}}


def mapped_types(target: Target) -> tuple[str, ...]:
    """How users that certificates stand for may connect; none: as everybody else."""
    mapped = (target.spec.auth or NO_AUTH).tls_verify_and_map
    users = (target.inputs.authorization or {}).get("users", ())
    if not mapped or not any(map(_by_certificate, users)):
        return ()
    return connection_types(target.spec, target.version)


def logins(target: Target) -> frozenset[str]:
    """What clients may show to get in, as the Secrets of users say; none: nothing is asked."""
    if not asks_for_users(target.spec.auth or NO_AUTH):
        return doors.logins_of(target.spec)
    block = authorization_block(target)["authorization"]
    users = [user for user in block.get("users", ()) if user != no_login()]
    kinds = {
        doors.TOKEN: bool(block.get("token")),
        doors.NKEY: any(user.get("nkey") for user in users),
        doors.MAPPED: any(map(_by_certificate, users)),
        doors.PASSWORD: bool(block.get("password")) or any(u.get("password") for u in users),
    }
    return frozenset(kind for kind, there in kinds.items() if there) or frozenset({doors.NOBODY})


def only_user(target: Target) -> Json | None:
    """Name and password of the one user there is; None if there are more, or it has limits."""
    block = authorization_block(target).get("authorization", {})
    users = block.get("users") or [block]
    if len(users) > 1 or users[0].get("permissions") or block.get("default_permissions"):
        return None
    name, password = users[0].get("username"), users[0].get("password")
    return {"user": name, "password": password} if name and password else None


def has_token(target: Target) -> bool:
    """Whether clients show a token, beside which no server takes users of accounts."""
    return bool(authorization_block(target).get("authorization", {}).get("token"))


def accounts_block(target: Target) -> Json:
    """The operator's own user, of which nothing is seen by clients, and strangers' account.

    The default system account is there without being named, and then its users come and go by a
    reload. Where servers want it named, beside gateways and leaf nodes, it is from the start.
    """
    accounts: Json = {}
    if keeps_leaves_out(target) and knows_leaf_account(target.version):
        accounts[STRANGERS] = {}
    if not has_system(target):
        return {"accounts": accounts} if accounts else {}
    account = target.inputs.account
    user = {"nkey": target.inputs.system, "permissions": system_permissions(target.spec)}
    accounts[account] = {"users": [user]}
    named = account != SYSTEM_ACCOUNT or needs_system(target.spec)
    return {"accounts": accounts, **({"system_account": account} if named else {})}


def operator_block(target: Target) -> Json:
    """Accounts that a NATS operator signed, and where to look them up."""
    config = target.spec.operator_config or NO_OPERATOR
    if not config.secret:
        return {}
    given: dict[str, Any] = {
        "operator": OPERATOR_JWT,
        "system_account": config.system_account,
        "resolver": config.resolver,
        "resolver_preload": dict(config.resolver_preload),
    }
    return {key: value for key, value in given.items() if value}


def _by_certificate(user: Mapping[str, Any]) -> bool:
    return not user.get("password") and not user.get("nkey")


def _restricted(user: Json, types: tuple[str, ...]) -> Json:
    return {**user, "allowed_connection_types": list(types)} if _by_certificate(user) else user


def _as_list(block: Json) -> Json:
    """A single user as a list of one, which goes together with users of accounts."""
    user = {key: block[key] for key in _LOGIN if key in block}
    rest = {key: value for key, value in block.items() if key not in _LOGIN}
    return {**rest, "users": [user]} if user else rest
