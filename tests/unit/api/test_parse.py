from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.parse import MANY, parse_leniently, parse_role_spec, parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.types.cluster import NatsClusterSpec, PodPolicy, ServicePolicy
from natsctl.api.types.security import TLSConfig
from natsctl.api.types.server_config import ExtraRoute, NatsConfig
from natsctl.api.types.service_role import (
    AllowResponses,
    NatsServiceRoleSpec,
    Permissions,
    Subjects,
)
from natsctl.api.types.template import EnvVar, PodSpec, PodTemplate
from tests.unit.api.strategies import specs
from tests.unit.pace import allowed

GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = ("size", "version", "natsConfig", "pod", "template", "tls", "extraRoutes", "auth")


def complaints(raw: object) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec(raw)
    return [str(problem) for problem in caught.value.problems]


def test_the_smallest_spec_is_a_size() -> None:
    assert parse_spec({"size": 3}) == NatsClusterSpec(size=3)


def test_json_names_become_attributes() -> None:
    raw = {
        "size": 1,
        "version": "2.0.0",
        "serverImage": "registry/nats",
        "natsConfig": {"write_deadline": "10s", "maxPayload": 8, "disableLogtime": True},
        "lameDuckDurationSeconds": 30,
        "extraRoutes": [{"cluster": "a"}, {"route": "nats://h:1"}],
        "servicePolicy": {"labels": {"a": "b"}},
        "pod": {"antiAffinity": True, "advertiseExternalIP": True, "natsEnv": [{"name": "A"}]},
        "tls": {"serverSecret": "s", "serverSecretCAFileName": "ca.crt", "clientsTLSTimeout": 5},
        "template": {"spec": {"containers": [{"name": "nats"}]}},
    }
    assert parse_spec(raw) == NatsClusterSpec(
        size=1,
        version="2.0.0",
        server_image="registry/nats",
        nats_config=NatsConfig(write_deadline="10s", max_payload=8, disable_logtime=True),
        lame_duck_duration_seconds=30,
        extra_routes=(ExtraRoute(cluster="a"), ExtraRoute(route="nats://h:1")),
        service_policy=ServicePolicy(labels={"a": "b"}),
        pod=PodPolicy(anti_affinity=True, advertise_external_ip=True, nats_env=({"name": "A"},)),
        tls=TLSConfig(
            server_secret="s", server_secret_ca_file_name="ca.crt", clients_tls_timeout=5
        ),
        template={"spec": {"containers": [{"name": "nats"}]}},
    )


def test_null_is_the_same_as_nothing_at_any_depth() -> None:
    raw = {"size": 1, "version": None, "pod": {"labels": {"a": None}}, "template": {"spec": None}}
    assert parse_spec(raw) == NatsClusterSpec(size=1, pod=PodPolicy(), template={})


def test_an_empty_version_or_image_is_the_same_as_none() -> None:
    assert parse_spec({"size": 1, "version": "", "serverImage": ""}) == NatsClusterSpec(size=1)


@pytest.mark.parametrize("raw", [None, {}])
def test_a_size_is_required(raw: object) -> None:
    assert complaints(raw) == ["spec.size: is required"]


@pytest.mark.parametrize(
    ("size", "shown"), [("three", "'three'"), ("7", "'7'"), (True, "True"), (3.0, "3.0")]
)
def test_nothing_is_coerced_to_a_number(size: object, shown: str) -> None:
    assert complaints({"size": size}) == [f"spec.size: is {shown}; use a whole number"]


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (3, "spec: is 3; use an object with keys"),
        ({"version": 2.1}, "spec.version: is 2.1; use a quoted string"),
        ({"paused": "yes"}, "spec.paused: is 'yes'; use true or false"),
        ({"tls": {"clientsTLSTimeout": "5"}}, "spec.tls.clientsTLSTimeout: is '5'; use a number"),
        (
            {"tls": {"clientsTLSTimeout": float("nan")}},
            "spec.tls.clientsTLSTimeout: is nan; use a number",
        ),
        (
            {"tls": {"clientsTLSTimeout": float("inf")}},
            "spec.tls.clientsTLSTimeout: is inf; use a number",
        ),
        ({"extraRoutes": {}}, "spec.extraRoutes: is {}; use a list"),
        ({"extraRoutes": "ab"}, "spec.extraRoutes: is 'ab'; use a list"),
        ({"extraRoutes": [{}, 2]}, "spec.extraRoutes[1]: is 2; use an object with keys"),
        (
            {"extraRoutes": [{"route": 1}]},
            "spec.extraRoutes[0].route: is 1; use a quoted string",
        ),
        ({"pod": {"labels": {"a": 1}}}, "spec.pod.labels.a: is 1; use a quoted string"),
        ({"pod": {"labels": []}}, "spec.pod.labels: is []; use an object with keys"),
        ({"template": [1]}, "spec.template: is [1]; use an object with keys"),
        (
            {"leafnodeConfig": {"remotes": [{"urls": ["a", 2]}]}},
            "spec.leafnodeConfig.remotes[0].urls[1]: is 2; use a quoted string",
        ),
        ({"gatewayConfig": {"gateways": [{}]}}, "spec.gatewayConfig.gateways[0].name: is required"),
    ],
)
def test_an_error_names_its_place_and_what_to_write(raw: Any, complaint: str) -> None:
    spec = {"size": 1, **raw} if isinstance(raw, dict) else raw
    assert complaints(spec) == [complaint]


def test_keys_are_texts_however_yaml_reads_them() -> None:
    assert complaints({"size": 1, "template": {"spec": {"nodeSelector": {True: "x"}}}}) == [
        "spec.template.spec.nodeSelector: is True; use a quoted string for each key"
    ]


def test_all_errors_are_told_at_once() -> None:
    assert complaints({"version": 2, "pod": {"antiAffinity": 1}}) == [
        "spec.size: is required",
        "spec.version: is 2; use a quoted string",
        "spec.pod.antiAffinity: is 1; use true or false",
    ]


def test_long_values_are_cut_short() -> None:
    (complaint,) = complaints({"size": "x" * 500})
    assert len(complaint) < 120


def test_a_misspelt_key_of_the_configuration_stops_nothing() -> None:
    raw = {"size": 3, "natsConfig": {"writeDeadline": "5s", "max_payload": 1, "debug": True}}
    assert parse_spec(raw) == NatsClusterSpec(size=3, nats_config=NatsConfig(debug=True))


@pytest.mark.parametrize("raw", [{"monitoring": []}, {"clientFrom": [{"podSelector": {}}]}])
def test_a_misspelt_key_that_would_let_somebody_in_is_an_error(raw: dict[str, Any]) -> None:
    (complaint,) = complaints({"size": 3, "networkPolicy": raw})
    assert complaint.startswith("spec.networkPolicy.")
    assert "unknown key" in complaint


def test_a_key_that_is_none_hides_nothing_else() -> None:
    assert complaints({"size": "x", "pod": {1: 2, "labels": {None: "a", "b": 1}}}) == [
        "spec.pod: is 1; use a quoted string for each key",
        "spec.pod.labels: is None; use a quoted string for each key",
        "spec.size: is 'x'; use a whole number",
        "spec.pod.labels.b: is 1; use a quoted string",
    ]


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        ([], ["spec"]),
        (
            {"extraRoutes": [2, {"route": 7}, {"cluster": "../"}]},
            ["[0]", "[1].route", "[2].cluster"],
        ),
        ({"gatewayConfig": {"gateways": [3, {"name": 4}]}}, ["[0]", "[1].name"]),
        ({"pod": {"natsEnv": [1], "labels": 3, "tolerations": "x"}}, None),
        ({"networkPolicy": {"enabled": 3, "clientFrom": [], "routesFrom": [2]}}, None),
    ],
)
def test_what_is_wrong_gives_way_and_the_rest_is_understood(raw: Any, paths: Any) -> None:
    spec = {"size": 4, "paused": True, **raw} if isinstance(raw, dict) else raw
    found, problems = parse_leniently(spec, NatsClusterSpec, "spec")
    assert found.size == (4 if isinstance(raw, dict) else 1)
    assert problems
    if paths is not None:
        endings = [p.path for p in problems if p.message != "is required"]
        assert [e.endswith(p) for e, p in zip(endings, paths, strict=True)] == [True] * len(paths)


@pytest.mark.parametrize(
    ("raw", "shape"),
    [
        ([{}] * 1000, tuple[EnvVar, ...]),
        ([3] * 1000, tuple[EnvVar, ...]),
        ({"volumes": [{}] * 1000}, PodSpec),
        ({"spec": {"containers": [{"env": [{}] * 1000}]}}, PodTemplate),
        ({"gatewayConfig": {"gateways": [{}] * 1000}}, NatsClusterSpec),
        ({"size": {}, "extraRoutes": [3] * 1000}, NatsClusterSpec),
        ({"permissions": {"publish": [1] * 1000}}, NatsServiceRoleSpec),
    ],
)
def test_very_many_of_them_come_to_an_end(raw: Any, shape: Any) -> None:
    _, problems = parse_leniently(raw, shape, "x")
    assert len(problems) == MANY + 1


@given(st.dictionaries(st.sampled_from(KEYS), GARBAGE))
def test_garbage_is_parsed_or_refused_with_places_and_never_keeps_from_reading_on(
    raw: dict[str, Any],
) -> None:
    found, problems = parse_leniently(raw, NatsClusterSpec, "spec")
    assert isinstance(found, NatsClusterSpec)
    assert [p.path for p in problems] == refused_paths(raw)
    assert all(p.path.startswith("spec.") for p in problems)
    assert all(str(problem).isprintable() for problem in problems)


def test_many_errors_take_no_time() -> None:
    raw = {"size": 1, "pod": {"labels": {f"k{i}": i for i in range(20_000)}}}
    raw["networkPolicy"] = {f"x{i}": 1 for i in range(20_000)}
    began = thread_time()
    *first, last = complaints(raw)
    assert len(first) == MANY
    assert last == f"spec: has {40_000 - MANY} more problems"
    assert thread_time() - began < allowed(5)  # quadratic, it would take minutes
    found, _ = parse_leniently(raw, NatsClusterSpec, "spec")
    assert found == NatsClusterSpec(size=1)


def test_the_error_is_readable_as_a_whole() -> None:
    with pytest.raises(InvalidSpec, match=r"^spec\.size: is required; spec\.paused: is 1; use"):
        parse_spec({"paused": 1})


def test_a_role_lists_subjects() -> None:
    assert parse_role_spec({"permissions": {"publish": ["a.*"]}}) == NatsServiceRoleSpec(
        Permissions(publish=("a.*",))
    )
    assert parse_role_spec({}) == NatsServiceRoleSpec()


def test_a_role_allows_denies_and_lets_reply() -> None:
    raw = {
        "allow": {"publish": ["b"]},
        "deny": {"subscribe": ["c queue"]},
        "allowResponses": {"maxMsgs": 5, "expires": "1m"},
    }
    assert parse_role_spec({"permissions": raw}).permissions == Permissions(
        allow=Subjects(publish=("b",)),
        deny=Subjects(subscribe=("c queue",)),
        allow_responses=AllowResponses(5, "1m"),
    )


def test_a_role_with_anything_else_is_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"spec\.permissions\.publish: is 'a'; use a list"):
        parse_role_spec({"permissions": {"publish": "a"}})


@given(specs())
def test_whatever_the_schema_allows_is_parsed(raw: dict[str, Any]) -> None:
    assert isinstance(parse_spec(raw), NatsClusterSpec)


def refused_paths(raw: object) -> list[str]:
    try:
        parse_spec(raw)
    except InvalidSpec as invalid:
        return [problem.path for problem in invalid.problems]
    return []
