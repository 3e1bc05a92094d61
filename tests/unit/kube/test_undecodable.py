"""One object that cannot be read is told and left out; nothing else notices."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from natsctl.api.types.status import parse_status
from natsctl.kube import metrics
from natsctl.kube.client import Client
from natsctl.kube.decode import Unreadable, line_of, mapping, read
from natsctl.kube.errors import Terminal
from natsctl.kube.resources import CLUSTERS, PODS, ROLES, SECRETS, Resource
from natsctl.kube.transport import Transport
from natsctl.model.limits import BYTES, DEPTH, SPEC_VALUES, VALUES
from natsctl.model.objects import Cluster, ServiceRole
from natsctl.plan.adoption.ownership import Ownership, claim
from natsctl.plan.desired import parse_cluster
from natsctl.plan.service_accounts.grants import role_problem
from tests.compat import value_of
from tests.unit.kube.bench import reflecting
from tests.unit.kube.faulty import Faulty, bookmark, event, initial, says, secret, streams
from tests.unit.kube.kinds import BY_KIND

INSTALLATION = "nats/nats-operator"
TOO_DEEP = {
    "just too deep": DEPTH,
    "deeper than Python likes": 1000,
    "as deep as an API server stores": 9000,
}


def nested(levels: int) -> msgspec.Raw:
    return msgspec.Raw(b'{"a":' * levels + b"1" + b"}" * levels)


def obj(name: str, version: int, **content: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": str(version)}
    return {"apiVersion": "nats.io/v1alpha2", "kind": "NatsCluster", "metadata": meta} | content


def raw(item: Any) -> bytes:
    return msgspec.json.encode(item)


def poisoned(name: str, version: int, levels: int, **more: Any) -> dict[str, Any]:
    return obj(name, version, spec={"size": 3, "template": nested(levels)}, **more)


def told(cluster: Cluster) -> str:
    found = parse_cluster(cluster, parse_status(cluster.status), ())
    assert found.spec is None
    (problem,) = found.problems
    return str(problem)


@pytest.mark.parametrize("levels", TOO_DEEP.values(), ids=TOO_DEEP)
class TestDepth:
    def test_the_cluster_itself_is_known_and_its_spec_is_not(self, levels: int) -> None:
        status = {"operator": INSTALLATION, "phase": "Running"}
        cluster = read(CLUSTERS, raw(poisoned("c", 5, levels, status=status)))
        assert (cluster.key, cluster.version, cluster.spec) == (("ns", "c"), 5, None)
        assert cluster.status == status
        assert told(cluster).startswith(f"spec: is nested more than {DEPTH} levels deep")

    def test_whose_it_is_is_read_of_a_deep_status(self, levels: int) -> None:
        status = {"operator": INSTALLATION, "else": nested(levels)}
        cluster = read(CLUSTERS, raw(obj("c", 5, spec={"size": 3}, status=status)))
        assert cluster.spec == {"size": 3}
        assert claim(cluster, parse_status(cluster.status), INSTALLATION) is Ownership.OURS
        assert claim(cluster, parse_status(cluster.status), "other/natsctl") is Ownership.OTHERS

    def test_metadata_may_be_deep_as_managed_fields_are(self, levels: int) -> None:
        item = poisoned("c", 5, levels)
        item["metadata"]["managedFields"] = [{"fieldsV1": nested(levels)}]
        assert told(read(CLUSTERS, raw(item)))

    def test_a_role_of_such_a_spec_lets_nobody_in(self, levels: int) -> None:
        item = obj("r", 5, spec={"permissions": {"publish": ["a"]}, "else": nested(levels)})
        role = read(ROLES, raw(item))
        assert isinstance(role, ServiceRole)
        assert "levels deep" in role_problem(role)

    async def test_the_watch_goes_on(self, levels: int, transport: Transport, api: Faulty) -> None:
        lines = (
            {"type": "ADDED", "object": poisoned("evil", 3, levels)},
            {"type": "ADDED", "object": obj("good", 4, spec={"size": 1})},
            bookmark(5, complete=True),
            {"type": "MODIFIED", "object": poisoned("good", 6, levels)},
            {"type": "ADDED", "object": obj("other", 7, spec={"size": 1})},
            {"type": "DELETED", "object": poisoned("evil", 8, levels)},
        )
        async with reflecting(transport, api, streams(*lines), resource=CLUSTERS) as bench:
            await bench.until(lambda: bench.store.horizon("ns") == 8)
            assert bench.names() == {"good", "other"}
            assert told(bench.kept("good"))
            assert len(api.asked) == 1

    async def test_a_list_goes_on(self, levels: int, transport: Transport, api: Faulty) -> None:
        """All that is lost is the page's size: one by one, until the bad one is passed."""
        refuses = says(422, {"message": "sendInitialEvents is forbidden"})
        evil, good = poisoned("evil", 3, levels), obj("good", 4, spec={"size": 1})

        def page(*items: Any, onward: str = "") -> Any:
            meta = {"continue": onward, "resourceVersion": "20"}
            return says(200, {"items": items, "metadata": meta})

        script = [refuses, page(evil, good)]
        if levels > 900:
            script += [page(evil, onward="next"), page(good)]
        async with reflecting(transport, api, *script, streams(), resource=CLUSTERS) as bench:
            await bench.until(bench.reflector.synced.is_set)
            assert bench.names() == {"evil", "good"}
            assert told(bench.kept("evil"))

    async def test_a_reply_is_read_as_well(
        self, levels: int, transport: Transport, api: Faulty
    ) -> None:
        api.script = [says(200, poisoned("c", 5, levels))]
        client = Client(transport)
        found = await client.get(CLUSTERS, "ns", "c")
        assert isinstance(found, Cluster)
        assert told(found)
        with pytest.raises(Terminal, match="cannot be read"):
            await client.raw(CLUSTERS, "ns", "c")


BAD = {
    "a name that is none": {"name": 7},
    "no name": {"name": ""},
    "a version of 5,000 digits": {"resourceVersion": "9" * 5000},
    "a version in words": {"resourceVersion": "\u0667"},
    "labels that are none": {"labels": {"nats_cluster": 7}},
    "owners that are none": {"ownerReferences": [{"kind": ["NatsCluster"]}]},
    "a generation that is none": {"generation": msgspec.Raw(b"1e400")},
    "an unpaired surrogate": {"uid": msgspec.Raw(b'"\\ud800"')},
    "a byte that is none": {"uid": msgspec.Raw(b'"\xff"')},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
class TestOther:
    @pytest.mark.parametrize("resource", BY_KIND.values(), ids=BY_KIND)
    def test_no_kind_is_read(self, resource: Resource, change: dict[str, Any]) -> None:
        item = obj("evil", 5)
        item["metadata"] |= change
        with pytest.raises(Unreadable):
            read(resource, raw(item))

    async def test_the_watch_goes_on(
        self, change: dict[str, Any], transport: Transport, api: Faulty
    ) -> None:
        """What was known of the object acts no more, if it can be told which one it is."""
        bad = secret("a", 11)
        bad["metadata"] |= change
        lines = (
            *initial(10, "a", "b"),
            {"type": "MODIFIED", "object": bad},
            event("ADDED", "c", 12),
            event("DELETED", "b", 13),
        )
        before = value_of(metrics.UNDECODABLE.labels("Secret"))
        async with reflecting(transport, api, streams(*lines)) as bench:
            await bench.until(lambda: bench.store.horizon("ns") == 13)
            whose = not {"name", "resourceVersion"} & set(change) and "uid" not in change
            assert bench.names() == {"c"} if whose else {"a", "c"}
            assert len(api.asked) == 1
        assert value_of(metrics.UNDECODABLE.labels("Secret")) == before + 1


class TestSize:
    def test_a_spec_has_as_many_bytes_as_a_secret_may_have(self) -> None:
        cluster = read(CLUSTERS, raw(obj("c", 5, spec={"size": 1, "a": "x" * BYTES})))
        assert f"natsctl reads at most {BYTES}" in told(cluster)

    def test_a_spec_has_so_many_values(self) -> None:
        cluster = read(CLUSTERS, raw(obj("c", 5, spec={"size": 1, "a": [1] * SPEC_VALUES})))
        assert f"natsctl reads at most {SPEC_VALUES}" in told(cluster)

    def test_metadata_and_status_do_not_count_for_the_spec(self) -> None:
        item = obj("c", 5, spec={"size": 1}, status={"a": [1] * VALUES, "operator": "x/y"})
        item["metadata"]["managedFields"] = [1] * VALUES
        cluster = read(CLUSTERS, raw(item))
        assert (cluster.spec, cluster.status, cluster.unreadable) == (
            {"size": 1},
            {"operator": "x/y"},
            "",
        )

    def test_numbers_of_any_length_are_told(self) -> None:
        for number in (b"1e400", b"1" * 5000):
            cluster = read(CLUSTERS, raw(obj("c", 5, spec={"size": msgspec.Raw(number)})))
            assert "cannot be read" in told(cluster)

    def test_nobody_says_of_a_spec_that_it_cannot_be_read(self) -> None:
        cluster = read(CLUSTERS, raw(obj("c", 5, spec={"size": 1}, unreadable="so they say")))
        assert (cluster.spec, cluster.unreadable) == ({"size": 1}, "")


def test_what_was_only_tried_has_no_version() -> None:
    item = obj("c-1", 5)
    del item["metadata"]["resourceVersion"]
    assert read(PODS, raw(item)).version == 0


async def test_what_is_watched_has_one(transport: Transport, api: Faulty) -> None:
    bad = secret("b", 11)
    bad["metadata"]["resourceVersion"] = ""
    lines = (*initial(10, "a"), {"type": "ADDED", "object": bad}, event("ADDED", "c", 12))
    async with reflecting(transport, api, streams(*lines)) as bench:
        await bench.holds("a", "c")
        assert len(api.asked) == 1


def test_a_line_is_a_line() -> None:
    assert line_of(b'{"type":"ADDED","object":{}}').type == "ADDED"
    for wrong in (b"", b"<html>", b"[" * 5000, b'{"type":7,"object":{}}'):
        with pytest.raises(Unreadable):
            line_of(wrong)


def test_a_mapping_is_a_mapping() -> None:
    assert mapping(b'{"a": 1}') == {"a": 1}
    for wrong in (b"", b"[]", b"\xff", b"[" * 5000, json.dumps({"a": [1] * 10 * VALUES}).encode()):
        with pytest.raises(Unreadable):
            mapping(wrong)


async def test_a_reply_that_is_none_is_an_error_like_others(
    transport: Transport, api: Faulty
) -> None:
    client = Client(transport)
    for body in (b"<html>", b"[" * 5000, {"metadata": {"name": 7}}):
        api.script = [says(200, body)]
        for resource in (PODS, SECRETS):
            with pytest.raises(Terminal, match="cannot be read"):
                await client.get(resource, "ns", "s")
    api.script = [says(400, b"[" * 5000)]
    with pytest.raises(Terminal):
        await client.get(PODS, "ns", "s")


async def test_the_count_begins_before_there_is_one(transport: Transport, api: Faulty) -> None:
    """Of a series that begins at 1, an alert does not see that it rose."""
    metrics.UNDECODABLE.remove("Secret")
    async with reflecting(transport, api, streams(*initial(10, "a"))) as bench:
        await bench.until(lambda: bench.names() == {"a"})
    (family,) = metrics.UNDECODABLE.collect()
    assert {"kind": "Secret"} in [sample.labels for sample in family.samples]
