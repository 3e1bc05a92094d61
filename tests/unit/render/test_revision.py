import json
from typing import Any

import pytest
from hypothesis import given

from natsctl.render.revision import (
    changed_fields,
    pending_changes,
    revision,
    revision_text,
    rolling_changes,
    running_named,
)
from natsctl.render.target import Target
from tests.unit.api.strategies import specs
from tests.unit.render.targets import TARGETS, target


def text(**fields: Any) -> str:
    return revision_text(revision(target(**fields)))


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    return changed_fields(text(**before), revision(target(**after)))


def test_of_a_plain_cluster_only_the_version_counts() -> None:
    assert set(revision(target())) == {"version", "cluster.name"}
    assert set(revision(target(version="2.0.0"))) == {"version"}


STORED = (
    '{"cluster.name":"fcbcf16590","extraRoutes":"22758f31af","natsConfig.debug":"b5bea41b6c",'
    '"natsConfig.write_deadline":"01f0a2afd4","pod.labels":"57e512a1ff",'
    '"pod.tolerations":"c92f95d054","serverImage":"86fdd750a8","template":"65901f352e",'
    '"version":"93f10ab442"}'
)


# Hashes are stored in pods: one that changed would restart every server at an upgrade.
def test_hashes_never_change() -> None:
    everything = target(
        version="2.9.25",
        serverImage="registry/nats",
        natsConfig={"debug": True, "write_deadline": "10s"},
        extraRoutes=[{"cluster": "a"}, {"route": "nats://h:1"}],
        template={"spec": {"containers": [{"name": "nats", "stdin": True}]}},
        pod={"labels": {"a": "\u00e9"}, "tolerations": [{"key": "k"}]},
    )
    assert revision_text(revision(everything)) == STORED


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"version": "2.9.25"}, "version"),
        ({"serverImage": "mine"}, "serverImage"),
        ({"noAdvertise": True}, "noAdvertise"),
        ({"lameDuckDurationSeconds": 60}, "lameDuckDurationSeconds"),
        ({"template": {"spec": {"priorityClassName": "high"}}}, "template"),
        ({"extraRoutes": [{"cluster": "a"}]}, "extraRoutes"),
        ({"natsConfig": {"debug": True}}, "natsConfig.debug"),
        ({"natsConfig": {"write_deadline": "5s"}}, "natsConfig.write_deadline"),
        ({"natsConfig": {"disableLogtime": True}}, "natsConfig.disableLogtime"),
        ({"pod": {"labels": {"a": "b"}}}, "pod.labels"),
        ({"pod": {"annotations": {"a": "b"}}}, "pod.annotations"),
        ({"pod": {"nodeSelector": {"a": "b"}}}, "pod.nodeSelector"),
        ({"pod": {"antiAffinity": True}}, "pod.antiAffinity"),
        ({"pod": {"tolerations": [{}]}}, "pod.tolerations"),
        ({"pod": {"resources": {"limits": {"cpu": 1}}}}, "pod.resources"),
        ({"pod": {"natsEnv": [{"name": "A"}]}}, "pod.natsEnv"),
        ({"pod": {"volumeMounts": [{"name": "a"}]}}, "pod.volumeMounts"),
        ({"pod": {"enableClientsHostPort": True}}, "pod.enableClientsHostPort"),
    ],
)
def test_a_change_is_named_by_its_path(fields: dict[str, Any], path: str) -> None:
    assert changes({}, fields) == (path,)
    assert changes(fields, {}) == (path,)
    assert changes(fields, fields) == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 5},
        {"paused": True},
        {"version": "2.14.5"},
        {"version": "v2.14.5"},
        {"serverImage": "nats"},
        {"useServerName": True},
        {"natsConfig": {"debug": False, "maxPayload": 0}},
        {"pod": {"labels": {}, "antiAffinity": False, "enableMetrics": True}},
        {"servicePolicy": {"labels": {"a": "b"}}},
        {"managementServicePolicy": {"annotations": {"a": "b"}}},
        {"template": {}},
    ],
)
def test_what_reaches_no_server_is_no_change(fields: dict[str, Any]) -> None:
    assert changes({}, fields) == ()


def test_the_version_is_named_first() -> None:
    fields = {"version": "2.9.25", "noAdvertise": True, "natsConfig": {"trace": True}}
    assert changes({}, fields) == ("version", "natsConfig.trace", "noAdvertise")


def test_routes_wait_for_the_next_restart_and_all_else_makes_one() -> None:
    old, new = text(), revision(target(noAdvertise=True, extraRoutes=[{"cluster": "a"}]))
    assert rolling_changes(old, new) == ("noAdvertise",)
    assert pending_changes(old, new) == ("extraRoutes",)


@pytest.mark.parametrize("annotation", [None, "", "{", "[]", "3", "null"])
def test_without_an_annotation_the_versions_are_compared(annotation: str | None) -> None:
    new = revision(target(version="2.9.25", noAdvertise=True))
    assert changed_fields(annotation, new, "2.9.25") == ()
    assert changed_fields(annotation, new, "2.9.24") == ("version",)
    assert changed_fields(annotation, new) == ("version",)
    assert rolling_changes(annotation, new, "2.9.25") == ()
    assert pending_changes(annotation, new, "2.9.25") == ()


ROUTES = [{"cluster": "a"}]


@pytest.mark.parametrize(
    ("annotations", "named"),
    [
        ([], None),
        ([None, "{", "{}"], None),
        ([text(version="2.1.9")], None),
        ([text(), None], True),
        ([text(extraRoutes=ROUTES)], False),
        ([text(extraRoutes=ROUTES), text()], True),
        ([text(extraRoutes=ROUTES, named=True)], True),
        ([text(named=False)], False),
    ],
)
def test_running_servers_tell_whether_they_are_named(
    annotations: list[str | None], named: bool | None
) -> None:
    assert running_named(annotations) is named


def test_the_name_of_running_servers_is_no_change() -> None:
    old, new = text(), revision(target(extraRoutes=ROUTES))
    assert changed_fields(old, new) == ("extraRoutes",)
    assert rolling_changes(old, revision(target(named=False))) == ()


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(specs())
def test_the_order_of_keys_makes_no_difference(raw: dict[str, Any]) -> None:
    assert text(**raw) == text(**reversed_keys(raw))


@given(TARGETS, TARGETS)
def test_changes_are_found_exactly_where_revisions_differ(one: Target, other: Target) -> None:
    old, new = revision(one), revision(other)
    assert json.loads(revision_text(old)) == old
    changed = changed_fields(revision_text(old), new)
    differing = {path for path in old | new if old.get(path) != new.get(path)}
    assert differing - {"cluster.name"} == set(changed)
    split = rolling_changes(revision_text(old), new) + pending_changes(revision_text(old), new)
    assert sorted(split) == sorted(changed)
