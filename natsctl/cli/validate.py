"""`natsctl validate`: what the API server and the operator would say, without either."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

import attrs

from natsctl.api import names
from natsctl.api.parse import parse_role_spec, parse_spec, unknown_fields
from natsctl.api.problems import InvalidSpec, Problem
from natsctl.api.release import meant_version
from natsctl.api.role import NatsServiceRoleSpec
from natsctl.api.role_checks import validate_role
from natsctl.api.validate import validate
from natsctl.cli.manifests import Document, Unreadable, read
from natsctl.cli.nearby import sources_of
from natsctl.plan.sources import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from natsctl.api.version import ServerVersion

_IGNORED = "unknown field: nothing is done about it"
DESCRIPTION = """\
Checks NatsClusters and NatsServiceRoles in YAML files (- is standard input), and what Secrets in
the same files hold for them. One line for each problem: file, object, field, and what to write
instead.

Exit status: 0 nothing is wrong, 1 there are problems, 2 a file cannot be read.
"""


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-f", "--filename", action="append", required=True, metavar="FILE")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser


def run(argv: Sequence[str], prog: str) -> int:
    """Check files; the exit status."""
    arguments = parser_of(prog).parse_args(argv)
    try:
        documents = read(arguments.filename)
        found = [(d, p) for d in documents if d.is_ours for p in _all_problems(d, documents)]
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.output == "json":
        print(json.dumps([_json(d, p) for d, p in found], indent=2))
    else:
        for document, problem in found:
            print(f"{document}: {problem}")
        _say_what_was_checked(documents)
    return 1 if found else 0


def _all_problems(document: Document, documents: Sequence[Document]) -> Iterator[Problem]:
    own = tuple(problems_of(document, _version_for(document, documents)))
    yield from own
    if not own and document.kind == names.KIND_CLUSTER:
        yield from _beside(document, documents)


def problems_of(document: Document, version: ServerVersion | None = None) -> Iterator[Problem]:
    """Every problem of one object; `version` is what the servers of a role run."""
    if document.content.get("apiVersion") != names.API_VERSION:
        yield Problem("apiVersion", "", f"write {names.API_VERSION}")
        return
    try:
        if document.kind == names.KIND_CLUSTER:
            yield from _of_cluster(document)
        elif document.kind == names.KIND_ROLE:
            yield from _of_role(document, version)
        else:
            known = f"{names.KIND_CLUSTER} or {names.KIND_ROLE}"
            yield Problem("kind", document.kind, f"write {known}")
    except InvalidSpec as invalid:
        yield from invalid.problems


def _of_cluster(document: Document) -> Iterator[Problem]:
    raw = document.content.get("spec")
    for path in unknown_fields(raw):
        yield Problem(path, "", _IGNORED)
    yield from validate(document.name, parse_spec(raw))


def _of_role(document: Document, version: ServerVersion | None) -> Iterator[Problem]:
    raw = document.content.get("spec")
    if raw is None:
        yield Problem("spec", "", "is required")
    for path in unknown_fields(raw, NatsServiceRoleSpec):
        yield Problem(path, "", _IGNORED)
    yield from validate_role(parse_role_spec(raw), version)


def _version_for(role: Document, documents: Sequence[Document]) -> ServerVersion | None:
    """What the cluster of a role runs, if these files tell."""
    for document in documents:
        ours = (document.namespace, document.kind) == (role.namespace, names.KIND_CLUSTER)
        if ours and document.name == role.labels.get(names.LABEL_CLUSTER):
            try:
                return meant_version(parse_spec(document.content.get("spec")))
            except InvalidSpec:
                return None
    return None


def _beside(cluster: Document, documents: Sequence[Document]) -> Iterator[Problem]:
    """What keeps a good spec from working; a Secret that is in another file is none of it."""
    spec = parse_spec(cluster.content.get("spec"))
    sources = sources_of(cluster, spec, documents)
    absent = attrs.evolve(sources, secrets={})
    expected = resolve(cluster.namespace, cluster.name, spec, absent).missing
    for told in resolve(cluster.namespace, cluster.name, spec, sources).missing:
        if told not in expected:
            yield Problem("spec", "", told)


def _say_what_was_checked(documents: Sequence[Document]) -> None:
    checked = sum(document.is_ours for document in documents)
    print(
        f"checked {checked} of {len(documents)} objects (the others are not natsctl's)",
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
