"""What is noted of a volume that is being replaced, and when its server comes back instead."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.jetstream import Asset, Group, Raft, Replica
from natsctl.model.names import MAX_SIZE
from natsctl.plan.claims.renewal import PATIENCE, alone_in, due_of
from natsctl.plan.claims.renewal_note import (
    REST,
    Given,
    parse_renewals,
    renewals_of,
    renewals_text,
    seconds_since,
)
from natsctl.plan.claims.volumes import volumes_of
from natsctl.plan.state import ClusterState
from tests.unit.plan.claims.growing import sized, spec_of
from tests.unit.plan.claims.renewing import (
    BACK,
    SPEC,
    STOPPED,
    claim_of,
    claims,
    pods,
    state_of,
    stopped,
    with_claim,
)
from tests.unit.plan.claims.volumes import noted
from tests.unit.plan.world import NOW, context

GIVEN = st.builds(
    Given,
    st.text("abcdef0123456789-", min_size=1, max_size=6),
    st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")),
    st.booleans(),
)


class TestTheNote:
    @given(st.dictionaries(st.integers(1, MAX_SIZE), GIVEN, max_size=5))
    def test_says_what_was_written(self, note: dict[int, Given]) -> None:
        assert parse_renewals(renewals_text(note)) == note

    @given(st.text())
    def test_may_be_anything_that_somebody_wrote(self, text: str) -> None:
        for entry in parse_renewals(text).values():
            assert seconds_since(entry, NOW) >= 0

    def test_that_somebody_edited_says_only_what_can_be_read(self) -> None:
        text = f"x,{STOPPED},0=000001@{NOW},3=000003@yesterday,1=000001!2026-13-01T00:00:00Z"
        found = parse_renewals(text)
        assert found == {
            2: Given("000002", NOW),
            1: Given("000001", "2026-13-01T00:00:00Z", is_back=True),
        }
        assert seconds_since(found[1], NOW) == REST

    def test_is_nothing_without_a_secret(self) -> None:
        state = stopped()
        owned = {**state.owned, "Secret": {}}
        assert renewals_of(context(attrs.evolve(state, owned=owned))) == {}


def given_up(state: ClusterState) -> list[int]:
    volumes = volumes_of(context(state))
    assert volumes is not None
    return [claim.index for claim in volumes.claims if claim.given_up]


def strange(state: ClusterState) -> ClusterState:
    found = claim_of(state)
    meta = msgspec.structs.replace(found.metadata, annotations={})
    return with_claim(state, msgspec.structs.replace(found, metadata=meta))


class TestAVolume:
    def test_is_given_up_once_its_server_has_stopped(self) -> None:
        assert given_up(stopped()) == [2]
        assert given_up(state_of(given="")) == []

    def test_stays_given_up_when_it_is_gone(self) -> None:
        assert given_up(with_claim(stopped(), None)) == [2]

    def test_is_not_given_up_once_its_server_came_back(self) -> None:
        assert given_up(stopped(given=BACK)) == []
        assert given_up(with_claim(stopped(given=BACK), None)) == []

    @pytest.mark.parametrize("there", [True, False])
    def test_is_another_one_than_the_note_says(self, there: bool) -> None:
        state = stopped(given=f"2=5c1e77@{NOW}")
        assert given_up(state if there else with_claim(state, None)) == []

    def test_that_is_not_this_clusters_is_not_given_up(self) -> None:
        assert given_up(strange(stopped())) == []

    def test_that_nobody_noted_is_not_given_up(self) -> None:
        state = stopped(there=claims(1, 3), note=noted(1, 3))
        assert given_up(state) == []


def test_who_has_a_stream_alone_says_so_itself() -> None:
    consumer = Group(Asset("A", "S", "c"), 1)
    replicated = Group(Asset("A", "S"), 3, Raft("x", (Replica("y"), Replica("z"))))
    assert not alone_in([consumer, replicated])
    assert alone_in([replicated, Group(Asset("A", "T"), 1, Raft("x"))])
    assert alone_in([Group(Asset("A", "T"), 1)])


class TestTheNextOne:
    def due(self, state: ClusterState) -> str:
        found = due_of(context(state))
        return found.name if found is not None else ""

    def test_is_the_first_that_cannot_grow(self) -> None:
        assert self.due(state_of()) == "js-c-2"

    @pytest.mark.parametrize(
        "changes",
        [
            {"said": "exceeded quota"},
            {"growths": {}},
            {"spec": spec_of("20Gi")},
            {"spec": spec_of("20Gi", resizePolicy="Manual")},
            {"spec": spec_of("10Gi", resizePolicy="Replace")},
            {"spec": SPEC | {"size": 2}, "standing": pods(1, 2), "there": claims(1, 2)},
        ],
        ids=["a quota", "not asked yet", "in place", "by hand", "large enough", "two servers"],
    )
    def test_is_none(self, changes: dict[str, Any]) -> None:
        assert self.due(state_of(**changes)) == ""

    def test_is_none_while_another_one_grows(self) -> None:
        there = (sized(1, "20Gi", spec=SPEC), *claims(2, 3))
        assert self.due(state_of(there=there)) == ""


def test_patience_ends_before_the_next_attempt() -> None:
    assert PATIENCE < REST
