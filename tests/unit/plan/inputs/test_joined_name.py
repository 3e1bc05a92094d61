"""Clusters that extraRoutes join to one have one name, whoever is created first."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.version import DEFAULT_VERSION, ServerVersion
from natsctl.plan.inputs.joined_name import Member, joined_name
from natsctl.render.revision.revision import revision, revision_text
from tests.unit.render.targets import target

Spec = dict[str, Any]


def member(spec: Spec, *stamps: str | None) -> Member:
    found = parse_spec({"size": 3} | spec)
    return Member(found, ServerVersion.parse(found.version or DEFAULT_VERSION), stamps)


def stamp(name: str, joined: str | None = None, **fields: Any) -> str:
    return revision_text(revision(target(name, joined=joined, **fields)))


def to(*clusters: str) -> Spec:
    return {"extraRoutes": [{"cluster": name} for name in clusters]}


OUTSIDE: Spec = {"extraRoutes": [{"route": "nats://outside:6222"}]}
CALLED: Spec = {"clusterName": "main"}
GATEWAY: Spec = {"gatewayConfig": {"name": "g", "hostPort": 7522}}
OLD: Spec = {"version": "2.1.9"}


@pytest.mark.parametrize(
    ("spec", "others", "name"),
    [
        ({}, {}, None),
        (OUTSIDE, {}, None),
        (to("a"), {"a": member({})}, "a"),
        (to("a"), {"a": member({}, stamp("a"))}, "a"),
        # What is not there yet will have its own name.
        (to("a"), {}, "a"),
        # Older servers have none, and a gateway's name is the cluster's.
        (to("a"), {"a": member(OLD)}, None),
        (to("a"), {"a": member(GATEWAY)}, "g"),
        (to("a"), {"a": member(GATEWAY, stamp("a", **GATEWAY))}, "g"),
        # Whoever joins others has their name.
        (to("a"), {"a": member(to("b")), "b": member({})}, "b"),
        (to("a"), {"a": member(to("b"), stamp("a", "b", **to("b"))), "b": member({})}, "b"),
        (to("a"), {"a": member(OUTSIDE)}, None),
        # What the user says counts, here and there.
        (CALLED | OUTSIDE, {}, "main"),
        (CALLED | to("a"), {"a": member({})}, "main"),
        (to("a"), {"a": member(CALLED | OUTSIDE)}, "main"),
        (to("a"), {"a": member(CALLED | to("b")), "b": member({})}, "main"),
        (to("a"), {"a": member(CALLED, stamp("a"))}, "a"),
        (to("a"), {"a": member(OUTSIDE, stamp("a", **CALLED, **OUTSIDE))}, "main"),
        # Running servers keep the name that they have, or the lack of it.
        (to("a"), {"a": member(to("b"), stamp("a"))}, "a"),
        (to("a"), {"a": member({}, stamp("a", "b", **to("b")))}, "b"),
        (to("a"), {"a": member(to("b"), stamp("a", **to("b")))}, None),
        (to("a"), {"a": member({}, None)}, None),
        # The first that has one counts.
        (to("a", "b"), {"a": member(OLD), "b": member({})}, "b"),
        (to("b", "a"), {"a": member({}), "b": member({})}, "b"),
    ],
)
def test_the_name_of_those_that_are_joined(
    spec: Spec, others: dict[str, Member], name: str | None
) -> None:
    assert joined_name(member(spec).spec, others.get) == name


@pytest.mark.parametrize("created", [(), ("a",), ("b",)])
def test_those_that_join_each_other_agree(created: tuple[str, ...]) -> None:
    """Also if one of them runs already when the other is created."""
    clusters = {"a": member(to("b")), "b": member(to("a"))}
    for name in created:
        found = joined_name(clusters[name].spec, clusters.get)
        routes = to(*(other for other in clusters if other != name))
        clusters[name] = member(routes, stamp(name, found, **routes))
    assert {joined_name(one.spec, clusters.get) for one in clusters.values()} == {"a"}


def test_a_ring_that_one_looks_at_from_outside() -> None:
    ring = {"a": member(to("c")), "b": member(to("a")), "c": member(to("b"))}
    assert joined_name(member(to("b")).spec, ring.get) == "a"
