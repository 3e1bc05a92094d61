"""The command line: `natsctl COMMAND`, and `nats-operator` as `natsctl operator`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from natsctl import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="natsctl", description="A Kubernetes operator for NATS.")
    parser.add_argument("--version", action="version", version=f"natsctl {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("operator", help="run the operator", add_help=False)
    commands.add_parser("reloader", help="signal nats-server on changes", add_help=False)
    commands.add_parser("bootconfig", help="find a node's external address", add_help=False)
    commands.add_parser("validate", help="check manifests, offline", add_help=False)
    commands.add_parser("render", help="print what would be made of manifests", add_help=False)
    commands.add_parser("crds", help="print the CustomResourceDefinitions")
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "operator":
        from natsctl.cli import operator

        return operator.run(rest, "natsctl operator")
    if arguments.command == "reloader":
        from natsctl.cli import reloader

        return reloader.run(rest, "natsctl reloader")
    if arguments.command == "bootconfig":
        from natsctl.cli import bootconfig

        return bootconfig.run(rest, "natsctl bootconfig")
    if arguments.command == "validate":
        from natsctl.cli import validate

        return validate.run(rest)
    if arguments.command == "render":
        from natsctl.cli import render

        return render.run(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return _crds()


def nats_operator(argv: Sequence[str] | None = None) -> int:
    """`nats-operator`: what old manifests call."""
    from natsctl.cli import operator

    return operator.run(sys.argv[1:] if argv is None else argv, "nats-operator")


def config_reloader(argv: Sequence[str] | None = None) -> int:
    """`nats-server-config-reloader`: what the reloader's container calls."""
    from natsctl.cli import reloader

    return reloader.run(sys.argv[1:] if argv is None else argv, "nats-server-config-reloader")


def pod_bootconfig(argv: Sequence[str] | None = None) -> int:
    """`nats-pod-bootconfig`: what the init container calls."""
    from natsctl.cli import bootconfig

    return bootconfig.run(sys.argv[1:] if argv is None else argv, "nats-pod-bootconfig")


def _crds() -> int:
    from natsctl.api.crds import crds_yaml

    sys.stdout.write(crds_yaml())
    return 0
