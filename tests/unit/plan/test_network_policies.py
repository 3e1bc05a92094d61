"""A cluster's NetworkPolicy comes, stays as it is and goes with the field."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from natsctl.model.objects import NetworkPolicy
from natsctl.model.slim import slim
from natsctl.plan.actions import Action, CreateServer, DeleteObject, Ensure
from natsctl.plan.decisions import decisions_of
from natsctl.plan.engine import plan
from natsctl.plan.servers.server import servers_of
from natsctl.plan.state import ClusterState
from natsctl.plan.status.conditions import ready
from natsctl.plan.status.progressing import progressing
from tests.unit.plan.world import NOW, cluster_state, failure, invalid, running

TEAM = {"podSelector": {"matchLabels": {"team": "a"}}}
OPEN = {"size": 1}
LIMITED = {"size": 1, "networkPolicy": {"clientsFrom": [TEAM], "monitoringFrom": [TEAM]}}


def actions(found: ClusterState) -> list[Action]:
    return [action for stage in plan(found).stages for action in stage]


def live(found: ClusterState) -> NetworkPolicy:
    (only,) = found.owned["NetworkPolicy"].values()
    assert isinstance(only, NetworkPolicy)
    return only


def edited(found: ClusterState, change: Any) -> dict[str, NetworkPolicy]:
    assert found.desired is not None
    (wanted,) = (s for s in found.desired.objects if s.kind == "NetworkPolicy")
    manifest = copy.deepcopy(dict(wanted.manifest))
    change(manifest["spec"])
    return {"c": slim(msgspec.convert(manifest, NetworkPolicy))}


def test_it_is_there_before_the_first_server() -> None:
    stages = plan(cluster_state(LIMITED, policies={})).stages
    (made,) = stages[0]
    assert isinstance(made, Ensure)
    assert (made.wanted.kind, made.wanted.name, made.present) == ("NetworkPolicy", "c", False)
    assert isinstance(stages[1][0], CreateServer)


def test_nothing_is_done_where_it_is_right_or_not_asked_for() -> None:
    assert actions(running(LIMITED)) == actions(running(OPEN)) == []


def _let_in_everybody(spec: Any) -> None:
    del spec["ingress"][1]["from"]


def _let_in_other_namespaces(spec: Any) -> None:
    spec["ingress"][0]["from"][0]["namespaceSelector"] = {}


def _add_a_rule(spec: Any) -> None:
    spec["ingress"].append({})


def _protect_others(spec: Any) -> None:
    spec["podSelector"]["matchLabels"]["more"] = "x"


def _limit_what_goes_out(spec: Any) -> None:
    spec["policyTypes"].append("Egress")


@pytest.mark.parametrize(
    "edit",
    [
        _let_in_everybody,
        _let_in_other_namespaces,
        _add_a_rule,
        _protect_others,
        _limit_what_goes_out,
    ],
)
def test_any_edit_is_undone(edit: Any) -> None:
    before = running(LIMITED)
    (mended,) = actions(running(LIMITED, policies=edited(before, edit)))
    assert isinstance(mended, Ensure)
    assert mended.present


def test_it_goes_with_the_field() -> None:
    held = live(running(LIMITED))
    meta = msgspec.structs.replace(held.metadata, uid="uid-of-policy")
    found = running(OPEN, policies={"c": msgspec.structs.replace(held, metadata=meta)})
    assert actions(found) == [DeleteObject("NetworkPolicy", "c", "uid-of-policy")]
    servers = servers_of(found)
    told = progressing(found, servers, decisions_of(found, servers))
    assert (told.reason, told.message) == (
        "UpdatingObjects",
        "updating NetworkPolicy c",
    )


def test_it_is_not_deleted_twice() -> None:
    held = live(running(LIMITED))
    meta = msgspec.structs.replace(held.metadata, deletion_timestamp=NOW)
    assert (
        actions(running(OPEN, policies={"c": msgspec.structs.replace(held, metadata=meta)})) == []
    )


def test_it_stays_while_the_cluster_is_paused_or_its_spec_is_no_good() -> None:
    held = running(LIMITED).owned["NetworkPolicy"]
    assert actions(running(OPEN | {"paused": True}, policies=held)) == []
    assert actions(invalid(policies=held)) == []


def test_a_cluster_that_lacks_it_is_not_ready_and_its_servers_run() -> None:
    found = running(LIMITED, policies={}, failures=(failure("NetworkPolicy c"),))
    told = ready(found, servers_of(found))
    assert (told.reason, told.message) == ("ObjectsMissing", "not created yet: NetworkPolicy c")
    assert [type(action) for action in actions(found)] == [Ensure]
