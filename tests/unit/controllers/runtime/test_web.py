"""The probes and the metrics over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

import natsctl.controllers.supervisor  # noqa: F401 - whatever counts is imported by it
from natsctl.controllers.runtime.web import serve


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


async def get(session: aiohttp.ClientSession, port: int, path: str) -> tuple[int, str]:
    async with session.get(f"http://127.0.0.1:{port}{path}") as reply:
        return reply.status, await reply.text()


async def test_probes(session: aiohttp.ClientSession) -> None:
    trouble = {"why": ""}
    checks = {"ping": lambda: "", "cache-pods": lambda: trouble["why"]}
    async with serve("127.0.0.1", 0, {"ping": lambda: ""}, checks) as port:
        assert await get(session, port, "/healthz") == (200, "ok")
        assert await get(session, port, "/readyz") == (200, "ok")
        assert await get(session, port, "/readyz?verbose") == (
            200,
            "[+]ping ok\n[+]cache-pods ok\nreadyz check passed\n",
        )
        trouble["why"] = "not synced"
        assert await get(session, port, "/healthz") == (200, "ok")
        assert await get(session, port, "/readyz") == (
            503,
            "[+]ping ok\n[-]cache-pods failed: not synced\nreadyz check failed\n",
        )
        assert await get(session, port, "/readyz?exclude=cache-pods&verbose") == (
            200,
            "[+]ping ok\n[+]cache-pods excluded: ok\nreadyz check passed\n",
        )
        assert await get(session, port, "/readyz/cache-pods") == (503, "not synced")
        assert await get(session, port, "/readyz/ping") == (200, "ok")
        status, text = await get(session, port, "/readyz/nope")
        assert (status, "ping, cache-pods" in text) == (404, True)


async def test_series_of_clusters_follow_what_the_process_counts(
    session: aiohttp.ClientSession,
) -> None:
    async def mine() -> str:
        return "mine 1\n"

    async with serve("127.0.0.1", 0, {}, {}, mine) as port:
        _, text = await get(session, port, "/metrics")
    assert text.endswith("\nmine 1\n")


async def test_metrics_start_at_zero(session: aiohttp.ClientSession) -> None:
    async with serve("127.0.0.1", 0, {}, {}) as port:
        status, text = await get(session, port, "/metrics")
    assert status == 200
    for name in (
        'controller_runtime_reconcile_total{controller="natscluster",result="success"}',
        "controller_runtime_reconcile_errors_total",
        "controller_runtime_terminal_reconcile_errors_total",
        "controller_runtime_reconcile_panics_total",
        "controller_runtime_reconcile_timeouts_total",
        "controller_runtime_reconcile_time_seconds",
        "controller_runtime_max_concurrent_reconciles",
        "controller_runtime_active_workers",
        "workqueue_depth",
        "workqueue_adds_total",
        "workqueue_queue_duration_seconds",
        "workqueue_work_duration_seconds",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
        "workqueue_retries_total",
        "leader_election_master_status",
        "leader_election_slowpath_total",
        "rest_client_requests_total",
        "rest_client_request_duration_seconds",
        "rest_client_rate_limiter_duration_seconds",
        "rest_client_request_retries_total",
        "natsctl_watch_events_total",
        "natsctl_watch_restarts_total",
        "natsctl_cache_objects",
        "natsctl_loop_lag_seconds",
        "natsctl_writes_total",
        "natsctl_clusters",
    ):
        assert name in text


async def test_an_address_in_use_is_an_os_error() -> None:
    async with serve("127.0.0.1", 0, {}, {}) as port:
        with pytest.raises(OSError, match="in use"):
            async with serve("127.0.0.1", port, {}, {}):
                pass
