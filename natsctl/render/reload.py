"""Which changes a running server takes up by a reload.

https://docs.nats.io/running-a-nats-service/configuration#configuration-reloading, measured for
every path here on real servers.
"""

from typing import Final

from natsctl.api.version import ServerVersion

_RELOADABLE: Final = frozenset(
    {
        "auth.clientsAuthSecret",
        "auth.clientsAuthTimeout",
        "auth.clusterAuthSecret",
        "auth.clusterAuthTimeout",
        "auth.enableServiceAccounts",
        "auth.allowStaticUsers",
        "auth.users",
        "auth.routes",
        "extraRoutes",
        "natsConfig.debug",
        "natsConfig.disableLogtime",
        "natsConfig.maxConnections",
        "natsConfig.maxControlLine",
        "natsConfig.maxPayload",
        "natsConfig.trace",
        "natsConfig.write_deadline",
        "routes",
        "tls.certificates",
        "tls.clientsTLSTimeout",
        "tls.cipherSuites",
        "tls.curvePreferences",
        "tls.verify",
    }
)


def reloadable(path: str, version: ServerVersion) -> bool:
    """Whether a change of this path of a revision takes no restart."""
    if path == "leafnodeConfig.remotes":
        return version.at_least(2, 14)
    return path in _RELOADABLE
