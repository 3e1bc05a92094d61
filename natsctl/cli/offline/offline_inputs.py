"""What a cluster's configuration depends on, as far as the files beside it hold it."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.release import meant_version
from natsctl.cli.offline.manifests import Document, Unreadable
from natsctl.model import names
from natsctl.model.objects import Secret, ServiceRole
from natsctl.plan.inputs.certificates import coming_minute
from natsctl.plan.inputs.joined_name import Member, joined_name
from natsctl.plan.inputs.resolve import named_secrets
from natsctl.plan.references import Key, References, ServiceAccount
from natsctl.plan.service_accounts.grants import secret_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.plan.namespaces import Labels

T = TypeVar("T")
NAME_LABEL = "kubernetes.io/metadata.name"
# Made once, and its seed thrown away: nobody gets in with it.
MADE_UP_KEY = "UAR2ACRRVJTLMFRDEXDDV2S4LMYS4APG5ZOCHCNKX4ZTCCVHMCI2RNLI"


def sources_of(
    cluster: Document, spec: NatsClusterSpec, documents: Sequence[Document]
) -> References:
    """Secrets, roles, ServiceAccounts and other clusters of these files, as the operator sees them.

    Unreadable names an object that the API server would not take.
    """
    near = [d for d in documents if d.namespace == cluster.namespace]
    specs = _specs(near)
    neighbours = {e.cluster: specs[e.cluster] for e in spec.extra_routes if e.cluster in specs}
    roles = _roles(cluster.name, near) if spec.auth and spec.auth.enable_service_accounts else ()
    accounts = {r.metadata.name: _accounts(r.metadata.name, documents) for r in roles}
    return References(
        secrets=_secrets(named_secrets(spec) | _logins(neighbours), near),
        roles=roles,
        accounts=accounts,
        labels=_labels(documents),
        proven=_tokens(cluster.name, accounts),
        neighbours=neighbours,
        joined=joined_name(spec, partial(_member, specs)),
        minute=coming_minute(datetime.now(UTC).isoformat()),
        version=meant_version(spec),
        system=MADE_UP_KEY,
    )


def _specs(near: Sequence[Document]) -> dict[str, NatsClusterSpec]:
    found = {}
    for document in near:
        if document.is_cluster:
            with suppress(InvalidSpec):
                found[document.name] = parse_spec(document.content.get("spec"))
    return found


def _member(specs: dict[str, NatsClusterSpec], name: str) -> Member | None:
    """Another cluster of the files, which is to be created too."""
    with suppress(KeyError):
        return Member(specs[name], meant_version(specs[name]))
    return None


def _logins(neighbours: dict[str, NatsClusterSpec]) -> frozenset[str]:
    auths = (spec.auth for spec in neighbours.values())
    return frozenset(a.cluster_auth_secret for a in auths if a and a.cluster_auth_secret)


def _roles(cluster: str, near: Sequence[Document]) -> tuple[ServiceRole, ...]:
    roles = (_role(d) for d in near if d.is_ours and d.kind == names.KIND_ROLE)
    return tuple(r for r in roles if r.metadata.label(names.LABEL_CLUSTER) == cluster)


def _role(document: Document) -> ServiceRole:
    """With the namespace that it gets where none is written."""
    role = _read(document, document.content, ServiceRole)
    return replace(role, metadata=replace(role.metadata, namespace=document.namespace))


def _accounts(name: str, documents: Sequence[Document]) -> tuple[ServiceAccount, ...]:
    found = (d for d in documents if d.is_core("ServiceAccount") and d.name == name)
    return tuple(ServiceAccount(d.namespace, "") for d in found)


def _labels(documents: Sequence[Document]) -> Labels:
    """Of the Namespaces in the files, with the one that the API server adds."""
    return {
        d.name: _read(d, d.labels, dict[str, str]) | {NAME_LABEL: d.name}
        for d in documents
        if d.is_core("Namespace")
    }


def _tokens(cluster: str, accounts: dict[str, tuple[ServiceAccount, ...]]) -> dict[Key, str]:
    """Stand-ins that say what they stand for."""
    return {
        (account.namespace, secret_name(role, cluster)): f"the token of {account.namespace}/{role}"
        for role, found in accounts.items()
        for account in found
    }


def _secrets(wanted: frozenset[str], near: Sequence[Document]) -> dict[str, Secret | None]:
    found = {d.name: _secret(d) for d in near if d.is_core("Secret") and d.name in wanted}
    return {name: found.get(name) for name in sorted(wanted)}


def _secret(document: Document) -> Secret:
    """With stringData where the API server would put it."""
    content = dict(document.content)
    plain = _read(document, content.pop("stringData", None) or {}, dict[str, str])
    data = _read(document, content.get("data") or {}, dict[str, str])
    data |= {key: _encoded(value) for key, value in plain.items()}
    return _read(document, content | {"data": data}, Secret)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _read(document: Document, content: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"{document}: {error}") from None
