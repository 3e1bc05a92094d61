"""What cannot work is refused, with a message that says what to write instead."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.clusters import NEW, Cluster, manifest
from tests.e2e.kubectl import Kubectl

Apply = Callable[..., Cluster]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"size": -1}, "use a number of servers from 0 to 999"),
        ({"size": 1000}, "use a number of servers from 0 to 999"),
        ({"size": "three"}, "spec.size in body must be of type integer"),
        ({}, "spec.size: Required value"),
        ({"size": 1, "version": "nats:2.9"}, 'use the tag of an image, such as "2.15.3"'),
        ({"size": 1, "serverVersion": "new"}, 'use a release of nats-server, such as "2.15.3"'),
        ({"size": 1, "lameDuckDurationSeconds": 5}, "use 30 or more"),
        ({"size": 1, "extraRoutes": [{}]}, "use either a route"),
    ],
)
def test_the_api_server_refuses(namespace: Kubectl, spec: dict[str, Any], says: str) -> None:
    """Before anything is stored."""
    said = namespace.refused("create", "-f", "-", stdin=json.dumps(manifest("a", **spec)))
    assert says in said


def test_a_name_too_long_for_its_pods_is_refused(namespace: Kubectl) -> None:
    """58 characters are the most."""
    said = namespace.refused("create", "-f", "-", stdin=json.dumps(manifest("a" * 59, size=1)))
    assert "use a name of at most 58 characters" in said


def test_the_longest_name_works(cluster: Apply) -> None:
    """Down to the host names of the servers."""
    cluster("a" * 58, size=2, version=NEW).ready().meshed(2, NEW)


@pytest.mark.parametrize(
    ("spec", "path", "says"),
    [
        ({"natsConfig": {"write_deadline": "10"}}, "spec.natsConfig.write_deadline", "10s"),
        ({"natsConfig": {"maxPayload": 2**27}}, "spec.natsConfig.maxPayload", "maxPending"),
        ({"serverImage": "nats:2.1.0"}, "spec.serverImage", "omit the tag"),
        ({"extraRoutes": [{"route": "x"}]}, "spec.extraRoutes[0].route", "nats://host:6222"),
    ],
)
def test_a_condition_refuses(cluster: Apply, spec: dict[str, Any], path: str, says: str) -> None:
    """No server is started, and mending the spec is all it takes."""
    found = cluster("a", size=1, version=NEW, **spec)
    found.until_condition("SpecAccepted", "False", path, says, reason="InvalidSpec")
    assert found.status()["phase"] == "Failed"
    assert not found.remains()
    found.patch(**dict.fromkeys(spec))
    found.ready().meshed(1, NEW)


def test_a_bad_change_of_a_running_cluster_changes_nothing(cluster: Apply) -> None:
    """The servers go on as they are."""
    found = cluster("a", size=1, version=NEW).ready()
    before = found.uids()
    found.patch(size=2, natsConfig={"write_deadline": "10"})
    found.until_condition("SpecAccepted", "False", "write_deadline", reason="InvalidSpec")
    assert found.uids() == before
    found.patch(natsConfig=None)
    found.ready().meshed(2, NEW)


def test_an_unknown_key_is_named_and_the_rest_is_done(cluster: Apply) -> None:
    """The Go operator's own example has it."""
    found = cluster("a", size=1, version=NEW, natsConfig={"writeDeadline": "5s", "debug": True})
    found.ready().meshed(1, NEW)
    found.until_condition("SpecAccepted", "True", "writeDeadline", reason="FieldsNotActedOn")
