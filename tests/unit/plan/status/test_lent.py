"""What the status, the condition and metrics tell of a reserve that is lent."""

from __future__ import annotations

import base64
import json
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.types.status import ClusterStatus, JetStreamStatus, LentStatus
from natsctl.model.jetstream import Usage
from natsctl.model.objects import Secret
from natsctl.plan.state import ClusterState
from natsctl.plan.status.cluster_metrics import cluster_metrics
from natsctl.plan.status.status import status
from tests.unit.plan.gates.world import State
from tests.unit.plan.status.test_jetstream import (
    GIB,
    THREE,
    condition,
    jetstream,
    looked,
    told,
    well,
    without,
)
from tests.unit.plan.world import NOW

LENT = 7987 * 2**20
EARLIER = "2025-12-31T23:00:00Z"


def lent(
    state: ClusterState, limit: int = LENT, written: int | None = None, used: int = 0
) -> ClusterState:
    """Servers are to have this limit, and the config Secret has it, or another one."""
    assert state.desired is not None
    target = state.desired.target
    wanted = attrs.evolve(target, inputs=attrs.evolve(target.inputs, lent_file=limit))
    block = json.dumps({"max_file_store": limit if written is None else written})
    secrets = dict(state.owned["Secret"])
    found = secrets["c"]
    assert isinstance(found, Secret)
    data = {**(found.data or {}), "jetstream.json": base64.b64encode(block.encode()).decode()}
    secrets["c"] = msgspec.structs.replace(found, data=data)
    made = attrs.evolve(
        state,
        desired=attrs.evolve(state.desired, target=wanted),
        owned={**state.owned, "Secret": secrets},
    )
    if state.seen is None:
        return made
    files = dict.fromkeys(state.seen.summary.file, Usage(used, limit))
    summary = attrs.evolve(state.seen.summary, file=files)
    return attrs.evolve(made, seen=attrs.evolve(state.seen, summary=summary))


def before(below: str = "", limit: str = "7987Mi") -> ClusterStatus:
    return ClusterStatus(jetstream=JetStreamStatus(lent=LentStatus(limit, EARLIER, below)))


def test_without_a_reserve_nothing_is_told() -> None:
    assert jetstream(looked(well())).lent is None
    assert jetstream(looked(well(), before())).lent is None


def test_it_is_told_since_it_was_lent() -> None:
    first = told(lent(looked(well()), used=7 * GIB))
    assert first.jetstream is not None
    assert first.jetstream.lent == LentStatus("7987Mi", NOW)
    later = attrs.evolve(looked(well(), before()), timestamp="2026-01-01T01:00:00Z")
    assert jetstream(lent(later, used=7 * GIB)).lent == LentStatus("7987Mi", EARLIER)
    other = looked(well(), before(limit="5Gi"))
    assert jetstream(lent(other, used=7 * GIB)).lent == LentStatus("7987Mi", NOW)


def test_what_is_only_decided_is_not_lent() -> None:
    """While a cluster is paused, or its configuration waits, nobody has it."""
    assert jetstream(lent(looked(well()), written=7 * GIB)).lent is None


def test_without_a_spec_to_act_on_it_stays_as_it_was() -> None:
    state = attrs.evolve(looked(well(), before()), desired=None)
    assert jetstream(state).lent == LentStatus("7987Mi", EARLIER)


def test_it_is_told_even_if_nothing_else_is_known_yet() -> None:
    state = attrs.evolve(looked(well()), seen=None, jetstream=(), quiet=1.0)
    assert jetstream(lent(state)).lent == LentStatus("7987Mi", NOW)


@pytest.mark.parametrize(("used", "below"), [(56 * GIB // 10, NOW), (56 * GIB // 10 + 1, "")])
def test_it_rests_while_all_stores_are_below_the_margin(used: int, below: str) -> None:
    found = jetstream(lent(looked(well()), used=used)).lent
    assert found == LentStatus("7987Mi", NOW, below)


def test_since_when_it_rests_stays() -> None:
    state = lent(looked(well(), before(below=EARLIER)), used=GIB)
    assert jetstream(state).lent == LentStatus("7987Mi", EARLIER, EARLIER)
    unknown = attrs.evolve(state, seen=None)
    assert jetstream(unknown).lent == LentStatus("7987Mi", EARLIER, EARLIER)


def test_a_server_that_does_not_tell_may_need_it() -> None:
    state = lent(looked(without(THREE, State.DOWN), before(below=EARLIER)), used=GIB)
    assert jetstream(state).lent == LentStatus("7987Mi", EARLIER)


def test_the_condition_tells_it_before_how_full_stores_are() -> None:
    found = condition(lent(looked(well()), used=7 * GIB))
    assert found[:2] == ("False", "StorageLent")
    assert found[2].startswith(
        "the file store reached its limit, so natsctl raised that to 7987Mi for the time being, "
        "until no server has used more than 5734Mi for ten minutes; then servers restart, one at a "
        "time, with the normal limit: raise spec.jetstream.fileStore.pvc.size"
    )
    down = condition(lent(looked(without(THREE, State.DOWN)), used=7 * GIB))
    assert down[1] == "QuorumCritical"
    assert "; the file store reached its limit, so natsctl raised" in down[2]


def metrics(state: ClusterState) -> Any:
    found = cluster_metrics(state, status(state)).jetstream
    assert found is not None
    return found


def test_metrics_have_what_is_lent_above_the_normal_limit() -> None:
    assert metrics(looked(well())).lent == 0
    assert metrics(lent(looked(well()))).lent == LENT - 7 * GIB
