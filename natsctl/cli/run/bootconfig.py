"""`natsctl bootconfig`: upstream's command line around the finder of addresses."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from natsctl import __version__
from natsctl.controllers.runtime.logs import set_up_logging
from natsctl.sidecar import bootconfig
from natsctl.sidecar.bootconfig import Failed, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

DESCRIPTION = """\
Writes two files that a configuration of nats-server includes: the address that is advertised to
clients, and to gateways and leaf nodes. It is the ExternalIP of the node, or the value of a label.

Environment: KUBERNETES_NODE_NAME (the node; required), KUBERNETES_CONFIG_FILE (a kubeconfig; the
default is the ServiceAccount of the pod), DEBUG=true (verbose log).
"""
DEFAULT_LABEL = "nats.io/node-external-ip"
LAST_WORDS = Path("/dev/termination-log")
"""Where a kubelet looks for them; no such file is there elsewhere."""


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags, with one hyphen or two."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument(
        "-f",
        "--f",
        dest="client_file",
        type=Path,
        default=Path("client_advertise.conf"),
        metavar="FILE",
        help="file for clients (default: %(default)s)",
    )
    parser.add_argument(
        "-gf",
        "--gf",
        dest="gateway_file",
        type=Path,
        default=Path("gateway_advertise.conf"),
        metavar="FILE",
        help="file for gateways and leaf nodes (default: %(default)s)",
    )
    parser.add_argument(
        "-t",
        "--t",
        dest="label",
        default=DEFAULT_LABEL,
        metavar="LABEL",
        help="label with the address of a node without ExternalIP (default: %(default)s)",
    )
    parser.add_argument(
        "-internal-ip",
        "--internal-ip",
        dest="internal",
        action="store_true",
        help="if there is neither, advertise the InternalIP of the node",
    )
    parser.add_argument(
        "-kubeconfig",
        "--kubeconfig",
        metavar="FILE",
        help="kubeconfig (default: the ServiceAccount of the pod)",
    )
    version = f"natsctl {__version__}"
    parser.add_argument("-v", "-version", "--version", action="version", version=version)
    parser.add_argument(
        "-h", "-help", "--help", action="help", help="show this help message and exit"
    )
    return parser


def settings_of(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Flags and environment; ValueError names what is not set."""
    node = environment.get("KUBERNETES_NODE_NAME")
    if not node:
        raise ValueError("KUBERNETES_NODE_NAME is not set: set it from spec.nodeName of the pod")
    return Settings(
        node=node,
        client_file=arguments.client_file,
        gateway_file=arguments.gateway_file,
        label=arguments.label,
        internal=arguments.internal,
        kubeconfig=arguments.kubeconfig or environment.get("KUBERNETES_CONFIG_FILE") or None,
    )


def run(argv: Sequence[str], prog: str) -> int:
    """Run once: 0, no address or no answer (1), an unusable set-up (2)."""
    arguments = parser_of(prog).parse_args(argv)
    debug = os.environ.get("DEBUG") == "true"
    set_up_logging("debug" if debug else "info", "text")
    try:
        settings = settings_of(arguments, os.environ)
        log.debug("%s", settings)
        advertised = asyncio.run(bootconfig.write(settings))
    except Failed as error:
        return _end(error, 1)
    except ValueError as error:
        return _end(error, 2)
    log.info("node %s: advertise %s (%s)", settings.node, advertised.address, advertised.source)
    return 0


def _end(error: Exception, status: int) -> int:
    """Say why, to whoever reads the log and to the kubelet, which shows it in the pod's status."""
    log.error("%s", error)
    with suppress(OSError):
        if LAST_WORDS.is_file():
            LAST_WORDS.write_text(str(error))
    return status
