"""Whatever is stored as a spec, it is understood or its problems are named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.status import parse_status
from natsctl.operator.desired import ADVICE_NAMED, understand
from natsctl.plan.objects import Cluster, Meta
from tests.unit.api.strategies import specs
from tests.unit.plan.world import pod

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.sampled_from(["size", "version", "pod", "natsConfig", "tls", "extraRoutes", "template"])


def cluster(spec: Any) -> Cluster:
    return Cluster(Meta(name="c", namespace="ns", uid="u", generation=1), spec=spec)


@given(JSON | st.dictionaries(FIELDS, JSON))
def test_nothing_stored_makes_it_fail(spec: Any) -> None:
    found = understand(cluster(spec), parse_status(None), ())
    assert (found.desired is None) == bool(found.problems)


def spoiled(spec: Any, way: list[int], found: Any) -> Any:
    """The spec with something else in one place."""
    if not way or not isinstance(spec, dict | list) or not spec:
        return found
    places = list(spec) if isinstance(spec, dict) else range(len(spec))
    place = places[way[0] % len(places)]
    changed = dict(spec) if isinstance(spec, dict) else list(spec)
    changed[place] = spoiled(spec[place], way[1:], found)
    return changed


@given(specs(), st.lists(st.integers(0, 9), max_size=6), JSON)
def test_nothing_wrong_in_the_depth_of_a_good_spec_makes_it_fail(
    spec: Any, way: list[int], wrong: Any
) -> None:
    found = understand(cluster(spoiled(spec, way, wrong)), parse_status(None), ())
    assert (found.desired is None) == bool(found.problems)


@given(specs())
def test_what_is_understood_once_is_understood_the_same_way_again(spec: Any) -> None:
    """Else a new start of the operator would write everything anew."""
    once = understand(cluster(spec), parse_status(None), ())
    assert once == understand(cluster(dict(reversed(spec.items()))), parse_status(None), ())


def test_a_good_spec() -> None:
    found = understand(cluster({"size": 3, "version": "2.12.15"}), parse_status(None), ())
    assert found.desired is not None
    assert [s.name for s in found.desired.standing] == ["c", "c-mgmt", "c"]
    assert found.desired.not_acted_on == ()


def test_unknown_fields_and_fields_not_acted_on_are_listed() -> None:
    spec = {"size": 1, "colour": "blue", "gatewayConfig": {"name": "g", "hostPort": 7222}}
    found = understand(cluster(spec), parse_status(None), ())
    assert found.desired is not None
    assert set(found.desired.not_acted_on) == {"spec.gatewayConfig", "spec.colour"}


@pytest.mark.parametrize(
    ("status", "pods", "version"),
    [
        ({}, (), "2.14.5"),
        ({"currentVersion": "2.9.25"}, (), "2.9.25"),
        ({}, ("2.10.29",), "2.10.29"),
        ({"currentVersion": "nonsense"}, (), "2.14.5"),
    ],
)
def test_an_unset_version_keeps_what_the_cluster_has(
    status: dict[str, str], pods: tuple[str, ...], version: str
) -> None:
    made = tuple(pod(1, {"size": 1, "version": v}) for v in pods)
    found = understand(cluster({"size": 1}), parse_status(status), made)
    assert found.desired is not None
    assert found.desired.target.version.text == version


def test_a_pause_counts_even_with_a_bad_spec() -> None:
    spec = {"size": 1, "paused": True, "lameDuckDurationSeconds": 1}
    found = understand(cluster(spec), parse_status(None), ())
    assert found.desired is None
    assert found.paused


def test_routes_added_to_servers_that_have_a_name_come_with_advice() -> None:
    """Changing the name under running servers would tear them apart."""
    spec = {"size": 1, "version": "2.12.15", "extraRoutes": [{"cluster": "other"}]}
    named = pod(1, {"size": 1, "version": "2.12.15"})
    later = understand(cluster(spec), parse_status(None), (named,)).desired
    fresh = understand(cluster(spec), parse_status(None), ()).desired
    assert later is not None
    assert fresh is not None
    assert (later.advice, fresh.advice) == (ADVICE_NAMED, "")
