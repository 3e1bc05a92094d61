"""The configuration of the servers.

It comes in two files: `nats.conf` is plain JSON, the same for every server, and `server.conf`
(`boot`) is what a server starts with: its own name, which JSON cannot take from the
environment, and an include of the former.
"""

import json
from typing import Any

import msgspec

from natsctl.api.fields import Json
from natsctl.api.types.security import NO_TLS, TLSConfig
from natsctl.api.types.server_config import NatsConfig
from natsctl.model import names
from natsctl.render.config.boot import LEAF
from natsctl.render.config.boot import boot_text as boot_text
from natsctl.render.config.clients import accounts_block, authorization_block, operator_block
from natsctl.render.config.gateways import gateway_block
from natsctl.render.config.jetstream import is_standalone
from natsctl.render.config.leafnodes import leafnode_block
from natsctl.render.config.routes import cluster_block
from natsctl.render.config.routes import own_name as own_name
from natsctl.render.config.system_account import has_system as has_system
from natsctl.render.config.system_account import may_have_system as may_have_system
from natsctl.render.config.system_account import nobody as nobody
from natsctl.render.config.tls import tls_block
from natsctl.render.config.websocket import websocket_block
from natsctl.render.target import Target


def server_config(target: Target) -> Json:
    """The configuration as an object, keys in the order they are written."""
    blocks = {
        "gateway": gateway_block(target),
        LEAF: leafnode_block(target),
        "websocket": websocket_block(target),
    }
    return {
        "port": names.CLIENT_PORT,
        _monitoring(target.spec.tls or NO_TLS): names.MONITORING_PORT,
        **({} if is_standalone(target.spec) else {"cluster": cluster_block(target)}),
        **tls_block(target, "clients"),
        **_settings(target.spec.nats_config or NatsConfig()),
        **authorization_block(target),
        **({"server_tags": list(target.spec.server_tags)} if target.spec.server_tags else {}),
        **_lame_duck(target.spec.lame_duck_duration_seconds),
        **{key: block for key, block in blocks.items() if block},
        **operator_block(target),
        **accounts_block(target),
    }


def config_text(target: Target) -> str:
    """The text of nats.conf."""
    return json_text(server_config(target))


def json_text(config: Json) -> str:
    """An object as nats-server reads it.

    It reads JSON but for \\u escapes and for numbers right before a bracket, so characters stand
    for themselves and every item has its own line. The lines are made afterwards: Python's encoder
    is quick without them only.
    """
    return msgspec.json.format(json.dumps(config, ensure_ascii=False), indent=2) + "\n"


def _monitoring(tls: TLSConfig) -> str:
    return "https_port" if tls.enable_https else "http_port"


def _settings(config: NatsConfig) -> Json:
    given: dict[str, Any] = {
        "debug": config.debug,
        "trace": config.trace,
        "logtime": not config.disable_logtime,
        "write_deadline": config.write_deadline,
        "max_connections": config.max_connections,
        "max_control_line": config.max_control_line,
        "max_payload": config.max_payload,
        "max_pending": config.max_pending,
        "max_subscriptions": config.max_subscriptions,
    }
    return {key: value for key, value in given.items() if value or key == "logtime"}


def _lame_duck(seconds: int | None) -> Json:
    return {"lame_duck_duration": f"{seconds}s"} if seconds else {}
