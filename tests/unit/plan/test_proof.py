"""What a refused configuration is replaced by: only what was proven, whatever came in between."""

from __future__ import annotations

import base64
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsctl.model import names
from natsctl.model.objects import Meta, Secret
from natsctl.model.observation import Observation
from natsctl.model.server_identity import server_name_of
from natsctl.model.slim import slim
from natsctl.plan.actions import NoteProof
from natsctl.plan.engine import plan
from natsctl.plan.proof import (
    ConfigContent,
    current_content,
    digest_of,
    first_content,
    next_content,
    previous_content,
    rollback_content,
)
from natsctl.plan.reload.secrets import withdrawal
from natsctl.plan.rules.proof import note_proof
from natsctl.plan.state import ClusterState
from natsctl.plan.status.status import status
from natsctl.render.digest import expected_digests
from tests.unit.plan.reloading import THREE, desired, goal_of, server
from tests.unit.plan.world import answers, changed_secret, cluster_state, decided, evolved

MEBIBYTE = 1024 * 1024


def data(text: str, **more: str) -> dict[str, str]:
    return {"nats.conf": encoded(text)} | {f"{k}.conf": encoded(v) for k, v in more.items()}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@attrs.define
class World:
    """A config Secret in the API server, which every step changes once or not at all."""

    live: dict[str, Any] = attrs.field(factory=dict)
    wanted: dict[str, str] = attrs.field(factory=dict)

    def create(self, content: dict[str, str]) -> None:
        self.wanted = content
        self._become(first_content(content))

    def change(self, content: dict[str, str]) -> None:
        self.wanted = content
        self._become(next_content(self.live, content))

    def prove(self) -> None:
        """By what servers say; only what is wanted and there can be proven."""
        if self.marked is not None and self.served == self.wanted:
            self._note(names.PROVEN_ANNOTATION, digest_of(self.served))

    def refuse(self) -> None:
        patch = withdrawal(self.live, "1 no")
        for key, value in patch.get("data", {}).items():
            if value is None:
                del self.live["data"][key]
            else:
                self.live["data"][key] = value
        self._note(names.REFUSED_ANNOTATION, "1 no")

    def edit(self, content: dict[str, str]) -> None:
        self.live["data"] = {**self.live["data"], **content}

    @property
    def served(self) -> dict[str, str]:
        return current_content(self.live["data"])

    @property
    def marked(self) -> str | None:
        found: str | None = self.live["metadata"]["annotations"].get(names.PROVEN_ANNOTATION)
        return found

    def _become(self, held: ConfigContent) -> None:
        meta = self.live.get("metadata", {"uid": "u", "resourceVersion": "1", "annotations": {}})
        if held.proven is not None:
            meta["annotations"][names.PROVEN_ANNOTATION] = held.proven
        self.live = {"metadata": meta, "data": dict(held.data)}

    def _note(self, key: str, text: str) -> None:
        self.live["metadata"]["annotations"][key] = text


def of_an_earlier_version(now: str, before: str) -> World:
    found = World(wanted=data(now))
    kept = {f"previous.{key}": text for key, text in data(before).items()}
    meta = {"uid": "u", "resourceVersion": "1", "annotations": {}}
    found.live = {"metadata": meta, "data": {**data(now), **kept}}
    return found


def test_an_unproven_configuration_is_not_gone_back_to() -> None:
    world = World()
    world.create(data("A"))
    world.prove()
    world.change(data("B"))
    world.change(data("C"))
    world.refuse()
    assert world.served == data("A")


def test_one_that_was_proven_is() -> None:
    world = World()
    world.create(data("A"))
    world.change(data("B"))
    world.prove()
    world.change(data("C"))
    world.refuse()
    assert world.served == data("B")
    world.change(data("D"))
    world.refuse()
    assert world.served == data("B")


def test_what_a_proven_one_refers_to_may_be_refused_and_it_stays() -> None:
    """New certificates, for example: what was before is older than what runs."""
    world = World()
    world.create(data("A"))
    world.change(data("B"))
    world.prove()
    world.refuse()
    assert world.served == data("B")


def test_files_come_and_go_with_their_content() -> None:
    world = World()
    world.create(data("A", advertise="1"))
    world.change(data("B", other="2"))
    assert world.served == data("B", other="2")
    world.refuse()
    assert world.served == data("A", advertise="1")
    assert digest_of(world.served) == world.marked


BEFORE, AFTER, LATER = (
    {f"jetstream{suffix}.json": encoded(key), f"server{suffix}.conf": encoded(key)}
    for suffix, key in {"": "1", "-0123456789": "2", "-abcdef0123": "3"}.items()
)
"""What servers of three encryption keys start with."""


def test_a_key_that_no_server_has_any_more_is_not_kept_either() -> None:
    world = World()
    world.create(data("A") | BEFORE)
    world.change(data("B") | BEFORE | AFTER)
    world.prove()
    world.change(data("C") | AFTER)
    assert not [key for key in BEFORE if f"previous.{key}" in world.live["data"]]
    world.refuse()
    assert world.served == data("B") | AFTER
    assert digest_of(world.served) == world.marked


def test_nor_one_that_left_before_the_next_was_proven() -> None:
    world = World()
    world.create(data("A") | BEFORE | AFTER)
    world.change(data("B") | BEFORE | AFTER | LATER)
    world.change(data("C") | AFTER | LATER)
    assert not [key for key in BEFORE if f"previous.{key}" in world.live["data"]]
    world.refuse()
    assert world.served == data("A") | AFTER


def test_a_key_that_only_new_servers_get_goes_with_what_is_refused() -> None:
    world = World()
    world.create(data("A") | BEFORE)
    world.change(data("B") | BEFORE | AFTER)
    world.refuse()
    assert world.served == data("A") | BEFORE


@pytest.mark.parametrize("later", [{}, {"server.conf": encoded("4")}, LATER])
def test_all_files_are_kept_that_no_other_stands_for(later: dict[str, str]) -> None:
    """Without JetStream, or with other files for the same keys, servers may start with them."""
    world = World()
    world.create(data("A") | AFTER)
    world.change(data("B") | later)
    world.refuse()
    assert world.served == data("A") | AFTER


def test_of_an_earlier_version_counts_what_it_kept() -> None:
    world = of_an_earlier_version("B", before="A")
    world.refuse()
    assert world.served == data("A")
    assert world.marked is None


def test_of_an_earlier_version_counts_what_is_there_when_it_changes() -> None:
    world = of_an_earlier_version("B", before="A")
    world.change(data("B"))  # a label that somebody took away, for example
    assert world.marked is None
    world.change(data("C"))
    world.change(data("D"))
    world.refuse()
    assert world.served == data("B")


def test_what_somebody_wrote_into_it_is_not_gone_back_to() -> None:
    world = World()
    world.create(data("A"))
    world.edit(data("evil"))
    world.change(data("A"))
    assert digest_of(world.served) == world.marked
    world.edit(data("evil"))
    world.change(data("C"))
    world.refuse()
    assert world.served == data("C")  # there is nothing else that anybody proved
    assert rollback_content(world.live) is None


def test_nor_what_somebody_wrote_beside_it() -> None:
    world = World()
    world.create(data("A"))
    world.change(data("B"))
    world.edit({"previous.nats.conf": encoded("evil")})
    world.refuse()
    assert world.served == data("B")


def test_nor_is_that_once_another_configuration_came() -> None:
    world = World()
    world.create(data("A"))
    world.change(data("B"))
    world.edit({"previous.nats.conf": encoded("evil")})
    world.change(data("C"))
    assert world.live["data"] == data("C")
    world.refuse()
    assert world.served == data("C")  # there is nothing else that anybody proved


def test_an_empty_secret_is_no_configuration() -> None:
    live: dict[str, Any] = {"metadata": {}, "data": None}
    assert next_content(live, data("A")) == ConfigContent(data("A"), None)


def test_what_would_be_too_large_together_goes_without_a_way_back() -> None:
    """A Secret has a megabyte at most; the new configuration counts more."""
    world = World()
    world.create(data("A" * (MEBIBYTE // 2)))
    world.change(data("B" * (MEBIBYTE // 2)))
    assert "previous.nats.conf" in world.live["data"]
    world.prove()
    world.change(data("C" * (MEBIBYTE // 2 + 1)))
    assert world.live["data"] == world.wanted
    world.refuse()
    assert world.served == world.wanted
    world.prove()
    world.change(data("D"))
    world.refuse()
    assert world.served == data("C" * (MEBIBYTE // 2 + 1))


def test_what_the_store_keeps_of_a_content_has_the_same_digest() -> None:
    """A long text is kept as a digest; and the note is kept whatever else is on the Secret."""
    content = data("A" * 5000, advertise="1")
    others = {f"a{i}": "x" * 200 for i in range(100)}
    notes = {names.PROVEN_ANNOTATION: digest_of(content), **others}
    whole = {**content, **{f"previous.{key}": text for key, text in content.items()}}
    meta = Meta(name="c", namespace="ns", uid="u", resource_version="1", annotations=notes)
    held = slim(Secret(meta, data=whole))
    assert held.data != whole
    assert digest_of(current_content(held.data)) == digest_of(content)
    assert digest_of(previous_content(held.data)) == digest_of(content)
    assert held.metadata.annotation(names.PROVEN_ANNOTATION) == digest_of(content)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from("ABCDE")),
        st.just(("prove", "")),
        st.just(("refuse", "")),
        st.tuples(st.just("edit"), st.sampled_from("XYZ")),
        st.tuples(st.just("edit what is kept"), st.sampled_from("XYZ")),
        st.just(("repair", "")),
    ),
    max_size=20,
)


@settings(max_examples=500, deadline=None)
@given(STEPS)
def test_whatever_happens_only_what_was_proven_is_gone_back_to(
    steps: list[tuple[str, str]],
) -> None:
    """A crash between two steps is one of them that is missing. The first content counts as
    proven: servers were made with it."""
    world = World()
    world.create(data("A"))
    proven, withdrawn = [data("A")], False
    for step, text in steps:
        before = world.served
        match step:
            case "change" if data(text) != world.wanted:
                world.change(data(text))
                withdrawn = False
                assert world.served == world.wanted
            case "repair" if not withdrawn:
                world.change(world.wanted)
            case "prove" if not withdrawn and world.served == world.wanted:
                world.prove()
                proven.append(world.wanted)
            case "refuse":
                world.refuse()
                withdrawn = True
                assert world.served == before or world.served in proven
                if before == world.wanted and before not in proven:
                    assert "X" not in world.served["nats.conf"]
            case "edit":
                world.edit(data(text))
            case "edit what is kept":
                world.edit({"previous.nats.conf": encoded(text)})
    if not any(step.startswith("edit") for step, _ in steps) and withdrawn:
        assert world.served == proven[-1]


class TestNoting:
    def seen(
        self, spec: dict[str, Any] = THREE, mark: str | None = "0", **more: Any
    ) -> ClusterState:
        goal = goal_of(spec)
        pods = tuple(server(i, goal) for i in range(1, goal.spec.size + 1))
        found = answers(*pods) if goal.spec.size else {}
        if more.pop("digests", False):
            said = more.pop("said", lambda pod: expected_digests(goal)(server_name_of(pod) or ""))
            found = {
                pod.metadata.uid: attrs.evolve(found[pod.metadata.uid], config_digest=said(pod))
                for pod in pods
            }
        after = more.pop("desired", desired(goal))
        (live,) = (msgspec.convert(s.manifest, Secret) for s in after.objects if s.kind == "Secret")
        if mark is not None:
            notes = dict(live.metadata.annotations or {}) | {names.PROVEN_ANNOTATION: mark}
            live = changed_secret(live, annotations=notes)
        live = slim(live)  # as the store keeps it
        made = cluster_state(
            {"size": goal.spec.size, "version": goal.version.text},
            pods,
            found,
            desired=after,
            secrets={"c": live},
        )
        return evolved(made, **more)

    def noted(self, found: ClusterState) -> tuple[NoteProof, ...]:
        return decided(note_proof, found, NoteProof)

    def test_servers_that_run_it_prove_it(self) -> None:
        found = self.seen()
        content = digest_of(current_content(found.secrets["c"].data))
        assert self.noted(found) == (NoteProof("c", found.secrets["c"].metadata.uid, content),)
        assert plan(found).stages[-1] == self.noted(found)

    def test_what_is_noted_is_not_noted_again(self) -> None:
        content = digest_of(current_content(self.seen().secrets["c"].data))
        assert self.noted(self.seen(mark=content)) == ()

    def test_a_secret_of_an_earlier_version_is_left_alone(self) -> None:
        assert self.noted(self.seen(mark=None)) == ()

    def test_without_one_there_is_nothing_to_note(self) -> None:
        assert self.noted(self.seen(secrets={})) == ()

    def test_one_server_that_reports_it_is_enough(self) -> None:
        found = self.seen(digests=True)
        alone = {"pod-1": found.observations["pod-1"]}
        assert self.noted(attrs.evolve(found, observations=alone))

    def test_of_those_that_report_nothing_all_have_to_run_it(self) -> None:
        found = self.seen()
        some = dict(list(found.observations.items())[:2])
        assert self.noted(attrs.evolve(found, observations=some)) == ()

    def test_a_server_that_reports_another_one_proves_nothing(self) -> None:
        """It was made for this one, and started with what its kubelet had."""
        assert self.noted(self.seen(digests=True, said=lambda _: "sha256:0")) == ()

    def test_a_server_that_is_to_reload_proves_nothing(self) -> None:
        other = desired(goal_of(THREE | {"natsConfig": {"debug": True}}))
        assert self.noted(self.seen(desired=other)) == ()

    def test_no_server_proves_nothing(self) -> None:
        assert self.noted(self.seen(THREE | {"size": 0})) == ()

    def test_nothing_is_noted_of_what_is_held_back(self) -> None:
        after = desired(goal_of(THREE), missing=("Secret s does not exist: create it",))
        assert self.noted(self.seen(desired=after)) == ()

    def test_nothing_is_noted_of_a_secret_that_was_edited(self) -> None:
        found = self.seen()
        edited = msgspec.structs.replace(found.secrets["c"], data=data("evil"))
        assert self.noted(evolved(found, secrets={"c": edited})) == ()


def test_what_has_no_way_back_is_said_to_stand() -> None:
    found = TestNoting().seen()
    assert found.desired is not None
    live = found.secrets["c"]
    notes = dict(live.metadata.annotations or {})
    notes[names.REFUSED_ANNOTATION] = f"{found.desired.config} no such file"
    stands = evolved(found, secrets={"c": changed_secret(live, annotations=notes)})
    assert "has no earlier one to roll back to" in accepted(stands)
    back = msgspec.structs.replace(stands.secrets["c"], data=data("before"))
    assert "it was rolled back" in accepted(evolved(stands, secrets={"c": back}))


def accepted(found: ClusterState) -> str:
    told = {c.type: c for c in status(found).conditions}
    assert told["ConfigAccepted"].reason == "ReloadRefused"
    return told["ConfigAccepted"].message


def test_observations_may_be_missing() -> None:
    found = TestNoting().seen(observations={"pod-1": Observation(problem="no answer in time")})
    assert decided(note_proof, found) == ()


@pytest.mark.parametrize("size", [1, 3])
def test_every_size_of_cluster_is_noted_once(size: int) -> None:
    assert len(TestNoting().noted(TestNoting().seen(THREE | {"size": size}))) == 1
