"""`natsctl validate`: what the API server and the operator would say, without either."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

import attrs

from natsctl.api.checks.examine import Examined, examine, examine_role
from natsctl.api.checks.remarks import remarks
from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec, Problem
from natsctl.api.release import meant_version
from natsctl.cli.offline.lookup import references_of
from natsctl.cli.offline.manifests import Document, Unreadable, read
from natsctl.model import names
from natsctl.model.foreign import plain
from natsctl.plan.inputs.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.api.version import ServerVersion

DESCRIPTION = """\
Checks the NatsClusters and NatsServiceRoles in YAML files (- is standard input), and the Secrets
for them in the same files. Prints one line for each problem: file, object, field, and what to write
instead.

Exit status: 0 no problems, 1 there are problems, 2 a file cannot be read.
"""
ALPHA = (
    "is an alpha feature, not for data that matters; the operator rejects it unless it runs with "
    "--feature-gates JetStream=true (chart value featureGates.jetStream=true)"
)


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
        help="file to check; may be repeated",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="output format (default: %(default)s)",
    )
    return parser


def run(argv: Sequence[str], prog: str) -> int:
    """Check files; the exit status."""
    arguments = parser_of(prog).parse_args(argv)
    try:
        documents = read(arguments.filename)
        problems = [(d, p) for d in documents if d.is_ours for p in _all_problems(d, documents)]
    except Unreadable as error:
        print(plain(str(error)), file=sys.stderr)
        return 2
    if arguments.output == "json":
        print(json.dumps([_json(d, p) for d, p in problems], indent=2))
    else:
        for document, problem in problems:
            print(plain(f"{document}: {problem}"))
        _say_what_is_worth_knowing(documents, problems)
        _say_what_was_checked(documents)
    return 1 if problems else 0


def _all_problems(document: Document, documents: Sequence[Document]) -> Iterator[Problem]:
    checked = examined(document, _version_for(document, documents))
    yield from (*checked.problems, *checked.remarks)
    if checked.spec is not None:
        yield from _beside(document, checked.spec, documents)


def problems_of(document: Document) -> tuple[Problem, ...]:
    """Everything that is to be said of one object."""
    checked = examined(document)
    return (*checked.problems, *checked.remarks)


def examined(document: Document, version: ServerVersion | None = None) -> Examined:
    """What is to be said of one object; `version` is what the servers of a role run."""
    known = {names.KIND_CLUSTER: _cluster, names.KIND_ROLE: _role}
    if document.kind not in known:
        problem = Problem("kind", document.kind, f"use {' or '.join(known)}")
        return Examined(None, (problem,))
    checked = known[document.kind](document, version)
    if document.content.get("apiVersion") == names.API_VERSION:
        return checked
    problem = Problem("apiVersion", "", f"use {names.API_VERSION}")
    return attrs.evolve(checked, problems=(problem, *checked.problems))


def notes_on(spec: NatsClusterSpec) -> Iterator[Problem]:
    """What is worth knowing of a spec that nothing is wrong with: no file can tell the gates."""
    yield from remarks(spec)
    if spec.jetstream is not None:
        yield Problem("spec.jetstream", "", ALPHA)


def _cluster(document: Document, _: ServerVersion | None) -> Examined:
    return examine(document.name, document.content.get("spec"))


def _role(document: Document, version: ServerVersion | None) -> Examined:
    raw = document.content.get("spec")
    missing = () if raw is not None else (Problem("spec", "", "is required"),)
    problems, remarks = examine_role(raw, version)
    return Examined(None, (*missing, *problems), remarks)


def _version_for(role: Document, documents: Sequence[Document]) -> ServerVersion | None:
    """What the cluster of a role runs, if these files tell."""
    for document in documents:
        near = document.is_cluster and document.namespace == role.namespace
        if near and document.name == role.labels.get(names.LABEL_CLUSTER):
            try:
                return meant_version(parse_spec(document.content.get("spec")))
            except InvalidSpec:
                return None
    return None


def _beside(
    cluster: Document, spec: NatsClusterSpec, documents: Sequence[Document]
) -> Iterator[Problem]:
    """What keeps a good spec from working; a Secret that is in another file is none of it."""
    references = references_of(cluster, spec, documents)
    absent = attrs.evolve(references, secrets={})
    expected = resolve(cluster.namespace, cluster.name, spec, absent).missing
    for missing in resolve(cluster.namespace, cluster.name, spec, references).missing:
        if missing not in expected:
            yield Problem("spec", "", missing)


def _say_what_is_worth_knowing(
    documents: Sequence[Document], problems: Sequence[tuple[Document, Problem]]
) -> None:
    """Of clusters that nothing is wrong with; it fails nothing."""
    wrong = [document for document, _ in problems]
    for document in documents:
        if document.is_ours and document.kind == names.KIND_CLUSTER and document not in wrong:
            for note in notes_on(parse_spec(document.content.get("spec"))):
                print(plain(f"{document}: note: {note}"), file=sys.stderr)


def _say_what_was_checked(documents: Sequence[Document]) -> None:
    checked = sum(document.is_ours for document in documents)
    print(
        f"checked {checked} of {len(documents)} objects (the others are of other kinds)",
        file=sys.stderr,
    )


def _json(document: Document, problem: Problem) -> dict[str, str]:
    return {
        "file": document.file,
        "kind": document.kind,
        "namespace": document.namespace,
        "name": document.name,
        "path": problem.path,
        "message": problem.message,
    }
