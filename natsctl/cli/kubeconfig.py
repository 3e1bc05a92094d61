"""Which API server and namespace a command is about, by kubectl's conventions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import yaml

from natsctl.cli.failures import Unusable
from natsctl.kube.transport import connect, namespace_of_pod

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from natsctl.kube.transport import Transport

DEFAULT_NAMESPACE = "default"


@attrs.frozen
class Place:
    """`kubeconfig` are files joined as in KUBECONFIG; None: the ServiceAccount of this pod.

    `namespace` is None for all namespaces.
    """

    kubeconfig: str | None
    context: str | None
    namespace: str | None

    def connect(self) -> AbstractAsyncContextManager[Transport]:
        """A connection; ValueError says what is wrong with the configuration."""
        return connect(self.kubeconfig, self.context)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One cluster or none, and the flags of kubectl."""
    parser.add_argument("cluster", nargs="?", metavar="CLUSTER", help="name of a NatsCluster")
    parser.add_argument(
        "-n", "--namespace", metavar="NAME", help="namespace (default: that of the context)"
    )
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="use all namespaces")
    parser.add_argument(
        "--kubeconfig",
        metavar="FILE",
        help="kubeconfig (default: KUBECONFIG, ~/.kube/config, or the ServiceAccount of this pod)",
    )
    parser.add_argument(
        "--context", metavar="NAME", help="context of the kubeconfig (default: the current one)"
    )


def parsed(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """The arguments; ends with status 2 if they contradict each other."""
    arguments = parser.parse_args(argv)
    if arguments.cluster and arguments.all_namespaces:
        parser.error("CLUSTER cannot be combined with --all-namespaces: choose one")
    return arguments


def place_of(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Place:
    """What flags, environment and kubeconfig say; Unusable if there is nothing to go by."""
    files = _files(arguments.kubeconfig, environment)
    if not files and namespace_of_pod() is None:
        raise Unusable("no kubeconfig: set KUBECONFIG or --kubeconfig (required outside of a pod)")
    contents = [_read(file) for file in files]
    current = next((c["current-context"] for c in contents if c.get("current-context")), None)
    context = arguments.context or current
    configured = _namespace(contents, context) if files else namespace_of_pod()
    chosen = arguments.namespace or configured or DEFAULT_NAMESPACE
    return Place(
        kubeconfig=os.pathsep.join(map(str, files)) or None,
        context=context,
        namespace=None if arguments.all_namespaces else chosen,
    )


def _files(flag: str | None, environment: Mapping[str, str]) -> list[Path]:
    """The kubeconfigs that count; one named by the flag has to be there."""
    if flag:
        return [Path(flag)]
    named = environment.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    return [Path(name) for name in named.split(os.pathsep) if name and Path(name).exists()]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Unusable(f"cannot use kubeconfig {file}: {error}") from None
    if not isinstance(content, dict):
        raise Unusable(f"cannot use kubeconfig {file}: it must contain an object")
    return content


def _namespace(contents: list[Mapping[str, Any]], name: str | None) -> str | None:
    """That of a context; in several files, the first of the name counts."""
    for content in contents:
        for item in content.get("contexts") or ():
            if item.get("name") == name:
                namespace = (item.get("context") or {}).get("namespace")
                return str(namespace) if namespace else None
    return None
