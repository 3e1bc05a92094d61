"""A NatsCluster that takes volumes back has to fit what is stored on them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from natsctl.api.types.status import ClusterStatus
from natsctl.model.objects import Cluster, Meta, PersistentVolumeClaim, Pod
from natsctl.plan.claims.stored import stored_of
from natsctl.plan.desired import ParsedSpec, parse_cluster
from tests.unit.api.jwts import ACCOUNT, OTHER_ACCOUNT
from tests.unit.plan.claims.volumes import EARLIER, SPEC, claim, with_data
from tests.unit.plan.world import NAME, NAMESPACE, UID, pod


def left(spec: dict[str, Any], *indexes: int, of: str = EARLIER) -> list[PersistentVolumeClaim]:
    """The claims of a NatsCluster of this spec."""
    places = indexes or range(1, spec["size"] + 1)
    return [with_data(claim(index, of=of, spec=spec), spec) for index in places]


def read(
    wanted: dict[str, Any],
    claims: list[PersistentVolumeClaim],
    pods: tuple[Pod, ...] = (),
    before: dict[str, Any] | None = None,
) -> ParsedSpec:
    made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=wanted)
    status = ClusterStatus(accepted_spec=json.dumps(before) if before else "")
    return parse_cluster(made, status, pods, stored=stored_of(made, claims))


def with_account(name: str) -> dict[str, Any]:
    operator = {"secret": "op", "resolver": "URL(http://a/jwt/v1/accounts/)"}
    return SPEC | {"operatorConfig": operator | {"systemAccount": name}}


DOMAIN = SPEC | {"jetstream": {"domain": "hub"}}
ENCRYPTED = SPEC | {"jetstream": {"encryption": {"secret": "js-key"}}}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "domain": (DOMAIN, SPEC | {"jetstream": {"domain": "leaf"}}, "spec.jetstream.domain"),
    "domain removed": (DOMAIN, SPEC, "spec.jetstream.domain"),
    "cluster name": (SPEC | {"clusterName": "a"}, SPEC | {"clusterName": "b"}, "spec.clusterName"),
    "system account": (
        with_account(ACCOUNT),
        with_account(OTHER_ACCOUNT),
        "spec.operatorConfig.systemAccount",
    ),
    "encryption": (SPEC, ENCRYPTED, "spec.jetstream.encryption"),
    "encryption removed": (ENCRYPTED, SPEC, "spec.jetstream.encryption"),
    "cipher": (
        ENCRYPTED,
        SPEC | {"jetstream": {"encryption": {"secret": "js-key", "cipher": "aes"}}},
        "spec.jetstream.encryption.cipher",
    ),
    "fewer servers": (SPEC | {"size": 5}, SPEC | {"size": 3}, "spec.size"),
    "alone": (SPEC, SPEC | {"size": 1}, "spec.size"),
    "together": (SPEC | {"size": 1}, SPEC, "spec.size"),
    "downgrade": (SPEC | {"version": "2.12.15"}, SPEC | {"version": "2.11.5"}, "spec.version"),
    "upgrade": (SPEC | {"version": "2.12.15"}, SPEC | {"version": "2.15.3"}, "spec.version"),
    "the newest": (
        SPEC | {"version": "2.12.15"},
        {key: value for key, value in SPEC.items() if key != "version"},
        "spec.version",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_does_not_fit_is_refused_and_nothing_is_made(name: str) -> None:
    before, after, path = CHANGES[name]
    parsed = read(after, left(before))
    assert [problem.path for problem in parsed.problems] == [path]
    assert parsed.version is None
    assert read(before, left(before)).problems == ()


def test_what_to_do_is_told() -> None:
    (problem,) = read(SPEC, left(SPEC | {"size": 5})).problems
    assert str(problem) == (
        "spec.size: is 3, but PersistentVolumeClaim js-c-1 is one of 5 volumes whose servers "
        "stored streams together; set it to 5 or more, and remove servers afterwards"
    )


def test_how_volumes_are_encrypted_is_told() -> None:
    (problem,) = read(SPEC, left(ENCRYPTED)).problems
    assert str(problem) == (
        "spec.jetstream.encryption: is not set, but what is on PersistentVolumeClaim js-c-1 is "
        "encrypted; set it, with secret 'js-key', key 'key', cipher 'chacha'"
    )
    (problem,) = read(ENCRYPTED, left(SPEC)).problems
    assert str(problem) == (
        "spec.jetstream.encryption: is set, but what is on PersistentVolumeClaim js-c-1 was stored "
        "without it; remove it, or create another NatsCluster"
    )


def test_all_that_does_not_fit_is_told_at_once() -> None:
    after = SPEC | {"version": "2.11.5", "size": 1, "clusterName": "x"}
    found = read(after, left(DOMAIN | {"version": "2.12.15"})).problems
    assert [problem.path for problem in found] == [
        *("spec.clusterName", "spec.jetstream.domain", "spec.size", "spec.version"),
    ]


def test_more_servers_may_take_volumes_back() -> None:
    assert read(SPEC | {"size": 5}, left(SPEC)).problems == ()


def test_volumes_of_servers_that_were_removed_do_not_count() -> None:
    """Their claims say how many were left."""
    five = SPEC | {"size": 5}
    removed = with_data(claim(5, of=EARLIER, spec=five), five, size=3)
    assert read(SPEC, [*left(SPEC), removed]).problems == ()


def test_a_volume_of_the_later_servers_alone_tells_how_many_there_were() -> None:
    assert read(SPEC, left(SPEC | {"size": 5}, 4)).problems[0].path == "spec.size"


def storing(**jetstream: Any) -> dict[str, Any]:
    return SPEC | {"jetstream": jetstream}


GI = 2**30
LOWER: dict[str, tuple[dict[str, Any], str]] = {
    "set": (storing(fileStore={"maxSize": "5Gi"}), "is 5Gi"),
    "by default": (storing(fileStore={}), "is not set, which means 7Gi"),
    "in memory alone": (storing(memoryStore={"maxSize": "1Gi"}), "is not set"),
}


class TestALowerLimit:
    """Servers could store more on each volume, and nothing tells yet how much they did."""

    @pytest.mark.parametrize("name", LOWER)
    def test_is_refused_with_the_one_to_set(self, name: str) -> None:
        spec, means = LOWER[name]
        (problem,) = read(spec, left(storing(fileStore={"maxSize": "7200Mi"}))).problems
        assert str(problem) == (
            f"spec.jetstream.fileStore.maxSize: {means}, but servers could store more on "
            "PersistentVolumeClaim js-c-1, and streams have no leader at the limit; set it to "
            "7200Mi, and lower it once all servers run"
        )
        enough = storing(fileStore={"maxSize": "7200Mi"})
        assert read(enough, left(enough)).problems == ()

    def test_is_none_if_it_is_the_same_or_higher(self) -> None:
        before = storing(fileStore={"maxSize": "6Gi"})
        for spec in (before, SPEC, storing(fileStore={"maxSize": "7Gi"})):
            assert read(spec, left(before)).problems == ()

    def test_is_told_so_that_what_is_told_is_enough(self) -> None:
        odd = [with_data(claim(1, of=EARLIER), limit=7 * GI + 1)]
        (problem,) = read(SPEC, odd).problems
        assert "set it to 7169Mi," in str(problem)
        assert read(storing(fileStore={"maxSize": "7169Mi"}), odd).problems == ()

    def test_is_accepted_where_no_limit_could_be_so_high(self) -> None:
        """Somebody restored it on a smaller volume, or edited the note."""
        full = [with_data(claim(1, of=EARLIER), limit=10**15)]
        assert "set it to 7680Mi," in str(read(SPEC, full).problems[0])
        assert read(storing(fileStore={"maxSize": "7680Mi"}), full).problems == ()

    def test_of_this_very_cluster_is_not_the_business_of_claims(self) -> None:
        assert read(storing(fileStore={"maxSize": "1Gi"}), left(SPEC, of=UID)).problems == ()

    def test_of_which_an_earlier_natsctl_said_nothing_is_accepted(self) -> None:
        silent = [with_data(each, limit=0) for each in left(SPEC)]
        assert read(storing(fileStore={"maxSize": "1Gi"}), silent).problems == ()


def test_volumes_that_tell_nothing_are_taken_as_they_are() -> None:
    """Those of an earlier natsctl."""
    assert read(SPEC, [claim(index, of=EARLIER) for index in (1, 2, 3)]).problems == ()


def test_volumes_of_another_owner_tell_nothing() -> None:
    owner = {"kind": "StatefulSet", "name": "x", "uid": "x", "controller": True}
    theirs = with_data(claim(1, ownerReferences=[owner]), DOMAIN)
    assert read(SPEC, [theirs]).problems == ()


def test_a_cluster_without_jetstream_does_not_use_them() -> None:
    assert read({"size": 1, "version": "2.11.5"}, left(DOMAIN)).problems == ()


def test_servers_that_have_pods_tell_it_themselves() -> None:
    """A claim that somebody edited stops nothing then, and is written again."""
    running = tuple(pod(index, SPEC) for index in (1, 2, 3))
    assert read(SPEC, left(DOMAIN, of=UID), running).problems == ()
    found = read(SPEC, left(DOMAIN, of=UID), running[:2]).problems
    assert [problem.path for problem in found] == ["spec.jetstream.domain"]


def test_fewer_servers_of_this_very_cluster_are_not_the_business_of_claims() -> None:
    assert read(SPEC, left(SPEC | {"size": 5}, of=UID)).problems == ()


def test_the_last_accepted_spec_stays_in_effect() -> None:
    """A volume from elsewhere that somebody puts in place stops only its own server."""
    parsed = read(SPEC, left(DOMAIN, 2), before=SPEC)
    assert parsed.problems
    assert parsed.version is not None
