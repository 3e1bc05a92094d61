"""One way from a spec to what it depends on, wherever that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.version import ServerVersion
from natsctl.cli.offline import lookup as files
from natsctl.controllers.cluster import gather
from natsctl.model.objects import Secret, ServiceRole
from natsctl.plan.inputs.collect import Lookup, collect
from natsctl.plan.inputs.joined_name import Member
from natsctl.plan.namespaces import Labels
from natsctl.plan.references import References, ServiceAccount
from tests.unit.plan.references import role, secret

NOW = "2026-01-01T00:00:30Z"
ACCOUNT = ServiceAccount("apps", "uid")


@attrs.define
class Known:
    """What a test says that there is; `asked` is what was looked for."""

    members: Mapping[str, Member] = attrs.field(factory=dict)
    found: tuple[ServiceRole, ...] = ()
    asked: list[object] = attrs.field(factory=list)

    async def secrets(self, names: frozenset[str]) -> Mapping[str, Secret | None]:
        self.asked.append(names)
        return {name: secret(name, {}) for name in names}

    async def member(self, name: str) -> Member | None:
        self.asked.append(name)
        return self.members.get(name)

    def roles(self) -> Iterable[ServiceRole]:
        return self.found

    async def service_accounts(
        self, names: frozenset[str]
    ) -> Mapping[str, tuple[ServiceAccount, ...]]:
        self.asked.append(names)
        return {name: (ACCOUNT,) for name in names}

    def labels(self, namespaces: frozenset[str] | None) -> Labels | None:
        self.asked.append(namespaces)
        return None if namespaces is None else {name: {} for name in namespaces}


def member(**spec: Any) -> Member:
    return Member(
        parse_spec({"size": 1, "version": "2.12.15", **spec}), ServerVersion.parse("2.12.15")
    )


async def found(known: Known, **spec: Any) -> References:
    return await collect(known, parse_spec({"size": 1, "version": "2.12.15", **spec}), NOW)


def joins(*names: str) -> dict[str, Any]:
    return {"extraRoutes": [{"cluster": name} for name in names]}


async def test_the_secrets_that_the_spec_and_its_neighbours_name() -> None:
    known = Known({"b": member(auth={"clusterAuthSecret": "login-of-b"})})
    auth = {"clusterAuthSecret": "login"}
    references = await found(known, auth=auth, **joins("b", "gone"))
    assert references.secrets.keys() == {"login", "login-of-b"}
    assert references.neighbours.keys() == {"b"}


async def test_clusters_are_followed_from_one_to_the_next_and_not_in_circles() -> None:
    known = Known({"b": member(**joins("c", "d")), "c": member(**joins("b"))})
    references = await found(known, **joins("b"))
    assert references.joined == "b"
    assert [name for name in known.asked if isinstance(name, str)] == ["b", "c"]


@pytest.mark.parametrize("enabled", [True, False])
async def test_service_accounts_of_the_roles_where_they_count(enabled: bool) -> None:
    known = Known(found=(role("b"), role("a")))
    references = await found(known, auth={"enableServiceAccounts": enabled})
    assert [r.metadata.name for r in references.roles] == ["a", "b"]
    assert references.accounts == ({"a": (ACCOUNT,), "b": (ACCOUNT,)} if enabled else {})


async def test_labels_are_asked_for_if_a_role_selects() -> None:
    spec = {"serviceAccountNamespaces": {"selector": {"matchLabels": {"team": "a"}}}}
    selecting = ServiceRole(role("a").metadata, spec=spec)
    known = Known(found=(role("b"), selecting))
    references = await found(known, auth={"enableServiceAccounts": True})
    assert references.labels == {"apps": {}}
    assert (await found(Known(found=(role("b"),)))).labels is None


async def test_the_time_counts_by_minutes() -> None:
    """Else the same would be computed again in each pass."""
    assert (await found(Known())).minute == "2026-01-01T00:01:00Z"


@pytest.mark.parametrize("kind", [gather._Lookup, files._Files])
def test_both_ways_look_for_the_same(kind: type) -> None:
    """The operator in its stores and `natsctl render` in files: neither lacks any."""
    asked = {name for name in vars(Lookup) if not name.startswith("_")}
    assert {name for name in vars(kind) if not name.startswith("_")} >= asked
