"""Figures, their targets, and how they are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@attrs.frozen
class Target:
    """A figure, what it says, and the most it should be (None: told, not judged)."""

    key: str
    text: str
    limit: float | None = None
    unit: str = ""

    def line(self, figures: Mapping[str, Any]) -> str:
        """One line: the figure, its target and whether it is met."""
        value, text = figures[self.key], self.text.format(**figures)
        judged = "" if self.limit is None else f"(target: at most {self.limit:g}) "
        if self.limit is not None:
            judged += "met" if value <= self.limit else f"MISSED by {value - self.limit:.4g}"
        return f"  {text:64} {value:>9.4g} {self.unit:3} {judged}".rstrip()


TARGETS = (
    Target("floor_s", "{clusters} clusters of 3, written by a bare client (the floor)", unit="s"),
    Target("fleet_s", "{clusters} clusters of 3, by natsctl, until Ready in status", unit="s"),
    Target("floor_ratio", "natsctl's time divided by the floor (medians of {rounds} rounds)", 1.25),
    Target("floor_ratio_best", "the same, lowest of a round"),
    Target("floor_ratio_worst", "the same, highest of a round"),
    Target("floor_ratio_strict", "the same, had the floor the NatsClusters for nothing"),
    Target("cpu_ratio", "the same in processor time of all that takes part, not in seconds"),
    Target("object_writes_per_cluster", "writes of objects for each cluster (it has 6)", 6),
    Target("status_writes_per_cluster", "writes of status for each cluster", 3),
    Target("writes_per_cluster", "all writes for each cluster, events apart", 9),
    Target("events_per_cluster", "events for each cluster"),
    Target("fleet_cpu_s", "processor time of natsctl for {clusters} clusters", unit="s"),
    Target("converged_requests", "requests of them, converged, in 60 s, watches apart", 0),
    Target("lease_renewals", "renewals of the lease in the same 60 s"),
    Target("converged_cpu_s", "processor time in the same 60 s", unit="s"),
    Target("rss_idle_mb", "memory (RSS) idle", 60, "MiB"),
    Target("rss_100_mb", "memory with {clusters} clusters", unit="MiB"),
    Target("rss_1000_mb", "memory with {many} clusters", 150, "MiB"),
    Target("rss_foreign_mb", "beside {foreign} pods and {foreign} Secrets of others", unit="MiB"),
    Target("rss_foreign_growth_mb", "growth by these others", 5, "MiB"),
    Target("rss_peak_mb", "the most memory at any time", unit="MiB"),
    Target("fleet_1000_s", "from {clusters} to {many} clusters, until Ready in status", unit="s"),
    Target(
        "change_beside_slow_s",
        "one more server asked for, to its pod, beside 200 mute clusters",
        1,
        "s",
    ),
    Target(
        "jetstream_pages_per_minute", "pages that {jetstream_clusters} with JetStream are asked"
    ),
    Target("jetstream_requests_per_minute", "requests to the API server, for them, in a minute"),
    Target("jetstream_cpu_percent", "share of one processor, while nothing happens", unit="%"),
    Target("jetstream_mb", "memory with them and {jetstream_streams} streams", unit="MiB"),
    Target("start_s", "from the start of the process until its readiness probe passes", 2, "s"),
    Target("ready3_s", "apply to 3 Ready servers on a real kubelet, median", unit="s"),
    Target("ready3_max_s", "the same, slowest", unit="s"),
    Target("ready3_created_s", "on the way: apply to 3 pods", unit="s"),
    Target("ready3_scheduled_s", "apply to all of them scheduled", unit="s"),
    Target("ready3_running_s", "apply to all containers running, as the kubelet tells", unit="s"),
    Target("ready3_kubelet_s", "apply to all pods Ready by the kubelet's own probe", unit="s"),
    Target("replace_s", "pod deleted to its replacement created, median", 1, "s"),
    Target("replace_max_s", "the same, slowest", unit="s"),
)
LAST = (
    "floor_ratio",
    "writes_per_cluster",
    "converged_requests",
    "rss_idle_mb",
    "rss_1000_mb",
    "start_s",
    "ready3_s",
    "replace_s",
    "change_beside_slow_s",
)


def lines(figures: Mapping[str, Any]) -> list[str]:
    """One line for each figure that was measured."""
    measured = [t.line(figures) for t in (*TARGETS, *_grown(figures)) if t.key in figures]
    writes = figures.get("writes_by_kind")
    if writes:
        parts = ", ".join(f"{kind} {count:.2f}" for kind, count in sorted(writes.items()))
        measured.append(f"  writes for each cluster: {parts}")
    return measured


def _grown(figures: Mapping[str, Any]) -> Iterator[Target]:
    """What `growth` measured, for as many clusters as it was told."""
    counts = sorted(int(key.split("_")[2]) for key in figures if key.startswith("looked_at_"))
    for count in counts:
        seconds, memory = (count / 250, 400.0) if count >= 5000 else (None, None)
        text = f"with {count} clusters, from a start until every server was heard"
        yield Target(f"looked_at_{count}_s", text, seconds, "s")
        text = f"processor time of that start, for each of {count} clusters"
        yield Target(f"start_{count}_cpu_ms", text, unit="ms")
        yield Target(f"restarted_{count}_mb", f"memory with {count} clusters", memory, "MiB")
        text = f"processor time of a change beside {count} clusters"
        yield Target(f"change_{count}_cpu_ms", text, unit="ms")


def last_line(figures: Mapping[str, Any]) -> str:
    """The line that other programs read; `-` for what was not measured."""
    parts = (f"{k}={figures[k]:.4g}" if k in figures else f"{k}=-" for k in LAST)
    return "BENCH " + " ".join(parts)


def write(figures: Mapping[str, Any], file: Path) -> None:
    """All figures as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(dict(figures), indent=2, sort_keys=True) + "\n")
