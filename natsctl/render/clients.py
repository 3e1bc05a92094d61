"""Who may connect as a client: users of the configuration, or accounts kept as JWTs."""

from typing import Any, Final

from natsctl.api.fields import Json
from natsctl.api.listeners import OPERATOR_DIR
from natsctl.api.security import AuthConfig, OperatorConfig
from natsctl.api.system import asks_for_users
from natsctl.render.accounts import SYSTEM_ACCOUNT, has_system, nobody
from natsctl.render.target import Target

OPERATOR_JWT: Final = f"{OPERATOR_DIR}/op.jwt"
_LOGIN: Final = ("user", "username", "pass", "password")


def authorization_block(target: Target) -> Json:
    """The clients' authorization; empty if the spec asks for none, or for that of a file."""
    auth = target.spec.auth or AuthConfig()
    if not asks_for_users(auth):
        return {}
    block = dict(target.inputs.authorization or {})
    if not any(block.get(key) for key in ("users", "token", "user", "username")):
        block |= nobody()
    if has_system(target):
        block = _as_list(block)
    timeout = auth.clients_auth_timeout
    return {"authorization": {**block, **({"timeout": timeout} if timeout else {})}}


def has_token(target: Target) -> bool:
    """Whether clients show a token, beside which no server takes users of accounts."""
    return bool(authorization_block(target).get("authorization", {}).get("token"))


def accounts_block(target: Target) -> Json:
    """The operator's own account, of which nothing is seen by clients."""
    if not has_system(target):
        return {}
    users = [{"nkey": target.inputs.system}]
    return {"accounts": {SYSTEM_ACCOUNT: {"users": users}}, "system_account": SYSTEM_ACCOUNT}


def operator_block(target: Target) -> Json:
    """Accounts that a NATS operator signed, and where to look them up."""
    config = target.spec.operator_config or OperatorConfig()
    if not config.secret:
        return {}
    given: dict[str, Any] = {
        "operator": OPERATOR_JWT,
        "system_account": config.system_account,
        "resolver": config.resolver,
        "resolver_preload": dict(config.resolver_preload),
    }
    return {key: value for key, value in given.items() if value}


def _as_list(block: Json) -> Json:
    """A single user as a list of one, which goes together with users of accounts."""
    user = {key: block[key] for key in _LOGIN if key in block}
    rest = {key: value for key, value in block.items() if key not in _LOGIN}
    return {**rest, "users": [user]} if user else rest
