"""What a cluster's configuration depends on, as far as the files beside it hold it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import msgspec
from msgspec.structs import replace

from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.release import meant_version
from natsctl.cli.offline.manifests import Document, Unreadable
from natsctl.model import names
from natsctl.model.objects import Secret, ServiceRole
from natsctl.model.times import written
from natsctl.plan.inputs.collect import collect
from natsctl.plan.inputs.joined_name import Member
from natsctl.plan.references import Key, References, ServiceAccount
from natsctl.plan.service_accounts.grants import secret_name

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.plan.namespaces import Labels

T = TypeVar("T")
NAME_LABEL = "kubernetes.io/metadata.name"
# Made once, and its seed thrown away: nobody gets in with it.
MADE_UP_KEY = "UAR2ACRRVJTLMFRDEXDDV2S4LMYS4APG5ZOCHCNKX4ZTCCVHMCI2RNLI"


def references_of(
    cluster: Document, spec: NatsClusterSpec, documents: Sequence[Document]
) -> References:
    """Secrets, roles, ServiceAccounts and other clusters of these files, as the operator sees them.

    Unreadable names an object that the API server would not take.
    """
    timestamp = written(datetime.now(UTC))
    references = _at_once(collect(_Files(cluster, documents), spec, timestamp))
    return attrs.evolve(
        references,
        proven=_tokens(cluster.name, references.accounts),
        version=meant_version(spec),
        system=MADE_UP_KEY,
    )


def _at_once(waiting: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing, as files are read already."""
    try:
        waiting.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("it waited")


@attrs.frozen
class _Files:
    """What one cluster depends on, as far as files hold it."""

    cluster: Document
    documents: Sequence[Document]

    @property
    def _near(self) -> list[Document]:
        return [d for d in self.documents if d.namespace == self.cluster.namespace]

    async def secrets(self, names: frozenset[str]) -> Mapping[str, Secret | None]:
        present = {
            d.name: _secret(d) for d in self._near if d.is_core("Secret") and d.name in names
        }
        return {name: present.get(name) for name in sorted(names)}

    async def member(self, name: str) -> Member | None:
        """Another cluster of the files, which is to be created too."""
        for document in self._near:
            if document.is_cluster and document.name == name:
                with suppress(InvalidSpec):
                    spec = parse_spec(document.content.get("spec"))
                    return Member(spec, meant_version(spec))
        return None

    def roles(self) -> tuple[ServiceRole, ...]:
        return _roles(self.cluster.name, self._near)

    async def service_accounts(
        self, names: frozenset[str]
    ) -> Mapping[str, tuple[ServiceAccount, ...]]:
        return {name: _accounts(name, self.documents) for name in names}

    def labels(self, namespaces: frozenset[str] | None) -> Labels | None:
        return _labels(self.documents) if namespaces is not None else None


def _roles(cluster: str, near: Sequence[Document]) -> tuple[ServiceRole, ...]:
    roles = (d for d in near if d.is_ours and d.kind == names.KIND_ROLE)
    return tuple(_role(d) for d in roles if d.labels.get(names.LABEL_CLUSTER) == cluster)


def _role(document: Document) -> ServiceRole:
    """With the namespace that it gets where none is written."""
    role = _read(document, document.content, ServiceRole)
    return replace(role, metadata=replace(role.metadata, namespace=document.namespace))


def _accounts(name: str, documents: Sequence[Document]) -> tuple[ServiceAccount, ...]:
    accounts = (d for d in documents if d.is_core("ServiceAccount") and d.name == name)
    return tuple(ServiceAccount(d.namespace, "") for d in accounts)


def _labels(documents: Sequence[Document]) -> Labels:
    """Of the Namespaces in the files, with the one that the API server adds."""
    return {
        d.name: _read(d, d.labels, dict[str, str]) | {NAME_LABEL: d.name}
        for d in documents
        if d.is_core("Namespace")
    }


def _tokens(cluster: str, accounts: Mapping[str, tuple[ServiceAccount, ...]]) -> dict[Key, str]:
    """Stand-ins that say what they stand for."""
    return {
        (account.namespace, secret_name(role, cluster)): f"the token of {account.namespace}/{role}"
        for role, of_role in accounts.items()
        for account in of_role
    }


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
