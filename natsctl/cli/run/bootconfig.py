"""`natsctl bootconfig`: upstream's command line, and more, around what is read of a node."""

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
from natsctl.sidecar.bootconfig import Failed, Settings, Written
from natsctl.sidecar.node_tags import TagSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

DESCRIPTION = """\
Writes two files that a configuration of nats-server includes: the address that is advertised to
clients, and to gateways and leaf nodes. It is the ExternalIP of the node, or the value of a label.
With --tag-label, also writes a configuration that adds tags to the server, from labels of the node.

Environment: KUBERNETES_NODE_NAME (the node; required), KUBERNETES_CONFIG_FILE (a kubeconfig; the
default is the ServiceAccount of the pod), DEBUG=true (verbose log).
"""
DEFAULT_LABEL = "nats.io/node-external-ip"
LAST_WORDS = Path("/dev/termination-log")
"""Where a kubelet looks for them; no such file is there elsewhere."""
_LATER = "label the node, and then delete the pod"


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags, with one hyphen or two."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    _add_address(parser)
    _add_tags(parser)
    version = f"natsctl {__version__}"
    parser.add_argument("-v", "-version", "--version", action="version", version=version)
    parser.add_argument(
        "-h", "-help", "--help", action="help", help="show this help message and exit"
    )
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
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


def _add_tags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-no-address",
        "--no-address",
        dest="addresses",
        action="store_false",
        help="look up no address, and write no file with it",
    )
    parser.add_argument(
        "-tag-label",
        "--tag-label",
        dest="tag_labels",
        action="append",
        default=[],
        metavar="LABEL",
        help="label of the node that becomes a tag of the server; may be repeated",
    )
    parser.add_argument(
        "-start-file",
        "--start-file",
        dest="start_file",
        type=Path,
        default=Path("start.conf"),
        metavar="FILE",
        help="file with the tags, which nats-server starts with (default: %(default)s)",
    )
    parser.add_argument(
        "-config",
        "--config",
        dest="config",
        type=Path,
        default=Path("server.conf"),
        metavar="FILE",
        help="configuration that it includes (default: %(default)s)",
    )


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
        addresses=arguments.addresses,
        tags=_tags(arguments),
    )


def _tags(arguments: argparse.Namespace) -> TagSettings | None:
    labels = tuple(arguments.tag_labels)
    return TagSettings(labels, arguments.start_file, arguments.config) if labels else None


def run(argv: Sequence[str], prog: str) -> int:
    """Run once: 0, no address or no answer (1), an unusable set-up (2)."""
    arguments = parser_of(prog).parse_args(argv)
    debug = os.environ.get("DEBUG") == "true"
    set_up_logging("debug" if debug else "info", "text")
    try:
        settings = settings_of(arguments, os.environ)
        log.debug("%s", settings)
        written = asyncio.run(bootconfig.write(settings))
    except Failed as error:
        return _end(error, 1)
    except ValueError as error:
        return _end(error, 2)
    _report(settings.node, written)
    return 0


def _report(node: str, written: Written) -> None:
    if (advertised := written.advertised) is not None:
        log.info("node %s: advertise %s (%s)", node, advertised.address, advertised.source)
    if (tagged := written.tagged) is None:
        return
    log.info("node %s: tags %s", node, ", ".join(tagged.tags) or "none")
    if tagged.lacking:
        said = " and ".join(f"no label {label}" for label in tagged.lacking)
        words = f"node {node} has {said}: the server starts without that tag; to add it, {_LATER}"
        log.warning("%s", words)
        _leave(words)


def _end(error: Exception, status: int) -> int:
    log.error("%s", error)
    _leave(str(error))
    return status


def _leave(words: str) -> None:
    """For the kubelet, which shows them in the pod's status."""
    with suppress(OSError):
        if LAST_WORDS.is_file():
            LAST_WORDS.write_text(words)
