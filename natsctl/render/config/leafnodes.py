"""The leaf block: leaf nodes that servers accept, and hubs that they are leaf nodes of."""

from natsctl.api.checks.doors import knows_leaf_account
from natsctl.api.fields import Json
from natsctl.api.types.server_config import LeafnodeRemote
from natsctl.render.config.clients import only_user
from natsctl.render.config.system_account import STRANGERS, keeps_leaves_out, no_login
from natsctl.render.config.tls import tls_block
from natsctl.render.config.urls import given_urls, url_keys
from natsctl.render.target import Target


def leafnode_block(target: Target) -> Json:
    """The whole block; empty without leaf nodes."""
    config = target.spec.leafnode_config
    if config is None:
        return {}
    listens: Json = {
        "port": config.host_port,
        **tls_block(target, "leafnodes"),
        **_without_login(target),
    }
    remotes = [_remote(remote) for remote in config.remotes]
    return {**(listens if config.host_port else {}), **({"remotes": remotes} if remotes else {})}


def _without_login(target: Target) -> Json:
    """Where leaf nodes without a login go: into an account with nobody in it, or nowhere.

    Servers that know no such account take one login of leaf nodes, and it has no limits.
    """
    if not keeps_leaves_out(target):
        return {}
    if knows_leaf_account(target.version):
        return {"authorization": {"account": STRANGERS}}
    return {"authorization": only_user(target) or no_login()}


def _remote(remote: LeafnodeRemote) -> Json:
    return {
        **url_keys(given_urls(remote.url, remote.urls)),
        **({"credentials": remote.credentials} if remote.credentials else {}),
    }
