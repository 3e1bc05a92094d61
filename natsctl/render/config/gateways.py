"""The gateway block: what joins a cluster to others."""

from natsctl.api.fields import Json
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.security import NO_AUTH
from natsctl.api.types.server_config import GatewayConfig, RemoteGateway
from natsctl.render.config.system_account import required_login
from natsctl.render.config.tls import tls_block
from natsctl.render.config.urls import given_urls, url_keys, with_login
from natsctl.render.inputs import Login
from natsctl.render.target import Target


def gateway_name(spec: NatsClusterSpec) -> str | None:
    """The cluster's name in its supercluster, if it is in one."""
    return (spec.gateway_config or GatewayConfig()).name or None


def gateway_block(target: Target) -> Json:
    """The whole block; empty for a cluster on its own."""
    config = target.spec.gateway_config
    if config is None or not config.name:
        return {}
    auth, login = target.spec.auth or NO_AUTH, target.inputs.gateways
    return {
        "name": config.name,
        "port": config.host_port or 0,
        **tls_block(target, "gateways"),
        "gateways": [_remote(remote, login) for remote in config.gateways],
        **({"reject_unknown": True} if config.reject_unknown else {}),
        **required_login(auth.gateway_auth_secret, login, auth.gateway_auth_timeout),
    }


def _remote(remote: RemoteGateway, login: Login | None) -> Json:
    """Another cluster; servers of one supercluster share one login."""
    urls = given_urls(remote.url, remote.urls)
    return {"name": remote.name, **url_keys([with_login(url, login) for url in urls])}
