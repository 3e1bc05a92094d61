"""Changes that nothing safe leads to while servers store streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from natsctl.api.types.status import parse_status
from natsctl.model.objects import Cluster, Meta
from natsctl.plan.desired import ParsedSpec, parse_cluster
from tests.unit.plan.world import running

SPEC: dict[str, Any] = {
    "size": 3,
    "version": "2.12.15",
    "jetstream": {"fileStore": {"pvc": {"size": "10Gi"}}},
}


def changed(spec: Any, before: Any = SPEC, stored: str | None = None) -> ParsedSpec:
    """What becomes of a spec where pods run what another one said."""
    kept = json.dumps(before) if stored is None else stored
    cluster = Cluster(Meta(name="c", namespace="ns", uid="u", generation=2), spec=spec)
    return parse_cluster(cluster, parse_status({"acceptedSpec": kept}), running(before).pods)


def volume(**pvc: Any) -> dict[str, Any]:
    return SPEC | {"jetstream": {"fileStore": {"pvc": {"size": "10Gi"} | pvc}}}


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        SPEC | {"size": 5},
        volume(size="20Gi"),
        SPEC | {"jetstream": SPEC["jetstream"] | {"limits": {}}},
    ],
)
def test_whatever_else_changes_is_accepted(spec: Any) -> None:
    assert changed(spec).problems == ()


def test_servers_that_may_store_streams_can_be_fewer() -> None:
    assert changed(SPEC | {"size": 2}).problems == ()


@pytest.mark.parametrize("before", [1, 3])
def test_the_last_servers_that_may_store_streams_are_not_removed(before: int) -> None:
    found = changed(SPEC | {"size": 0}, SPEC | {"size": before})
    (problem,) = found.problems
    assert (problem.path, problem.value) == ("spec.size", "0")
    assert found.spec is not None
    assert found.spec.size == before


@pytest.mark.parametrize(
    ("spec", "path", "back"),
    [
        (
            volume(storageClassName="fast"),
            "spec.jetstream.fileStore.pvc.storageClassName",
            "None",
        ),
    ],
)
def test_volumes_that_there_are_keep_their_class(spec: Any, path: str, back: str) -> None:
    (problem,) = changed(spec).problems
    assert problem.path == path
    assert problem.message.endswith(
        f"does not change volumes that there are; set it back to {back}"
    )


@pytest.mark.parametrize("stored", ["", "no json", "[]", '{"size": "three"}'])
def test_a_status_that_somebody_edited_tells_nothing_of_volumes(stored: str) -> None:
    assert changed(volume(storageClassName="fast"), stored=stored).problems == ()
    assert changed(SPEC | {"size": 0}, stored=stored).problems[0].path == "spec.size"


def test_servers_that_run_without_jetstream_may_get_it() -> None:
    assert changed(SPEC, before={"size": 3, "version": "2.12.15"}).problems == ()


def test_a_new_cluster_may_have_it() -> None:
    cluster = Cluster(Meta(name="c", namespace="ns", uid="u", generation=1), spec=SPEC)
    assert parse_cluster(cluster, parse_status(None), ()).problems == ()
