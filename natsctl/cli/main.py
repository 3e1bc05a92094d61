"""The command line: `natsctl COMMAND`, also as `kubectl natsctl COMMAND`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from natsctl import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMMANDS = {
    "status": "show the state of NATS clusters, and what they wait for",
    "report": "write a support bundle, with secrets masked",
    "validate": "check manifests offline",
    "render": "print the objects that the operator would create",
    "crds": "print the CustomResourceDefinitions",
    "operator": "run the operator",
    "reloader": "signal nats-server when its configuration changes",
    "bootconfig": "look up the external address of a node, and labels for tags",
}
"""Each is a module of its folder, with `parser_of(prog)` and `run(argv, prog)`."""
_FOLDERS = {
    "status": "status",
    "report": "report",
    "validate": "offline",
    "render": "offline",
    "crds": "offline",
    "operator": "run",
    "reloader": "run",
    "bootconfig": "run",
}
_YOUNG: Final = (10_000, 1_000, 1_000)
_AUTHORITIES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def main(argv: Sequence[str] | None = None, prog: str = "natsctl") -> int:
    """Run one command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        words = [parser_of(prog).parse_args(words).command]
    return _run(words[0], words[1:], f"{prog} {words[0]}")


def parser_of(prog: str) -> argparse.ArgumentParser:
    """What there is before the command; the commands have parsers of their own."""
    parser = argparse.ArgumentParser(prog=prog, description="A Kubernetes operator for NATS.")
    parser.add_argument("--version", action="version", version=f"natsctl {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    return parser


def module_of(command: str) -> Any:
    """The module of a command, imported."""
    with _little_garbage(), _no_authorities():
        return import_module(f"natsctl.cli.{_FOLDERS[command]}.{command}")


@contextmanager
def _little_garbage() -> Iterator[None]:
    """Look for garbage where classes leave it: without that an operator has 3 MB more for ever.

    What is older stays, and looking through it again and again takes a tenth of the start.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*_YOUNG)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def _no_authorities() -> Iterator[None]:
    """Let aiohttp find no authorities: what it reads on import costs 2 MB, and nothing uses it."""
    usual = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    try:
        yield
    finally:
        for name, value in usual.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


def kubectl_natsctl(argv: Sequence[str] | None = None) -> int:
    """`kubectl-natsctl`: what `kubectl natsctl` calls."""
    return main(argv, "kubectl natsctl")


def nats_operator(argv: Sequence[str] | None = None) -> int:
    """`nats-operator`: what old manifests call."""
    return _alias("operator", argv, "nats-operator")


def config_reloader(argv: Sequence[str] | None = None) -> int:
    """`nats-server-config-reloader`: what the reloader's container calls."""
    return _alias("reloader", argv, "nats-server-config-reloader")


def pod_bootconfig(argv: Sequence[str] | None = None) -> int:
    """`nats-pod-bootconfig`: what the init container calls."""
    return _alias("bootconfig", argv, "nats-pod-bootconfig")


def _alias(command: str, argv: Sequence[str] | None, prog: str) -> int:
    return _run(command, sys.argv[1:] if argv is None else argv, prog)


def _run(command: str, argv: Sequence[str], prog: str) -> int:
    return int(module_of(command).run(argv, prog))
