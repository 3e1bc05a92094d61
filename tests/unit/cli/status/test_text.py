"""`natsctl status` as people read it."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.cli.status.text import age, overview, page
from natsctl.cli.status.view import ClusterView
from natsctl.model.foreign import plain
from tests.unit.cli.sights import NOW, Json, answers, cluster, event, pod, seen, server, status


def text(found: ClusterView, width: int = 100) -> str:
    return page(found, NOW, width)


def conditions(*told: tuple[str, str, str, str]) -> list[Json]:
    since = {"lastTransitionTime": "2026-11-23T11:58:00Z", "observedGeneration": 1}
    keys = ("type", "status", "reason", "message")
    return [dict(zip(keys, one, strict=True)) | since for one in told]


def test_a_cluster_that_is_well() -> None:
    spec = {"size": 2, "version": "2.14.5", "tls": {"serverSecret": "certs"}}
    told = status(
        certificates=[
            {"listener": "clients", "secret": "certs", "notAfter": "2026-12-23T12:00:00Z"}
        ]
    )
    found = seen(
        cluster=cluster(spec, told),
        answers=answers(1, 1, connections=3),
        events=(event("CreatedServers", "created x-1, x-2"), event("Ready", "all ready")),
    )
    assert text(found) == dedent(
        """\
        Cluster:   ns/x
        State:     Running, ready
        Servers:   2 of 2 ready
        Version:   2.14.5
        Operator:  nats/nats-operator
        Age:       60m

        CONDITIONS
          Ready     True   60m  AllServersReady  all ready
          Degraded  False  60m  AsExpected

        SERVERS
          NAME  VERSION  READY  STATE    ROUTES  CLIENTS  RESTARTS  AGE  ADDRESS   NODE
          x-1   2.14.5   yes    Running  1/1     3        1         60m  10.0.0.3  n1
          x-2   2.14.5   yes    Running  1/1     3        1         60m  10.0.0.3  n1

        CERTIFICATES
          LISTENER  SECRET  EXPIRES                            FOR
          clients   certs   2026-12-23T12:00:00Z (in 30 days)  -

        LAST EVENTS
          60m  Normal  CreatedServers  NatsCluster/x  created x-1, x-2
          60m  Normal  Ready           NatsCluster/x  all ready
        """
    )


STREAMS = {
    "quorum": "critical",
    "mustStay": ["x-1", "x-2"],
    "metaLeader": "x-1",
    "groups": {"total": 12, "healthy": 11, "short": 0, "leaderless": 1},
    "storage": [
        {"server": "x-1", "usedPercent": 42, "limit": "7Gi"},
        {"server": "x-2", "usedPercent": 81, "limit": "7Gi"},
    ],
}


def test_jetstream_in_two_lines() -> None:
    lines = text(seen(cluster=cluster(status=status(jetstream=STREAMS))), 90).splitlines()
    assert lines[4:7] == [
        "JetStream: quorum critical (x-1, x-2 must not stop), meta leader x-1, 11 of 12 streams",
        "           and consumers are healthy (1 without a leader)",
        "Storage:   x-1 42 % of 7Gi, x-2 81 % of 7Gi",
    ]


def test_what_blocks_restarts_and_for_how_long() -> None:
    rows: list[Any] = [
        {
            "why": "no-leader",
            "message": "stream A/S has no leader",
            "since": "2026-11-23T11:48:00Z",
        },
        {"why": "slow", "since": "yesterday"},
        *[{"why": "replica", "message": f"replica {n}"} for n in range(3)],
    ]
    found = text(seen(cluster=cluster(status=status(jetstream=STREAMS | {"blocked": rows}))), 200)
    told = "Blocked:   stream A/S has no leader for 12m, slow, replica 0, and 2 more\n"
    assert told in found
    found = text(seen(cluster=cluster(status=status(jetstream=STREAMS | {"blocked": rows[:1]}))))
    assert "Blocked:   stream A/S has no leader for 12m\n" in found


def test_volumes_in_one_line() -> None:
    sizes = (("20Gi", "20Gi"), ("20Gi", "10Gi"), ("20Gi", ""))
    servers: list[Any] = [
        {"name": f"x-{n}", "volume": {"claim": f"js-x-{n}", "size": size, "capacity": there}}
        for n, (size, there) in enumerate(sizes, 1)
    ]
    found = text(seen(cluster=cluster(status=status(jetstream=STREAMS, servers=servers))), 90)
    assert "Volumes:   x-1 20Gi, x-2 10Gi of 20Gi, x-3 0 of 20Gi\n" in found
    servers[0]["volume"] |= {"used": "17Gi", "usedPercent": 85}
    found = text(seen(cluster=cluster(status=status(jetstream=STREAMS, servers=servers))), 90)
    assert "Volumes:   x-1 20Gi (85 % used), x-2" in found


def test_jetstream_of_a_single_server_that_says_nothing_of_storage() -> None:
    lone = {"quorum": "ok", "groups": {"total": 1, "healthy": 1}}
    found = text(seen(cluster=cluster(status=status(jetstream=lone))))
    assert "JetStream: quorum ok, 1 of 1 streams and consumers are healthy\n" in found
    assert "Storage" not in found


def test_what_is_not_well_is_counted() -> None:
    groups = {"total": 5, "healthy": 2, "short": 2, "leaderless": 1}
    found = text(seen(cluster=cluster(status=status(jetstream=STREAMS | {"groups": groups}))), 200)
    assert "consumers are healthy (1 without a leader, 2 with too few replicas)\n" in found


def test_a_roll_that_waits() -> None:
    waits = "restarting x-2, one at a time: spec.version; waiting: x-1 has no route to 1 of 1 other"
    told = status(
        phase="Updating",
        readyReplicas=1,
        currentVersion="2.12.15",
        conditions=conditions(
            ("Ready", "False", "ServersNotReady", "1 of 2 servers are ready"),
            ("Progressing", "True", "Rolling", waits),
        ),
        servers=[
            server("x-1", "has no route to 1 of 1 other servers", ready=False),
            server("x-2", "waiting to restart: spec.version changed; waiting: x-1 restarts first"),
        ],
    )
    found = seen(cluster=cluster(status=told), answers={}, unread=("events: you may not",))
    assert text(found, 80) == dedent(
        """\
        Cluster:   ns/x
        State:     Updating, not ready
        Servers:   1 of 2 ready
        Version:   2.12.15 (desired: 2.14.5)
        Operator:  nats/nats-operator
        Age:       60m

        CONDITIONS
          Ready        False  2m  ServersNotReady  1 of 2 servers are ready
          Progressing  True   2m  Rolling
              restarting x-2, one at a time: spec.version; waiting: x-1 has no route to
              1 of 1 other

        SERVERS
          NAME  VERSION  READY  STATE    ROUTES  CLIENTS  RESTARTS  AGE  ADDRESS   NODE
          x-1   2.14.5   no     Running  -       -        1         60m  10.0.0.3  n1
              has no route to 1 of 1 other servers
          x-2   2.14.5   yes    Running  -       -        1         60m  10.0.0.3  n1
              waiting to restart: spec.version changed; waiting: x-1 restarts first

        NOT READ
          - events: you may not
        """
    )


def test_a_cluster_of_the_go_operator() -> None:
    brings = "created by the Go operator and left unchanged; its next restart adds a server name"
    told = status(servers=[server("x-1", brings), server("x-a", f"{brings}, the pod name x-10")])
    found = seen(
        cluster=cluster(status=told), pods=(pod("x-1", old=True), pod("x-a", old=True)), answers={}
    )
    shown = text(found, 87)
    assert shown.count("created by the Go operator") == 2
    assert (
        dedent(
            """\
            FROM THE GO OPERATOR
              x-1:
                  created by the Go operator and left unchanged; its next restart adds a server
                  name
              x-a:
                  created by the Go operator and left unchanged; its next restart adds a server
                  name, the pod name x-10
            """
        )
        in shown
    )


def test_what_nobody_knows_is_a_dash() -> None:
    shown = text(ClusterView("ns", "x"))
    assert "State:     unknown, not ready" in shown
    assert "Version:   - (desired: not set)" in shown
    assert "SERVERS" not in shown


@pytest.mark.parametrize(
    ("end", "says"),
    [("2026-11-24T13:00:00Z", "in 1 day)"), ("2026-11-23T11:00:00Z", "11:00:00Z (expired)")],
)
def test_ends_of_certificates(end: str, says: str) -> None:
    told = status(certificates=[{"listener": "routes", "secret": "s", "notAfter": end}])
    assert says in text(seen(cluster=cluster(status=told)))


def test_the_state_tells_of_a_pause_and_of_servers_too_many() -> None:
    found = seen(cluster=cluster({"size": 1, "paused": True, "version": "2.14.5"}, status()))
    assert "State:     Running, ready, paused" in text(found)
    assert "Servers:   2 of 1 ready, 1 more to remove" in text(found)


def test_all_clusters() -> None:
    held = status(
        readyReplicas=1,
        conditions=conditions(
            ("Ready", "False", "ServersNotReady", "1 of 2 servers are ready"),
            ("Degraded", "True", "Unschedulable", "x-2 Unschedulable: no node"),
        ),
    )
    views = [seen(), seen(cluster=cluster(status=held)), seen(cluster=cluster(), pods=())]
    assert overview(views, NOW, namespaces=True) == dedent(
        """\
        NAMESPACE  NAME  PHASE    SIZE  READY  VERSION  OPERATOR            AGE
        ns         x     Running  2     2      2.14.5   nats/nats-operator  60m
        ns         x     Running  2     1      2.14.5   nats/nats-operator  60m
        ns         x     -        2     0      -        -                   60m

        ns/x: x-2 Unschedulable: no node
        ns/x: no operator has written its status: does one manage this namespace?
        """
    )
    assert overview([seen()], NOW, namespaces=False).splitlines() == [
        "NAME  PHASE    SIZE  READY  VERSION  OPERATOR            AGE",
        "x     Running  2     2      2.14.5   nats/nats-operator  60m",
    ]


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        ("2026-11-23T11:59:58.5Z", "1s"),
        ("2026-11-23T12:00:05Z", "0s"),
        ("2026-11-23T11:58:01Z", "119s"),
        ("2026-11-23T11:58:00Z", "2m"),
        ("2026-11-23T10:00:00Z", "2h"),
        ("2026-11-20T12:00:00Z", "3d"),
        ("", "-"),
        ("yesterday", "-"),
        ("2026-11-23", "-"),
    ],
)
def test_ages(since: str, shown: str) -> None:
    assert age(since, NOW) == shown


TEXTS = st.sampled_from(["True", "x", "x-1", "2026-11-23T11:00:00Z", "2026-11-23", ""])
KEYS = ("type", "status", "lastTransitionTime", "name", "message", "listener", "notAfter", "size")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=5,
)
ITEMS = st.lists(st.dictionaries(st.sampled_from(KEYS), TEXTS | ANYTHING, min_size=2), min_size=1)
LISTS = st.sampled_from(["conditions", "servers", "certificates"])


@given(ANYTHING, ANYTHING | st.dictionaries(LISTS, ITEMS))
def test_whatever_somebody_stored_is_shown(spec: Any, told: Any) -> None:
    found = seen(cluster=cluster(spec, told))
    assert "Cluster:   ns/x" in text(found)
    assert "nats" not in overview([found], NOW, namespaces=False).splitlines()[0]


def test_no_message_moves_the_cursor() -> None:
    assert plain("a\x1b[2J\r\nb\u202ec") == "a b\ufffdc"
    assert "\x1b" not in text(seen(events=(event("R", "\x1b[31mred"),)))
