"""Which changes a running server takes up by a reload (measured, tests/server/test_reload.py)."""

from typing import Final

from natsctl.api.version import ServerVersion
from natsctl.render.revision.revision import HELD

_RELOADABLE: Final = frozenset(
    {
        "auth.clientsAuthSecret",
        "auth.clientsAuthTimeout",
        "auth.clusterAuthTimeout",
        "auth.connectionTypes",
        "auth.enableServiceAccounts",
        "auth.routes",
        "auth.system",
        "auth.users",
        "extraRoutes",
        "natsConfig.debug",
        "natsConfig.disableLogtime",
        "natsConfig.maxConnections",
        "natsConfig.maxControlLine",
        "natsConfig.maxPayload",
        "natsConfig.trace",
        "natsConfig.write_deadline",
        "operatorConfig.resolverPreload",
        "routes",
        "tls.certificates",
        "tls.cipherSuites",
        "tls.clientsTLSTimeout",
        "tls.curvePreferences",
        "tls.routesTLSTimeout",
        "tls.verify",
        "tls.websocketTLSTimeout",
        *(
            f"tls.{listener}Secret{kind}FileName"
            for listener in ("server", "routes", "gateway", "leafnode", "websocket")
            for kind in ("CA", "Cert", "Key")
        ),
    }
)
# Not among them though servers take them up by themselves: `auth.clientsAuthFile`,
# `auth.tlsVerifyAndMap` and `auth.token`. With each of them the operator's user goes, and there is
# nobody to ask.
_SINCE: Final = {"leafnodeConfig.remotes": (2, 14)}


def reloadable(path: str, version: ServerVersion) -> bool:
    """Whether a change of this path of a revision takes no restart."""
    if path in _SINCE:
        return version.at_least(*_SINCE[path])
    return path == HELD or path in _RELOADABLE
