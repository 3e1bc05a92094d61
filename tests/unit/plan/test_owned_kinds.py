"""One list says which kinds clusters own; what plans and writes knows none by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

import natsctl
from natsctl.api.fields import Json
from natsctl.controllers.watch.owned import owned_resource
from natsctl.controllers.watch.stores import open_stores, reflectors
from natsctl.kube.resources import SECRETS, SERVICES
from natsctl.model.objects import Object, Whole
from natsctl.model.slim import slim
from natsctl.plan.actions import Action, DeleteObject, Ensure
from natsctl.plan.engine import plan
from natsctl.plan.state import ClusterState, Desired
from natsctl.render.metadata import metadata
from natsctl.render.objects import owned_objects
from natsctl.render.objects.owned_objects import OWNED_KINDS, OwnedKind, owned_kind
from natsctl.render.target import Target
from tests.unit.plan.world import answers, cluster_state, pod, stamped

PACKAGE = Path(natsctl.__file__).parent
SPEC = {"size": 1}
MADE_UP = "NatsLamp"


def lamp(part: str, target: Target) -> Json | None:
    """Of clusters with a name for servers, which is its colour."""
    colour = target.spec.cluster_name
    if not colour:
        return None
    return {
        "apiVersion": "example.com/v1",
        "kind": MADE_UP,
        "metadata": metadata(target, target.name),
        part: {"colour": colour},
    }


@pytest.fixture(params=["spec", "data"])
def part(request: pytest.FixtureRequest) -> str:
    """What holds its content: as of most kinds, or as of a ConfigMap."""
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["goes", "stays"])
def entry(part: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> OwnedKind:
    """A kind that nothing but the list knows; one that goes with the spec, or stays."""
    build = partial(lamp, part)
    made = OwnedKind(MADE_UP, "example.com/v1", "natslamps", Whole, (build,), deleted=request.param)
    monkeypatch.setattr(owned_objects, "OWNED_KINDS", (*OWNED_KINDS, made))
    return made


def wanted(colour: str) -> Desired:
    base = cluster_state(SPEC).desired
    assert base is not None
    spec = attrs.evolve(base.target.spec, cluster_name=colour)
    goal = attrs.evolve(base.target, spec=spec)
    made = (each for each in owned_objects.owned_objects(goal) if each["kind"] == MADE_UP)
    return attrs.evolve(base, objects=(*base.objects, *map(stamped, made)))


def stored(colour: str, **meta: Any) -> dict[str, Object]:
    """What the store keeps of one that was written."""
    (made,) = (each for each in wanted(colour).objects if each.kind == MADE_UP)
    live = slim(msgspec.convert(made.manifest, owned_kind(MADE_UP).projection))
    changed = msgspec.structs.replace(live.metadata, uid="uid-of-lamp", **meta)
    return {"c": msgspec.structs.replace(live, metadata=changed)}


def actions(colour: str, live: dict[str, Object]) -> list[Action]:
    server = pod(1, SPEC)
    state = cluster_state(SPEC, (server,), answers(server), desired=wanted(colour))
    found: ClusterState = attrs.evolve(state, owned={**state.owned, MADE_UP: live})
    return [action for stage in plan(found).stages for action in stage]


def test_it_is_created_kept_updated_and_deleted_by_the_planning(entry: OwnedKind) -> None:
    (created,) = actions("red", {})
    assert isinstance(created, Ensure)
    assert (created.wanted.kind, created.wanted.name, created.present) == (MADE_UP, "c", False)
    assert actions("red", stored("red")) == []
    (updated,) = actions("blue", stored("red"))
    assert isinstance(updated, Ensure)
    assert updated.present
    gone = [DeleteObject(MADE_UP, "c", "uid-of-lamp")] if entry.deleted else []
    assert actions("", stored("red")) == gone
    assert actions("", stored("red", deletion_timestamp="2026-01-01T00:00:00Z")) == []


def test_it_is_watched_and_kept(entry: OwnedKind) -> None:
    stores = open_stores(lambda _: None)
    transport: Any = None
    watched = [reader.resource for reader in reflectors(transport, stores, None)]
    assert owned_resource(MADE_UP) in watched
    assert owned_resource(MADE_UP).path("ns", "c") == (
        "/apis/example.com/v1/namespaces/ns/natslamps/c"
    )
    assert stores.of_kind(MADE_UP) is stores.owned[MADE_UP]


def test_only_what_limits_others_goes_with_the_spec() -> None:
    gone = [entry.kind for entry in OWNED_KINDS if entry.deleted]
    assert gone == ["NetworkPolicy", "PodDisruptionBudget"]


def test_requests_that_are_made_for_other_reasons_lead_to_the_same_place() -> None:
    assert owned_resource("Secret") == SECRETS
    assert owned_resource("Service") == SERVICES


def named_kinds(text: str) -> Iterator[str]:
    kinds = {entry.kind for entry in OWNED_KINDS}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and node.value in kinds:
            yield str(node.value)


@pytest.mark.parametrize("folder", ["controllers", "plan"])
def test_no_kind_is_named_outside_the_list(folder: str) -> None:
    named = {
        str(file.relative_to(PACKAGE)): found
        for file in sorted((PACKAGE / folder).rglob("*.py"))
        if (found := list(named_kinds(file.read_text())))
    }
    assert named == {}


def test_a_kind_that_is_named_is_noticed() -> None:
    assert list(named_kinds('live = stores["Secret"]')) == ["Secret"]
