from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.types.status import (
    AccountStatus,
    BlockedStatus,
    BrokenStatus,
    CertificateStatus,
    ClusterStatus,
    Condition,
    GroupsStatus,
    JetStreamStatus,
    LentStatus,
    RoleStatus,
    ServerStatus,
    StorageStatus,
    VolumeStatus,
    WaitingStatus,
    optional_fields,
    parse_role_status,
    parse_status,
    parse_summary,
    to_json,
)

FULL = ClusterStatus(
    phase="Running",
    size=3,
    ready_replicas=2,
    current_version="2.14.10",
    selector="app=nats,nats_cluster=c",
    observed_generation=7,
    control_paused=True,
    operator="nats/nats-operator",
    accepted_spec='{"size":3}',
    conditions=(Condition("Ready", "False", "Waiting", "c-2 starts", "2026-01-01T00:00:00Z", 7),),
    servers=(
        ServerStatus("c-1", "2.14.10", True, volume=VolumeStatus("js-c-1", "20Gi", "10Gi")),
        ServerStatus("c-2", message="waits for c-1"),
    ),
    certificates=(CertificateStatus("routes", "c-routes", "2027-01-01T00:00:00Z"),),
)
STREAMS = JetStreamStatus(
    quorum="critical",
    must_stay=("c-1", "c-2"),
    meta_leader="c-1",
    groups=GroupsStatus(4, 3, 1, 0),
    blocked=(BlockedStatus("replica", "is not good", "A", "S", "", "c-3", "2026-01-01T00:00:00Z"),),
    storage=(StorageStatus("c-1", 42, "7Gi"),),
)


def test_the_manifest_has_camel_case_names() -> None:
    assert to_json(FULL) == {
        "phase": "Running",
        "size": 3,
        "readyReplicas": 2,
        "currentVersion": "2.14.10",
        "selector": "app=nats,nats_cluster=c",
        "observedGeneration": 7,
        "controlPaused": True,
        "operator": "nats/nats-operator",
        "acceptedSpec": '{"size":3}',
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "Waiting",
                "message": "c-2 starts",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": 7,
            }
        ],
        "servers": [
            {
                "name": "c-1",
                "version": "2.14.10",
                "ready": True,
                "message": "",
                "volume": {
                    "claim": "js-c-1",
                    "size": "20Gi",
                    "capacity": "10Gi",
                    "used": "",
                    "usedPercent": 0,
                },
            },
            {"name": "c-2", "version": "", "ready": False, "message": "waits for c-1"},
        ],
        "certificates": [
            {"listener": "routes", "secret": "c-routes", "notAfter": "2027-01-01T00:00:00Z"}
        ],
    }


def test_what_is_left_out_at_times_is_known() -> None:
    """Whoever writes a status has to take it away then."""
    within: dict[str, Any] = {"brokenBefore": {}, "waiting": {}, "lent": {}}
    assert optional_fields(ClusterStatus) == {"jetstream": within}


def test_what_was_written_is_read_back() -> None:
    assert parse_status(to_json(FULL)) == FULL


ROLLING = attrs.evolve(
    STREAMS,
    broken_before=(BrokenStatus("no-leader", "A", "S", "c"),),
    waiting=WaitingStatus("c-2", "2026-01-01T00:00:00Z", 10),
    lent=LentStatus("8Gi", "2026-01-01T00:00:00Z"),
)


def test_jetstream_is_left_out_where_there_is_none() -> None:
    assert "jetstream" not in to_json(FULL)
    assert to_json(attrs.evolve(FULL, jetstream=STREAMS))["jetstream"] == {
        "quorum": "critical",
        "mustStay": ["c-1", "c-2"],
        "metaLeader": "c-1",
        "groups": {"total": 4, "healthy": 3, "short": 1, "leaderless": 0},
        "blocked": [
            {
                "why": "replica",
                "message": "is not good",
                "account": "A",
                "stream": "S",
                "consumer": "",
                "server": "c-3",
                "since": "2026-01-01T00:00:00Z",
            }
        ],
        "storage": [{"server": "c-1", "usedPercent": 42, "limit": "7Gi"}],
    }


def test_what_goes_on_is_there_only_while_it_does() -> None:
    assert "waiting" not in to_json(attrs.evolve(FULL, jetstream=STREAMS))["jetstream"]
    written = to_json(attrs.evolve(FULL, jetstream=ROLLING))["jetstream"]
    broken = {"why": "no-leader", "account": "A", "stream": "S", "consumer": "c", "server": ""}
    assert written["brokenBefore"] == [broken]
    assert written["waiting"] == {
        "server": "c-2",
        "since": "2026-01-01T00:00:00Z",
        "reported": 10,
    }


@pytest.mark.parametrize("told", [STREAMS, ROLLING, attrs.evolve(STREAMS, broken_before=())])
def test_what_was_written_of_jetstream_is_read_back(told: JetStreamStatus) -> None:
    whole = attrs.evolve(FULL, jetstream=told)
    assert parse_status(to_json(whole)) == whole


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (None, None),
        ("ok", None),
        ([], None),
        ({}, JetStreamStatus()),
        ({"quorum": 1, "mustStay": "c", "groups": [], "blocked": {}}, JetStreamStatus()),
        ({"mustStay": ["c-1", 2]}, JetStreamStatus(must_stay=("c-1",))),
        ({"blocked": [{"server": "c-1"}, 1], "storage": [{"limit": "1Gi"}]}, JetStreamStatus()),
        ({"brokenBefore": {}, "waiting": []}, JetStreamStatus()),
        ({"brokenBefore": [{"stream": "S"}, 1]}, JetStreamStatus(broken_before=())),
        ({"waiting": {"server": 1, "since": "x"}}, JetStreamStatus()),
        ({"groups": {"total": "x", "short": 1}}, JetStreamStatus(groups=GroupsStatus(short=1))),
    ],
)
def test_of_jetstream_that_somebody_edited_what_can_be_understood(raw: Any, read: Any) -> None:
    assert parse_status({"jetstream": raw}).jetstream == read


def test_of_a_role_too() -> None:
    status = RoleStatus(
        observed_generation=2,
        conditions=(Condition("Matched", "True"),),
        service_accounts=(AccountStatus("ns", "a", "user", "a-c-bound-token"),),
    )
    written = to_json(status)
    assert written["serviceAccounts"] == [
        {"namespace": "ns", "name": "a", "user": "user", "secret": "a-c-bound-token"}
    ]
    assert parse_role_status(written) == status
    without_a_name = {"serviceAccounts": [{"namespace": "ns", "name": ""}, {"name": "a"}, 3]}
    assert parse_role_status(without_a_name) == RoleStatus()


def test_the_older_operators_status_is_understood_as_far_as_it_goes() -> None:
    raw = {
        "conditions": [
            {"reason": "scaling cluster from 0 to 3 peers", "type": "ScalingUp"},
            {"reason": "current state matches desired state", "type": "Ready"},
        ],
        "currentVersion": "2.9.25",
        "size": 3,
    }
    assert parse_status(raw) == ClusterStatus(size=3, current_version="2.9.25")


def test_of_conditions_that_repeat_the_last_counts() -> None:
    raw = {"conditions": [{"type": "Ready", "status": s} for s in ("False", "True")]}
    assert parse_status(raw).conditions == (Condition("Ready", "True"),)


@pytest.mark.parametrize(
    "condition",
    [
        None,
        3,
        {},
        {"type": "Ready"},
        {"type": "", "status": "True"},
        {"type": "R", "status": "yes"},
    ],
)
def test_malformed_conditions_are_dropped(condition: Any) -> None:
    good = {"type": "Degraded", "status": "Unknown"}
    assert parse_status({"conditions": [condition, good]}).conditions == (
        Condition("Degraded", "Unknown"),
    )


def test_fields_of_a_wrong_type_have_their_default() -> None:
    raw = {"size": True, "phase": None, "readyReplicas": "2", "servers": [{"ready": True}, "x"]}
    assert parse_status(raw) == ClusterStatus()


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from([*to_json(ClusterStatus()), "type", "status", "name"]), inner
        )
    ),
)


@given(GARBAGE)
def test_reading_never_fails(raw: Any) -> None:
    status = parse_status(raw)
    assert parse_status(to_json(status)) == status


def test_whoever_edits_a_status_cannot_make_it_long() -> None:
    servers = [{"name": f"c-{i}"} for i in range(5000)]
    conditions = [{"type": f"t{i}", "status": "True"} for i in range(5000)]
    raw = {"operator": "a/b", "servers": servers, "conditions": conditions}
    found = parse_status(raw)
    assert (len(found.servers), len(found.conditions)) == (999, 64)
    assert parse_summary(raw).operator == found.operator == "a/b"
