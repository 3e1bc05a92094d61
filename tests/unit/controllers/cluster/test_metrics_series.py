"""The series of clusters, as Prometheus reads them."""

from __future__ import annotations

from typing import Any

import attrs
from prometheus_client.parser import text_string_to_metric_families

from natsctl.controllers.cluster.metrics_series import FAMILIES, ActorMetrics, exposition
from natsctl.controllers.runtime import metrics
from natsctl.kube import metrics as kube_metrics
from natsctl.plan.actions import Action, CreateServer, DeleteServer, ReplaceServer
from natsctl.plan.status.cluster_metrics import (
    ClusterMetrics,
    JetStreamMetrics,
    LastProbe,
    ServerMetrics,
    StorageMetrics,
    VolumeMetrics,
)
from tests.compat import labels_of

SERVER = ServerMetrics(
    name="a-1",
    version="2.12.15",
    ready=True,
    current=False,
    restarts=2,
    last_exit="OOMKilled",
    last_probe=LastProbe(at=10.5, connections=3, started=1.0, loaded=None),
)
KNOWN = JetStreamMetrics(
    "ok",
    groups=5,
    short=1,
    leaderless=2,
    behind=4,
    missing=6,
    blocked=3,
    disabled=1,
    frozen=2,
    lent=9,
    storage=(StorageMetrics("a-1", "file", 40, 100),),
    volumes=(VolumeMetrics("a-1", 50, 70),),
)
FIGURES = ClusterMetrics(
    phase="Running",
    version="2.12.15",
    size=2,
    paused=False,
    conditions=(("Ready", True), ("Degraded", False)),
    expiries=(("clients", 1.9e9),),
    servers=(SERVER,),
    jetstream=KNOWN,
)
MINE = {"nats_namespace": "ns", "nats_cluster": "a"}


def scraped(*showings: ActorMetrics) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and values by the names of samples; the first cluster is called a."""
    text = exposition({("ns", name): s for name, s in zip("abc", showings, strict=False)})
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_every_family_is_shown() -> None:
    found = scraped(ActorMetrics(FIGURES))
    ends = {f.name + ("_total" if f.kind == "counter" else "") for f in FAMILIES}
    assert found.keys() | {"natsctl_server_config_load_timestamp_seconds"} == ends
    server = MINE | {"server": "a-1"}
    assert found["natsctl_cluster_info"] == [(MINE | {"version": "2.12.15", "phase": "Running"}, 1)]
    assert found["natsctl_cluster_size"] == [(MINE, 2)]
    assert found["natsctl_cluster_servers"] == found["natsctl_cluster_servers_ready"] == [(MINE, 1)]
    assert found["natsctl_cluster_condition"] == [
        (MINE | {"condition": "Ready"}, 1),
        (MINE | {"condition": "Degraded"}, 0),
    ]
    assert found["natsctl_certificate_expiry_timestamp_seconds"] == [
        (MINE | {"listener": "clients"}, 1.9e9)
    ]
    assert found["natsctl_server_config_current"] == [(server, 0)]
    assert found["natsctl_server_container_restarts_total"] == [(server, 2)]
    assert found["natsctl_server_last_exit_info"] == [(server | {"reason": "OOMKilled"}, 1)]
    assert found["natsctl_server_connections"] == [(server, 3)]
    assert found["natsctl_server_observed_timestamp_seconds"] == [(server, 10.5)]


def test_jetstream() -> None:
    found = scraped(ActorMetrics(FIGURES))
    assert found["natsctl_jetstream_quorum"] == [(MINE | {"state": "ok"}, 1)]
    numbers = {"groups": 5, "groups_short": 1, "groups_leaderless": 2, "blocked": 3}
    numbers |= {
        "groups_behind": 4,
        "members_missing": 6,
        "servers_disabled": 1,
        "servers_frozen": 2,
        "lent_bytes": 9,
    }
    for name, number in numbers.items():
        assert found[f"natsctl_jetstream_{name}"] == [(MINE, number)]
    file = MINE | {"server": "a-1", "storage": "file"}
    assert found["natsctl_jetstream_storage_used_bytes"] == [(file, 40)]
    assert found["natsctl_jetstream_storage_limit_bytes"] == [(file, 100)]
    one = MINE | {"server": "a-1"}
    assert found["natsctl_jetstream_volume_used_bytes"] == [(one, 50)]
    assert found["natsctl_jetstream_volume_available_bytes"] == [(one, 70)]


def test_of_jetstream_what_is_not_known_is_not_shown() -> None:
    known = {name for name in scraped(changed()) if "jetstream" in name}
    assert known == set()
    found = scraped(changed(jetstream=JetStreamMetrics("unknown")))
    assert {name for name in found if "jetstream" in name} == {"natsctl_jetstream_quorum"}


def changed(**figures: Any) -> ActorMetrics:
    return ActorMetrics(
        ClusterMetrics(phase="Failed", version="", size=None, paused=True, **figures)
    )


def test_what_is_not_known_is_not_shown() -> None:
    found = scraped(changed(servers=(ServerMetrics("a-1", "", ready=False, current=True),)))
    assert "natsctl_cluster_size" not in found
    assert "natsctl_server_connections" not in found
    assert "natsctl_server_last_exit_info" not in found
    assert found["natsctl_cluster_paused"] == [(MINE, 1)]


def test_series_go_with_the_cluster() -> None:
    """Nothing is kept between two scrapes."""
    assert len(scraped(ActorMetrics(FIGURES), ActorMetrics(FIGURES))["natsctl_server_ready"]) == 2
    assert len(scraped(ActorMetrics(FIGURES))["natsctl_server_ready"]) == 1
    assert scraped(ActorMetrics()) == scraped() == {}


def test_a_server_may_answer_anything() -> None:
    odd = 'a"b\\c\nd'
    found = scraped(changed(servers=(ServerMetrics("a-1", odd, ready=True, current=True),)))
    assert found["natsctl_server_info"][0][0]["version"] == odd


def restarts(*done: Action) -> dict[str, int]:
    actor = ActorMetrics()
    actor.count(done)
    return actor.restarts


def replace(*changes: str) -> ReplaceServer:
    return ReplaceServer(1, "a-1", "u", "", changes)


def test_restarts_are_counted_by_reason() -> None:
    assert restarts() == {"version": 0, "spec": 0, "ended": 0}
    assert restarts(replace("pod.resources", "version"))["version"] == 1
    assert restarts(replace("pod.resources"), replace("template"))["spec"] == 2
    assert restarts(DeleteServer("a-1", "u", "ReplacingEnded", ""))["ended"] == 1
    others = DeleteServer("a-1", "u", "ScalingDown", ""), CreateServer(1, "a-1")
    assert sum(restarts(*others).values()) == 0


HOSTILE = 'a"} 1\n# TYPE x gauge\nx{a="\\'


def test_no_name_breaks_the_format_or_adds_a_series() -> None:
    """Kubernetes has no such names; nothing here rests on that."""
    servers = (attrs.evolve(SERVER, name=HOSTILE, version=HOSTILE, last_exit=HOSTILE),)
    odd = attrs.evolve(FIGURES, version=HOSTILE, phase=HOSTILE, servers=servers)
    odd = attrs.evolve(
        odd,
        conditions=((HOSTILE, True), ("Degraded", False)),
        expiries=((HOSTILE, 1.9e9),),
        jetstream=attrs.evolve(
            KNOWN,
            quorum=HOSTILE,
            storage=(StorageMetrics(HOSTILE, HOSTILE, 40, 100),),
            volumes=(VolumeMetrics(HOSTILE, 50, 70),),
        ),
    )
    text = exposition({(HOSTILE, HOSTILE): ActorMetrics(odd)})
    plain = exposition({("ns", "a"): ActorMetrics(FIGURES)})
    assert text.count("\n") == plain.count("\n")
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels["nats_namespace"] == sample.labels["nats_cluster"] == HOSTILE
            assert sample.labels.get("server", HOSTILE) == HOSTILE


def test_no_metric_of_the_process_has_a_label_of_strangers() -> None:
    """All that they are labelled with is chosen here, but for the API server's host and codes."""
    ours = {"code", "method", "host", "verb", "kind", "type", "reason", "controller", "result"}
    found = {
        name
        for module in (kube_metrics, metrics)
        for metric in vars(module).values()
        for name in labels_of(metric)
    }
    assert found == ours | {"name"}
