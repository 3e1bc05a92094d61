"""The websocket block."""

from natsctl.api.fields import Json
from natsctl.render.config.tls import tls_block
from natsctl.render.target import Target


def websocket_block(target: Target) -> Json:
    """The whole block; empty without a port."""
    config = target.spec.websocket_config
    if config is None or not config.port:
        return {}
    return {
        "listen": f":{config.port}",
        **(tls_block(target, "websocket") or ({"no_tls": True} if config.no_tls else {})),
        **({"handshake_timeout": config.handshake_timeout} if config.handshake_timeout else {}),
        **({"compression": True} if config.compression else {}),
    }
