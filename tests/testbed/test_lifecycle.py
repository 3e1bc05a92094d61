"""A testbed starts once, and leaves nothing, however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from testbed import processes
from tests.testbed import machine
from tests.testbed.machine import Remains

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.layout import Testbed

T = TypeVar("T")
pytestmark = pytest.mark.testbed


def test_a_control_plane_alone_serves_the_api(fresh: Testbed) -> None:
    machine.done("up", fresh, "--control-plane-only")
    assert machine.kubectl(fresh, "get", "--raw", "/readyz") == "ok"
    # No controller makes its ServiceAccount, yet a pod can be created.
    machine.kubectl(fresh, "run", "server", "--image=nats:2.12.15")
    assert machine.kubectl(fresh, "get", "pods", "-o", "name") == "pod/server\n"


def test_a_second_up_starts_and_builds_nothing(fresh: Testbed) -> None:
    machine.done("up", fresh, "--control-plane-only")
    before = machine.remains(fresh).processes
    again = machine.run("up", fresh, "--control-plane-only")
    assert again.returncode == 0
    assert again.stderr == ""
    assert machine.remains(fresh).processes == before


def test_a_running_testbed_is_not_taken_for_another_kind(fresh: Testbed) -> None:
    machine.done("up", fresh, "--control-plane-only")
    other = machine.run("up", fresh, "--nodes", "2")
    assert other.returncode == 1
    assert "runs with control plane only, which is not 2 nodes" in other.stderr


def test_a_testbed_that_lost_a_process_is_started_anew(fresh: Testbed) -> None:
    machine.done("up", fresh, "--control-plane-only")
    process = processes.recorded(fresh, "etcd")
    assert process is not None
    subprocess.run(["kill", "-9", str(process.pid)], check=True)
    machine.done("up", fresh, "--control-plane-only")
    assert not process.alive()
    assert machine.kubectl(fresh, "get", "--raw", "/readyz") == "ok"


def test_kwok_runs_pods_of_a_fake_node(fresh: Testbed) -> None:
    machine.done("up", fresh, "--control-plane-only", "--kwok")
    machine.kubectl(fresh, "create", "deployment", "many", "--image=none", "--replicas=50")
    machine.kubectl(fresh, "rollout", "status", "deployment/many", "--timeout=60s")


def test_down_leaves_nothing(fresh: Testbed) -> None:
    before = machine.look()
    machine.done("up", fresh)
    machine.kubectl(fresh, "run", "server", "--image=nats:2.12.15", "--port=4222")
    machine.kubectl(fresh, "wait", "--for=condition=Ready", "pod/server", "--timeout=60s")
    running, inside = machine.remains(fresh), machine.namespaces_of(fresh)
    assert len(running.processes) > 12
    assert running.cgroups
    assert machine.look() == before, "a running testbed is invisible from outside"

    machine.done("down", fresh)

    assert machine.look() == before
    assert machine.remains(fresh) == Remains()
    assert not inside & machine.network_namespaces()


# Each is the first sign of a stage: names exist, programs start, the nodes' programs start.
STAGES = ("control-plane-holder", "kube-apiserver", "node1-kubelet")


@pytest.mark.parametrize("stage", STAGES)
def test_down_clears_an_up_that_was_killed(fresh: Testbed, stage: str) -> None:
    before, outside = machine.look(), machine.network_namespaces()
    _kill_up_at(fresh, stage)
    assert machine.remains(fresh).processes
    inside = machine.namespaces_of(fresh) - outside

    machine.done("down", fresh)

    assert machine.look() == before
    assert machine.remains(fresh) == Remains()
    assert not inside & machine.network_namespaces()


def test_an_import_of_images_ends_with_its_up(fresh: Testbed) -> None:
    """Also if it had not begun yet: without a containerd it would wait for one for ever."""
    with _killed(fresh, lambda: machine.running("ctr", fresh)) as importing:
        for pid in importing:
            os.kill(pid, signal.SIGSTOP)
    machine.done("down", fresh)
    assert not importing & machine.living()


def test_up_clears_an_up_that_was_killed(fresh: Testbed) -> None:
    _kill_up_at(fresh, "kube-apiserver")
    left = machine.remains(fresh).processes

    machine.done("up", fresh, "--control-plane-only")

    assert not left & machine.remains(fresh).processes


def _kill_up_at(testbed: Testbed, stage: str) -> None:
    with _killed(testbed, lambda: processes.recorded(testbed, stage)):
        pass


@contextmanager
def _killed(testbed: Testbed, sign: Callable[[], T]) -> Iterator[T]:
    """Start it; the block gets the sign as soon as there is one, and ends with a kill."""
    up = subprocess.Popen(machine.command("up", testbed), cwd=machine.ROOT, stderr=subprocess.PIPE)
    with up:
        while not (found := sign()):
            assert up.poll() is None, "it ended too early"
            time.sleep(0.001)
        yield found
        up.send_signal(signal.SIGKILL)
    assert up.returncode == -signal.SIGKILL


def test_two_testbeds_do_not_disturb_each_other(fresh: Testbed, two_nodes: Testbed) -> None:
    machine.done("up", fresh, "--control-plane-only")
    assert "node2" in machine.kubectl(two_nodes, "get", "nodes", "-o", "name")
    assert machine.kubectl(fresh, "get", "nodes", "-o", "name") == ""
    machine.done("down", fresh)
    machine.done("status", two_nodes)


def test_a_command_inside_keeps_its_exit_status_and_its_folder(two_nodes: Testbed) -> None:
    assert machine.run("exec", two_nodes, "--", "sh", "-c", "exit 7").returncode == 7
    assert machine.done("exec", two_nodes, "--", "pwd").strip() == str(machine.ROOT)


def test_exec_says_what_is_missing(fresh: Testbed) -> None:
    answer = machine.run("exec", fresh, "--", "true")
    assert answer.returncode == 1
    assert "has no running control-plane" in answer.stderr
