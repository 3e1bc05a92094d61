"""What servers have stored their data under stays: a spec that changes it is refused as a whole."""

from __future__ import annotations

import json
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import ClusterStatus
from natsctl.model.objects import Cluster, Meta, Pod
from natsctl.plan.desired import ParsedSpec, parse_cluster
from natsctl.render.inputs import ConfigInputs
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import STREAM_KEY
from tests.unit.api.jwts import ACCOUNT, OTHER_ACCOUNT
from tests.unit.plan.world import NAME, NAMESPACE, UID, pod, target

KEY = {"secret": "js-key"}
OPERATOR = {"secret": "op", "resolver": "URL(http://a/jwt/v1/accounts/)"}
REPLACED = (
    "or let natsctl replace all volumes, one at a time: set "
    "spec.jetstream.fileStore.resizePolicy to Replace, and spec.size to 3 or more"
)


def spec(jetstream: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "size": 3,
        "version": "2.14.10",
        **({} if jetstream == "none" else {"jetstream": jetstream or {}}),
        **fields,
    }


def running(of: dict[str, Any]) -> Pod:
    """A server of this spec, with its key."""
    sealed = {STREAM_KEY: "0123456789"} if of["jetstream"].get("encryption") else {}
    made = attrs.evolve(target(of), inputs=ConfigInputs(sealed=sealed))
    return msgspec.convert(render_pod(made, 1), Pod)


def read(
    wanted: dict[str, Any], accepted: dict[str, Any] | None = None, pods: tuple[Pod, ...] = ()
) -> ParsedSpec:
    made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=wanted)
    text = json.dumps(accepted, sort_keys=True, separators=(",", ":")) if accepted else ""
    return parse_cluster(made, ClusterStatus(accepted_spec=text), pods)


CHANGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (spec({"domain": "hub"}), spec({"domain": "leaf"}), "spec.jetstream.domain"),
    (spec({"domain": "hub"}), spec({}), "spec.jetstream.domain"),
    (spec({}), spec({"domain": "hub"}), "spec.jetstream.domain"),
    (
        spec({"encryption": KEY}),
        spec({"encryption": {"secret": "other"}}),
        "spec.jetstream.encryption.secret",
    ),
    (
        spec({"encryption": KEY}),
        spec({"encryption": KEY | {"key": "k2"}}),
        "spec.jetstream.encryption.key",
    ),
    (
        spec({"encryption": KEY}),
        spec({"encryption": KEY | {"cipher": "aes"}}),
        "spec.jetstream.encryption.cipher",
    ),
    (
        spec(operatorConfig=OPERATOR | {"systemAccount": ACCOUNT}),
        spec(operatorConfig=OPERATOR | {"systemAccount": OTHER_ACCOUNT}),
        "spec.operatorConfig.systemAccount",
    ),
    (spec(size=1), spec(size=3), "spec.size"),
    (spec(size=3), spec(size=1), "spec.size"),
    (spec(), spec("none"), "spec.jetstream"),
    (spec(), spec({"encryption": KEY}), "spec.jetstream.encryption"),
    (spec({"encryption": KEY}), spec(), "spec.jetstream.encryption"),
]


@pytest.mark.parametrize(("before", "after", "path"), CHANGES)
def test_what_data_depends_on_cannot_change(
    before: dict[str, Any], after: dict[str, Any], path: str
) -> None:
    assert read(after).problems == ()
    assert [p.path for p in read(after, before).problems] == [path]


@pytest.mark.parametrize(("before", "after", "path"), CHANGES)
def test_pods_tell_it_where_the_status_was_lost(
    before: dict[str, Any], after: dict[str, Any], path: str
) -> None:
    told = [p.path for p in read(after, pods=(running(before),)).problems]
    by_name = path in ("spec.jetstream.encryption.secret", "spec.jetstream.encryption.key")
    assert told == ([] if by_name else [path]), "they tell the key, and not where it comes from"


def test_the_last_spec_counts_so_that_servers_come_back_as_they_were() -> None:
    parsed = read(spec({"domain": "leaf"}), spec({"domain": "hub"}))
    assert parsed.spec is not None
    assert parsed.spec.jetstream is not None
    assert parsed.spec.jetstream.domain == "hub"


def test_what_to_do_is_told() -> None:
    assert [str(p) for p in read(spec({"domain": "leaf"}), spec({"domain": "hub"})).problems] == [
        "spec.jetstream.domain: cannot change while servers may store streams, which depend on it; "
        "set it back to 'hub', or create another NatsCluster"
    ]
    assert [str(p) for p in read(spec({"domain": "a"}), spec()).problems] == [
        "spec.jetstream.domain: cannot change while servers may store streams, which depend on it; "
        "set it back, or create another NatsCluster"
    ]
    assert [str(p) for p in read(spec(size=3), spec(size=1)).problems] == [
        "spec.size: is 3, but a single server and a cluster do not see each other's streams; set "
        "it back to 1, or create another NatsCluster; if you need none of the streams, remove "
        "spec.jetstream before you change the size"
    ]
    assert "set it back to 2 or more" in str(read(spec(size=1), spec(size=3)).problems[0])
    assert [str(p) for p in read(spec({"encryption": KEY}), spec()).problems] == [
        "spec.jetstream.encryption: is added, but what servers store is not encrypted; remove it, "
        f"{REPLACED}"
    ]
    assert [str(p) for p in read(spec(), spec({"encryption": KEY})).problems] == [
        "spec.jetstream.encryption: is removed, but what servers store is encrypted; put it back, "
        f"{REPLACED}"
    ]
    assert [str(p) for p in read(spec("none"), spec()).problems] == [
        "spec.jetstream: is not removed before all servers have said that they hold no stream; "
        "natsctl asks them, and continues by itself"
    ]


def test_the_name_of_the_cluster_of_servers_stays() -> None:
    """Pods do not tell it: servers that run keep it anyway."""
    assert [p.path for p in read(spec(clusterName="b"), spec(clusterName="a")).problems] == [
        "spec.clusterName"
    ]
    assert read(spec(pod={"natsEnv": [{"name": "A"}]}), spec()).problems == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (spec(size=3), spec(size=5)),
        (spec({"fileStore": {"maxSize": "1Gi"}}), spec({"fileStore": {"maxSize": "2Gi"}})),
        (spec({"encryption": KEY}), spec({"encryption": KEY | {"cipher": "chacha"}})),
    ],
)
def test_all_else_may(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert read(after, before, (running(before),)).problems == ()


@pytest.mark.parametrize("after", [spec({"domain": "hub"}), spec(size=5)])
def test_without_data_there_is_nothing_to_keep(after: dict[str, Any]) -> None:
    assert read(after, spec("none", size=1)).problems == ()


def test_without_streams_nothing_is_kept() -> None:
    before = spec("none", clusterName="a", operatorConfig=OPERATOR)
    assert read(spec("none"), before, (pod(1, before),)).problems == ()


def test_a_status_that_somebody_edited_stops_nothing() -> None:
    made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec())
    for text in ('{"jetstream"', '"jetstream"', '{"jetstream":7}'):
        assert parse_cluster(made, ClusterStatus(accepted_spec=text), ()).problems == ()
