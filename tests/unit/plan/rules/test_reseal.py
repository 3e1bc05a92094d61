"""A replaced secret of the operator's is no reason to reload or restart anything."""

from __future__ import annotations

import base64
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import Pod, Secret
from natsctl.model.slim import slim
from natsctl.plan.actions import ResealServer
from natsctl.plan.engine import plan
from natsctl.plan.servers.server import servers_of
from natsctl.plan.state import ClusterState
from natsctl.render.inputs import Former
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.revision.revision import revision_text, stamp_of
from natsctl.render.target import Target
from tests.unit.plan.reloading import THREE, desired, goal_of, server
from tests.unit.plan.world import cluster_state, evolved

OTHER = "U" + "B" * 55
WAS = goal_of(THREE, system=OTHER, seal="old", auth_users="1", routes="2")
NOW = goal_of(THREE, seal="new", auth_users="3", routes="4")


def written(goal: Target, **data: str) -> Secret:
    """The Secret with the configuration of this target."""
    made: dict[str, Any] = next(m for m in owned_objects(goal) if m["kind"] == "Secret")
    made = {**made, "data": {**made["data"], **data}}
    return slim(msgspec.convert(made, Secret))  # as it is kept


def seen(now: Target = NOW, held: Secret | None = None, was: Target = WAS) -> ClusterState:
    pods = tuple(server(index, was) for index in (1, 2, 3))
    secret = held or written(was)
    return cluster_state(THREE, pods, desired=desired(now), secrets={secret.metadata.name: secret})


def annotated(pod: Pod, **notes: str) -> Pod:
    annotations = {**(pod.metadata.annotations or {}), **notes}
    meta = msgspec.structs.replace(pod.metadata, annotations=annotations)
    return msgspec.structs.replace(pod, metadata=meta)


def resealing(found: ClusterState) -> tuple[ResealServer, ...]:
    return tuple(a for s in plan(found).stages for a in s if isinstance(a, ResealServer))


def test_pods_get_new_seals_before_anything_else_is_done() -> None:
    (stage,) = plan(seen()).stages
    assert [type(action) for action in stage] == [ResealServer] * 3


def test_afterwards_only_the_operators_user_is_left_to_change() -> None:
    found = seen()
    told = {a.uid: a.revision for a in resealing(found)}
    pods = tuple(
        annotated(pod, **{names.REVISION_ANNOTATION: told[pod.metadata.uid]}) for pod in found.pods
    )
    after = attrs.evolve(found, pods=pods)
    assert resealing(after) == ()
    assert {s.pending for s in servers_of(after)} == {("auth.system",)}


@pytest.mark.parametrize(
    "held",
    [
        written(goal_of({**THREE, "natsConfig": {"debug": True}}, system=OTHER)),
        written(WAS, **{names.CONFIG_KEY: ""}),
        written(WAS, **{names.CONFIG_KEY: "e30"}),
        written(WAS, **{names.CONFIG_KEY: base64.b64encode(b"[" * 9000).decode()}),
        written(WAS, **{names.BOOT_KEY: ""}),
    ],
    ids=["other", "empty", "no base64", "deep", "another start"],
)
def test_what_was_not_written_last_counts_as_changed(held: Secret) -> None:
    found = seen(held=held)
    assert resealing(found) == ()
    assert all(s.changes for s in servers_of(found))


def test_without_a_secret_everything_counts_as_changed() -> None:
    assert resealing(evolved(seen(), secrets={})) == ()


def test_a_reload_that_goes_on_goes_on() -> None:
    found = seen()
    pods = (annotated(found.pods[0], **{names.KUBELET_SYNCS_ANNOTATION: "1"}), *found.pods[1:])
    assert [a.name for a in resealing(attrs.evolve(found, pods=pods))] == ["c-2", "c-3"]


def test_seals_of_the_same_secret_stay() -> None:
    was = attrs.evolve(WAS, inputs=attrs.evolve(WAS.inputs, seal="new"))
    assert resealing(seen(was=was)) == ()


class TestSealsOfAnEarlierNatsctl:
    """`old` is the same secret in an earlier form; the first versions did not tell it."""

    @staticmethod
    def seen(seal: str, **digests: str) -> ClusterState:
        was = attrs.evolve(WAS, inputs=attrs.evolve(WAS.inputs, seal=seal))
        inputs = attrs.evolve(NOW.inputs, system=OTHER, former=Former("old", digests))
        return seen(attrs.evolve(NOW, inputs=inputs), was=was)

    @pytest.mark.parametrize("seal", ["old", ""])
    def test_stay_where_they_tell_the_same(self, seal: str) -> None:
        found = self.seen(seal, **{"auth.users": "1", "routes": "2"})
        assert resealing(found) == ()
        assert {(*s.changes, *s.reloads, *s.pending) for s in servers_of(found)} == {()}

    @pytest.mark.parametrize("seal", ["old", ""])
    def test_tell_what_changed(self, seal: str) -> None:
        found = self.seen(seal, **{"auth.users": "7", "routes": "2"})
        assert resealing(found) == ()
        assert {s.reloads for s in servers_of(found)} == {("auth.users",)}

    @pytest.mark.parametrize("seal", ["old", ""])
    def test_are_replaced_where_they_may_not_be_compared(self, seal: str) -> None:
        assert len(resealing(self.seen(seal, routes="2"))) == 3


def test_a_revision_tells_what_sealed_it() -> None:
    assert stamp_of(revision_text(desired(NOW).revision)).seal == "new"
