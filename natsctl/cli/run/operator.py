"""`natsctl operator`: flags, environment and signals around the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import gc
import linecache
import logging
import os
import signal
from typing import TYPE_CHECKING, Final

from natsctl import __version__
from natsctl.controllers.runtime.crd_revision import SchemaTooOld
from natsctl.controllers.runtime.lease import LeaseLost
from natsctl.controllers.runtime.logs import set_up_logging
from natsctl.controllers.settings import (
    Settings,
    allowed_and_denied,
    feature_gates,
    label_map,
    listen_address,
    namespace_list,
)
from natsctl.controllers.supervisor import supervise
from natsctl.kube.errors import ApiError
from natsctl.kube.transport import namespace_of_pod
from natsctl.render.inputs import Images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

GARBAGE: Final = (50_000, 20, 100)
"""How rarely to look for garbage (`gc.set_threshold`): nearly all that is made for a cluster stays,
and the rest goes without that."""
DESCRIPTION = """\
Runs the operator, which creates and manages NATS clusters for NatsCluster objects.

Environment: MY_POD_NAMESPACE (the namespace, unless --namespace is given), MY_POD_NAME (part of
the identity in the lease), MY_POD_LABELS (key=value,...: labels by which NetworkPolicies of
clusters admit the operator), NATSCTL_IMAGE (as --sidecar-image), KUBERNETES_SERVICE_HOST and
KUBERNETES_SERVICE_PORT (inside a pod).
"""


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags; upstream's single-dash long flags are understood too."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--feature-gates",
        "-feature-gates",
        default="",
        metavar="KEY=BOOL,...",
        help="ClusterScoped=true manages NatsClusters in all namespaces (default: only its own)",
    )
    parser.add_argument(
        "--listen-addr",
        "-listen-addr",
        default="0.0.0.0:8080",
        metavar="HOST:PORT",
        help="address of /healthz, /readyz and /metrics (default: %(default)s)",
    )
    parser.add_argument(
        "--kubeconfig",
        "-debug-kube-config-path",
        metavar="FILE",
        help="kubeconfig (default: the ServiceAccount of the pod)",
    )
    parser.add_argument("--context", metavar="NAME", help="context of the kubeconfig")
    parser.add_argument(
        "--namespace",
        metavar="NAME",
        help="namespace of the lease, and the managed one unless ClusterScoped",
    )
    parser.add_argument(
        "--watch-namespaces",
        default="",
        metavar="NAME,...",
        help="manage the NatsClusters in these namespaces (default: that of the lease)",
    )
    _add_service_accounts(parser)
    _add_servers(parser)
    _add_logs(parser)
    parser.add_argument("--version", "-version", action="version", version=f"natsctl {__version__}")
    return parser


def _add_service_accounts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allowed-service-account-namespaces",
        default="*",
        metavar="NAME,...",
        help="namespaces whose ServiceAccounts can connect to clusters in other namespaces; * is "
        "all except kube-system, kube-public, kube-node-lease and the operator's own "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--denied-service-account-namespaces",
        default="",
        metavar="NAME,...",
        help="namespaces whose ServiceAccounts cannot connect to any cluster",
    )
    parser.add_argument(
        "--namespace-selectors",
        action="store_true",
        help="read the labels of Namespaces, for NatsServiceRoles that select namespaces by them; "
        "requires ClusterScoped=true and permission to list and watch Namespaces",
    )


def _add_servers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sidecar-image",
        metavar="IMAGE",
        help="image of natsctl for reloaders and init containers, if the spec names none",
    )
    parser.add_argument(
        "--platform-assigned-ids",
        action="store_true",
        help="leave user, group and fsGroup of server pods to the platform (OpenShift)",
    )


def _add_logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-level",
        default="info",
        choices=("debug", "info", "warning", "error"),
        help="lowest severity to log (default: %(default)s)",
    )
    parser.add_argument(
        "--log-format",
        default="text",
        choices=("text", "json"),
        help="format of the log, one line per record (default: %(default)s)",
    )


def settings_of(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Flags over environment over defaults; ValueError names the flag that cannot be used."""
    gates = feature_gates(arguments.feature_gates)
    host, port = listen_address(arguments.listen_addr)
    namespace = arguments.namespace or environment.get("MY_POD_NAMESPACE") or namespace_of_pod()
    if not namespace:
        raise ValueError("no namespace: set --namespace or MY_POD_NAMESPACE")
    namespaces = namespace_list(arguments.watch_namespaces)
    if namespaces and gates["ClusterScoped"]:
        raise ValueError(
            "--watch-namespaces cannot be combined with ClusterScoped=true: choose one"
        )
    if arguments.namespace_selectors and not gates["ClusterScoped"]:
        raise ValueError(
            "--namespace-selectors requires ClusterScoped=true: the operator cannot see "
            "ServiceAccounts in other namespaces; omit it, or manage all namespaces"
        )
    allowed, denied = allowed_and_denied(
        arguments.allowed_service_account_namespaces, arguments.denied_service_account_namespaces
    )
    return Settings(
        namespace=namespace,
        allowed=allowed,
        denied=denied,
        selectors=arguments.namespace_selectors,
        cluster_scoped=gates["ClusterScoped"],
        namespaces=namespaces,
        host=host,
        port=port,
        kubeconfig=arguments.kubeconfig,
        context=arguments.context,
        images=_images(arguments.sidecar_image or environment.get("NATSCTL_IMAGE")),
        platform_assigned_ids=arguments.platform_assigned_ids,
        jetstream=gates["JetStream"],
        pod_labels=label_map(environment.get("MY_POD_LABELS", "")),
        identity=environment.get("MY_POD_NAME") or environment.get("HOSTNAME"),
    )


def _images(image: str | None) -> Images:
    """One image of natsctl holds both programs."""
    return Images(reloader=image, bootconfig=image) if image else Images()


def run(argv: Sequence[str], prog: str) -> int:
    """Run until SIGTERM or SIGINT (0), a lost lease or API server (1), an unusable set-up (2)."""
    arguments = parser_of(prog).parse_args(argv)
    set_up_logging(arguments.log_level, arguments.log_format)
    try:
        settings = settings_of(arguments, os.environ)
        linecache.clearcache()  # attrs keeps the source of all that it generates there
        gc.freeze()  # what the imports made stays for ever: no reason to visit it again
        gc.set_threshold(*GARBAGE)
        asyncio.run(_until_signalled(settings))
    except (ValueError, SchemaTooOld, OSError) as error:
        log.error("%s", error)
        return 2
    except LeaseLost as error:
        log.error("%s; exiting, so that no two processes write", error)
        return 1
    except ApiError as error:
        log.error("a request to the API server failed: %s", error)
        return 1
    return 0


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await supervise(settings, stop)
