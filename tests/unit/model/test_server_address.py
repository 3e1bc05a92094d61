"""Where servers are asked, as their own pods tell it."""

from __future__ import annotations

import msgspec
import pytest

from natsctl.model.objects import Pod
from natsctl.model.server_address import address_of, has_address


def pod(address: str | None) -> Pod:
    return msgspec.convert({"metadata": {"name": "c-1"}, "status": {"podIP": address}}, Pod)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.2", "fd00::1", "2001:db8::1"])
def test_a_pod_has_an_address(address: str) -> None:
    assert address_of(pod(address)) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "not an address",
        "kubernetes.default.svc",
        "10.0.0.1:80",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fe80::1%eth0",
        "2001:db8::1%lo",
        "224.0.0.1",
        "ff02::1",
    ],
)
def test_an_address_that_no_pod_can_have_is_not_connected_to(address: str | None) -> None:
    assert address_of(pod(address)) == ""


RUNS = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def with_status(phase: str, state: object = None, container: str = "nats") -> Pod:
    statuses = [{"name": container, "state": state}] if state else []
    status = {"podIP": "10.0.0.1", "phase": phase, "containerStatuses": statuses}
    return msgspec.convert({"metadata": {"name": "c-1"}, "status": status}, Pod)


@pytest.mark.parametrize(
    "found",
    [
        with_status("Failed"),
        with_status("Succeeded", RUNS),
        with_status("Running", {"waiting": {"reason": "CrashLoopBackOff"}}),
        with_status("Running", {"terminated": {"exitCode": 1}}),
    ],
)
def test_where_nothing_runs_any_more_nobody_is_asked(found: Pod) -> None:
    """The address of a pod that ended may be that of somebody else by now."""
    assert address_of(found) == ""


def test_a_pod_that_ended_has_no_address_any_more() -> None:
    assert [has_address(with_status(phase)) for phase in ("Running", "Failed", "Succeeded")] == [
        True,
        False,
        False,
    ]
    assert not has_address(pod(None))


@pytest.mark.parametrize(
    "found",
    [
        with_status("Running"),
        with_status("Unknown", RUNS),
        with_status("Running", {"waiting": {"reason": "CrashLoopBackOff"}}, "reloader"),
    ],
)
def test_what_may_run_is_asked(found: Pod) -> None:
    assert address_of(found) == "10.0.0.1"
