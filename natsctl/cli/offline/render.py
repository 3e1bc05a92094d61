"""`natsctl render`: the objects and the configuration that the operator would make."""

from __future__ import annotations

import argparse
import base64
import sys
from typing import TYPE_CHECKING, Any

import yaml

from natsctl.api.parse import parse_spec
from natsctl.api.release import meant_version
from natsctl.cli.offline.lookup import references_of
from natsctl.cli.offline.manifests import Document, Unreadable, read
from natsctl.cli.offline.validate import examined, notes_on
from natsctl.cli.report.masking import masked_inputs, masked_strings
from natsctl.model.foreign import MASK, plain, spelt
from natsctl.model.server_identity import indexes
from natsctl.plan.desired import TOKEN_BESIDE_BOTH
from natsctl.plan.inputs.resolve import resolve
from natsctl.render.config.conf import config_text
from natsctl.render.config.system_account import lacks_system
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.pod.pod import pod
from natsctl.render.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.api.fields import Json

DESCRIPTION = """\
Prints the objects that the operator would create for the NatsClusters in YAML files (- is standard
input): Services, Secret, NetworkPolicy, pods and, with JetStream, PersistentVolumeClaims and the
PodDisruptionBudget. It takes Secrets, NatsServiceRoles, ServiceAccounts and other NatsClusters in
the same files into account, and prints what else the configuration would wait for to standard
error. Uids, tokens of ServiceAccounts and the operator's own key are examples.

Exit status: 0 printed, 1 a NatsCluster is not valid, 2 a file cannot be read.
"""
_UID = "00000000-0000-0000-0000-000000000000"


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        required=True,
        metavar="FILE",
        help="file to render; may be repeated",
    )
    parser.add_argument("--config", action="store_true", help="print nats.conf only")
    parser.add_argument(
        "--show-secrets", action="store_true", help=f"print passwords and tokens instead of {MASK}"
    )
    return parser


def run(argv: Sequence[str], prog: str) -> int:
    """Render files; the exit status."""
    arguments = parser_of(prog).parse_args(argv)
    try:
        documents = read(arguments.filename)
        clusters = [d for d in documents if d.is_cluster]
        targets = [_target(d, documents, arguments.show_secrets) for d in clusters]
    except Unreadable as error:
        print(plain(str(error)), file=sys.stderr)
        return 2
    texts = [_printed(t, arguments.config, arguments.show_secrets) for t in targets if t]
    sys.stdout.write(("" if arguments.config else "---\n").join(texts))
    return 0 if all(targets) else 1


def _target(cluster: Document, documents: Sequence[Document], show_secrets: bool) -> Target | None:
    """What is to be rendered, with everything worth knowing said; None if nothing can be."""
    checked = examined(cluster)
    _say(cluster, *map(str, (*checked.problems, *checked.remarks)))
    if checked.problems:
        return None
    written = cluster.content.get("spec")
    spec = parse_spec(written if show_secrets else masked_strings(written))
    references = references_of(cluster, spec, documents)
    resolved = resolve(cluster.namespace, cluster.name, spec, references)
    target = Target(
        namespace=cluster.namespace,
        name=cluster.name,
        uid=_UID,
        spec=spec,
        version=meant_version(spec),
        inputs=resolved.inputs if show_secrets else masked_inputs(resolved.inputs),
        joined=references.joined,
    )
    beside = (TOKEN_BESIDE_BOTH,) if lacks_system(target) else ()
    _say(cluster, *resolved.missing, *beside, *resolved.remarks, *map(str, notes_on(spec)))
    return target


def _say(cluster: Document, *lines: str) -> None:
    for line in lines:
        print(plain(f"{cluster}: {line}"), file=sys.stderr)


def _printed(target: Target, config: bool, show_secrets: bool) -> str:
    """The configuration, or every object as YAML.

    What goes into a file is what servers read; a terminal would act on some of it.
    """
    output: Any = config_text(target) if config else [_readable(o) for o in _objects(target)]
    if not show_secrets:
        output = masked_strings(output)
    if config:
        return spelt(str(output)) if sys.stdout.isatty() else str(output)
    return yaml.dump_all(output, Dumper=_Dumper, sort_keys=False, width=100)


def _objects(target: Target) -> Iterator[Json]:
    yield from owned_objects(target)
    for index in indexes(target.spec.size):
        yield pod(target, index)


def _readable(manifest: Json) -> Json:
    """A Secret with its data as text."""
    if manifest["kind"] != "Secret":
        return manifest
    texts = {key: base64.b64decode(value).decode() for key, value in manifest["data"].items()}
    return {k: v for k, v in manifest.items() if k != "data"} | {"stringData": texts}


class _Dumper(yaml.SafeDumper):
    """Without anchors, and with texts of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
