"""Tags of servers: what they may be, where they come from, and what keeps replicas apart."""

from typing import Any

import pytest

from natsctl.api.checks.tags import tag_problems, unique_tag_problems, unique_tag_remarks
from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.release import meant_version
from natsctl.api.types.cluster import NatsClusterSpec

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
HOSTNAME = "kubernetes.io/hostname"
UNIQUE = {"jetstream": {"uniqueTag": "zone:"}}
TAGGED: dict[str, Any] = {**UNIQUE, "serverTagsFromNode": [ZONE]}
ON_HOSTS: dict[str, Any] = {
    "jetstream": {"uniqueTag": "hostname:"},
    "serverTagsFromNode": [HOSTNAME],
}


def spec(**fields: Any) -> NatsClusterSpec:
    return parse_spec({"size": 3, **fields})


def complaints(**fields: Any) -> list[str]:
    try:
        given = spec(**fields)
    except InvalidSpec as invalid:
        return list(map(str, invalid.problems))
    found = (*tag_problems(given, meant_version(given)), *unique_tag_problems(given))
    return list(map(str, found))


def remark(**fields: Any) -> list[str]:
    return list(map(str, unique_tag_remarks(spec(**fields))))


def spread(key: str, **fields: Any) -> dict[str, Any]:
    constraint = {"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
    return {"template": {"spec": {"topologySpreadConstraints": [constraint | fields]}}}


class TestOfAllServers:
    @pytest.mark.parametrize("tag", ["zone:a", "a", "!jetstream", "A-1_x.y:z"])
    def test_good_ones(self, tag: str) -> None:
        assert complaints(serverTags=[tag]) == []

    @pytest.mark.parametrize("tag", ["zone a", ":a", "a,b"])
    def test_others(self, tag: str) -> None:
        assert complaints(serverTags=[tag])[0].startswith(
            f"spec.serverTags[0]: '{tag}' is not a valid tag of a server; use letters"
        )

    def test_none_is_there_twice(self) -> None:
        """Servers write them in lowercase."""
        assert complaints(serverTags=["a", "A"]) == [
            "spec.serverTags[1]: 'A' is a duplicate; remove it"
        ]
        assert complaints(serverTags=["a", ""]) == ["spec.serverTags[1]: is empty; remove it"]

    @pytest.mark.parametrize(("version", "good"), [("2.1.9", False), ("2.2.6", True)])
    def test_from_some_release_on(self, version: str, good: bool) -> None:
        wrong = (
            f"spec.serverTags: nats-server {version} does not support tags; omit serverTags, or "
            "use version 2.2.6 or later"
        )
        assert complaints(serverTags=["a"], version=version) == ([] if good else [wrong])


class TestFromTheNode:
    @pytest.mark.parametrize("labels", [[], [ZONE], [ZONE, REGION, HOSTNAME, "a", "b.c/D_e"]])
    def test_good_labels(self, labels: list[str]) -> None:
        assert complaints(serverTagsFromNode=labels) == []

    @pytest.mark.parametrize("label", ["a b", "/zone", "zone/", "a/b/c", 'x"', "zone=a", "x\n"])
    def test_what_no_node_can_have(self, label: str) -> None:
        (problem,) = complaints(serverTagsFromNode=[label])
        assert problem.startswith("spec.serverTagsFromNode[0]: ")
        assert problem.endswith("is not a valid key of a label; use name or example.com/name")

    def test_an_empty_text_is_no_label(self) -> None:
        assert complaints(serverTagsFromNode=[""]) == [
            "spec.serverTagsFromNode[0]: is empty; remove it"
        ]

    def test_two_labels_do_not_become_one_tag(self) -> None:
        """Servers write tags in lowercase."""
        assert complaints(serverTagsFromNode=[ZONE, "example.com/Zone"]) == [
            "spec.serverTagsFromNode[1]: 'example.com/Zone' would become a tag 'zone:', as a "
            "label before it does; remove one of them"
        ]

    @pytest.mark.parametrize("version", ["2.2.6", "2.8.4"])
    def test_servers_that_could_not_reload_with_them(self, version: str) -> None:
        assert complaints(version=version, serverTagsFromNode=[ZONE]) == [
            f"spec.serverTagsFromNode: requires nats-server 2.9.0 or later, not {version}; omit "
            "it, or use a later version"
        ]

    def test_they_stand_beside_those_of_all_servers(self) -> None:
        assert complaints(serverTagsFromNode=[ZONE], serverTags=["fast", "zone", "region:a"]) == []

    @pytest.mark.parametrize("tag", ["zone:a", "ZONE:b"])
    def test_which_do_not_contradict_them(self, tag: str) -> None:
        assert complaints(serverTagsFromNode=[ZONE], serverTags=["x", tag]) == [
            f"spec.serverTags[1]: '{tag}' has the prefix of the tag from label {ZONE} of the "
            "node; remove it, or remove the label from spec.serverTagsFromNode"
        ]


class TestUnique:
    def test_one_that_comes_from_the_node(self) -> None:
        assert complaints(**UNIQUE, serverTagsFromNode=[REGION, ZONE]) == []
        assert complaints(jetstream={"uniqueTag": ""}) == []
        assert complaints() == []

    def test_without_any_no_stream_would_be_created(self) -> None:
        assert complaints(**UNIQUE) == [
            "spec.jetstream.uniqueTag: no server has a tag with this prefix; set "
            "spec.serverTagsFromNode to a label whose value differs between nodes, such as "
            'topology.kubernetes.io/zone for "zone:"'
        ]

    def test_one_that_all_servers_share_allows_one_replica(self) -> None:
        (problem,) = complaints(**UNIQUE, serverTags=["Zone:a"])
        assert problem.startswith(
            "spec.jetstream.uniqueTag: all servers have the same tags from spec.serverTags, so a "
            "stream could have only one replica; set spec.serverTagsFromNode to a label"
        )

    @pytest.mark.parametrize("tag", ["zone", "zone:eu", "Zone:", "rack:", "zo"])
    def test_it_begins_exactly_as_the_tag_does(self, tag: str) -> None:
        found = complaints(jetstream={"uniqueTag": tag}, serverTagsFromNode=[ZONE, REGION])
        assert found == [
            f"spec.jetstream.uniqueTag: '{tag}' is not the prefix of a tag from "
            "spec.serverTagsFromNode; use one of 'zone:', 'region:', or add the label that it "
            "stands for"
        ]


class TestServersThatMayShareOne:
    def test_are_told(self) -> None:
        assert remark(**TAGGED) == [
            f"spec.jetstream.uniqueTag: is 'zone:', but several servers may run on nodes with the "
            f"same value of {ZONE}, and replicas of a stream cannot; add a constraint with "
            f"topologyKey {ZONE} and whenUnsatisfiable DoNotSchedule to "
            "spec.template.spec.topologySpreadConstraints"
        ]

    @pytest.mark.parametrize(
        "fields", [spread(REGION), spread(ZONE, whenUnsatisfiable="ScheduleAnyway")]
    )
    def test_constraints_that_do_not_bind(self, fields: dict[str, Any]) -> None:
        assert len(remark(**TAGGED, **fields)) == 1

    def test_a_constraint_that_does(self) -> None:
        assert remark(**TAGGED, **spread(ZONE)) == []

    def test_so_does_an_affinity(self) -> None:
        term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"nats_cluster": "c"}}}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        template = {"spec": {"affinity": {"podAntiAffinity": required}}}
        assert remark(**TAGGED, template=template) == []

    def test_and_the_operators_own_about_nodes(self) -> None:
        assert len(remark(**ON_HOSTS)) == 1
        assert remark(**ON_HOSTS, pod={"antiAffinity": True}) == []

    def test_a_single_server_shares_nothing(self) -> None:
        assert remark(**{**TAGGED, "size": 1}) == []
        assert remark(serverTagsFromNode=[ZONE]) == []
