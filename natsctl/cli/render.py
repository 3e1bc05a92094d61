"""`natsctl render`: the objects and the configuration that the operator would make."""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from natsctl.api import names
from natsctl.api.parse import parse_spec
from natsctl.api.version import DEFAULT_VERSION, ServerVersion
from natsctl.cli.manifests import Document, Unreadable, read
from natsctl.cli.validate import problems_of
from natsctl.plan.grants import Account, secret_name
from natsctl.plan.objects import Role, Secret
from natsctl.plan.sources import Resolved, Sources, named_secrets, resolve
from natsctl.render.conf import config_text
from natsctl.render.objects import standing_objects
from natsctl.render.pods import pod
from natsctl.render.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.api.cluster import NatsClusterSpec
    from natsctl.api.fields import Json

DESCRIPTION = """\
Prints the Services, Secret and pods that the operator would make of the NatsClusters in YAML files
(- is standard input). Secrets, NatsServiceRoles and ServiceAccounts in the same files count; what
else the configuration would wait for is told on standard error. Uids are made up.

Exit status: 0, 1 a NatsCluster cannot be used, 2 a file cannot be read.
"""
MASK = "***"


def run(argv: Sequence[str]) -> int:
    """Render files; the exit status."""
    parser = argparse.ArgumentParser(
        prog="natsctl render",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-f", "--filename", action="append", required=True, metavar="FILE")
    parser.add_argument("--config", action="store_true", help="print nats.conf only")
    parser.add_argument(
        "--show-secrets", action="store_true", help=f"print passwords and tokens, not {MASK}"
    )
    arguments = parser.parse_args(argv)
    try:
        documents = read(arguments.filename)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    clusters = [d for d in documents if d.kind == names.KIND_CLUSTER]
    good = [_render(d, documents, arguments.config, arguments.show_secrets) for d in clusters]
    return 0 if all(good) else 1


def _render(
    cluster: Document, documents: Sequence[Document], config: bool, show_secrets: bool
) -> bool:
    problems = list(problems_of(cluster))
    for problem in problems:
        print(f"{cluster}: {problem}", file=sys.stderr)
    if problems:
        return False
    spec = parse_spec(cluster.content.get("spec"))
    found = resolve(
        cluster.namespace, cluster.name, spec, _sources(cluster, spec, documents, show_secrets)
    )
    for told in (*found.missing, *found.remarks):
        print(f"{cluster}: {told}", file=sys.stderr)
    target = _target(cluster, spec, found)
    if config:
        sys.stdout.write(config_text(target))
    else:
        objects = [_readable(manifest) for manifest in _objects(target)]
        sys.stdout.write(yaml.safe_dump_all(objects, sort_keys=False, width=100))
    return True


def _target(cluster: Document, spec: NatsClusterSpec, found: Resolved) -> Target:
    version = ServerVersion.parse(spec.version or DEFAULT_VERSION)
    uid = "00000000-0000-0000-0000-000000000000"
    return Target(cluster.namespace, cluster.name, uid, spec, version, inputs=found.inputs)


def _objects(target: Target) -> Iterator[Json]:
    yield from standing_objects(target)
    for index in range(1, target.spec.size + 1):
        yield pod(target, index)


def _readable(manifest: Json) -> Json:
    """A Secret with its data as text."""
    if manifest["kind"] != "Secret":
        return manifest
    texts = {key: base64.b64decode(value).decode() for key, value in manifest["data"].items()}
    return {k: v for k, v in manifest.items() if k != "data"} | {"stringData": texts}


def _sources(
    cluster: Document, spec: NatsClusterSpec, documents: Sequence[Document], show_secrets: bool
) -> Sources:
    """What the same files hold; passwords are masked before anything is made of them."""
    near = [d for d in documents if d.namespace == cluster.namespace]
    secrets = {d.name: _secret(d, show_secrets) for d in near if d.kind == "Secret"}
    roles = [_role(d) for d in near if d.kind == names.KIND_ROLE]
    mine = tuple(r for r in roles if r.metadata.label(names.LABEL_CLUSTER) == cluster.name)
    accounts = {r.metadata.name: _accounts(r.metadata.name, documents) for r in mine}
    tokens = {
        (a.namespace, secret_name(name, cluster.name)): _token(a, secret_name(name, cluster.name))
        for name, found in accounts.items()
        for a in found
    }
    return Sources(
        secrets={name: secrets.get(name) for name in named_secrets(spec)},
        roles=mine,
        accounts=accounts,
        tokens=tokens,
    )


def _accounts(name: str, documents: Sequence[Document]) -> tuple[Account, ...]:
    found = (d for d in documents if d.kind == "ServiceAccount" and d.name == name)
    return tuple(Account(d.namespace, "uid") for d in found)


def _token(account: Account, name: str) -> Secret:
    """Only an API server makes tokens."""
    data = {"token": base64.b64encode(MASK.encode()).decode()}
    meta = {"name": name, "namespace": account.namespace}
    return msgspec.convert({"metadata": meta, "data": data}, Secret)


def _role(document: Document) -> Role:
    return msgspec.convert(document.content, Role, strict=False)


def _secret(document: Document, show_secrets: bool) -> Secret:
    """With stringData as the API server stores it."""
    content = dict(document.content)
    plain = content.pop("stringData", None) or {}
    data = dict(content.get("data") or {})
    data |= {k: base64.b64encode(str(v).encode()).decode() for k, v in plain.items()}
    if not show_secrets:
        data = {key: _masked(value) for key, value in data.items()}
    return msgspec.convert(content | {"data": data}, Secret)


def _masked(value: str) -> str:
    """The value without passwords and tokens, if it is a document of users."""
    try:
        document = yaml.safe_load(base64.b64decode(value))
    except (ValueError, yaml.YAMLError):
        return value
    if not isinstance(document, Mapping):
        return value
    return base64.b64encode(msgspec.json.encode(_without_words(document))).decode()


def _without_words(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {
            key: MASK if key in ("password", "pass", "token") else _without_words(value)
            for key, value in found.items()
        }
    return [_without_words(item) for item in found] if isinstance(found, list) else found
