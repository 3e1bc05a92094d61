"""The operator as a process: flags, environment, endpoints, signals, lease."""

import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT

import attrs
import pytest

from tests.e2e.clusters import NEW, Cluster
from tests.e2e.conftest import Managing, NewNamespace
from tests.e2e.kubectl import stays, until
from tests.e2e.process import LEASE, Operator
from tests.e2e.program import Program
from tests.patience import patient

Another = Callable[..., Operator]
LASTING = 10.5
"""Seconds after which a holder that did not renew may not write any more."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def another(new_namespace: NewNamespace, program: Program, tmp_path: Path) -> Iterator[Another]:
    """Makes operators that manage only a new namespace of their own."""
    made: list[Operator] = []

    def make(*flags: str, **environment: str) -> Operator:
        found = new_namespace()
        given = {k: v or found.namespace for k, v in environment.items()}
        log = tmp_path / f"{found.namespace}.log"
        made.append(Operator(program, found, log, free_port(), flags, given))
        return made[-1]

    yield make
    for operator in made:
        operator.kill()


@pytest.fixture
def operator(installed: Managing) -> Operator:
    """The operator for all namespaces is a process here."""
    return installed.as_process()


def test_without_the_feature_gate_only_its_own_namespace_is_managed(
    another: Another, new_namespace: NewNamespace, operator: Operator
) -> None:
    """MY_POD_NAMESPACE says which; clusters elsewhere wait for another operator."""
    with operator.away(), another(MY_POD_NAMESPACE="") as own:
        elsewhere = Cluster(new_namespace(), "b").apply(size=1, version=NEW)
        Cluster(own.kubectl, "a").apply(size=1, version=NEW).ready().meshed(1, NEW)
        assert "status" not in elsewhere.get()
        assert not elsewhere.remains()
    elsewhere.ready().meshed(1, NEW)


def test_sigterm_ends_it_in_order(another: Another) -> None:
    """Exit status 0 and a free lease, which `stop` asserts; the next one leads at once."""
    own = another()
    own.start()
    assert own.holder()
    own.stop()
    own.start()
    own.stop()
    assert own.tail(1).endswith("stopped; the lease is released")


def test_two_of_them_share_one_lease(another: Another, tmp_path: Path) -> None:
    """The second waits, Ready, until the first ends, and then leads."""
    with another() as first:
        second = attrs.evolve(first, log=tmp_path / "second.log", port=free_port())
        with ended(second.beside(stdout=subprocess.DEVNULL)) as waiting:
            until("it is ready", lambda: answers(second, "/readyz"), 20)
            before = first.holder()
            stays("the first leads", lambda: first.holder() == before, 2)
            assert metric(second, "leader_election_master_status") == 0
            assert metric(first, "leader_election_master_status") == 1
            assert first.signal(signal.SIGTERM) == 0, first.tail()
            # Sooner than a lease that was not released ends; perhaps before the first has ended.
            until("the second leads", lambda: first.holder() not in ("", before), 10, 0.1)
            waiting.send_signal(signal.SIGTERM)
            assert waiting.wait(20) == 0


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Leave no process behind, also when an assertion fails."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def answers(operator: Operator, path: str) -> bool:
    """Whether it answers with 200."""
    try:
        return operator.http(path)[0] == 200
    except OSError:
        return False


def metric(operator: Operator, name: str) -> float:
    """A metric's first value."""
    lines = operator.http("/metrics")[1].splitlines()
    return float(next(line for line in lines if line.startswith(name)).rpartition(" ")[2])


def test_a_lease_that_somebody_else_takes_ends_it(another: Another) -> None:
    """Non-zero, so that it is started anew, and with a reason."""
    own = another()
    own.start()
    own.kubectl.patch(f"lease/{LEASE}", {"spec": {"holderIdentity": "thief"}})
    assert own.ended() == 1
    assert "is held by another process" in own.tail()


def test_a_process_that_slept_through_its_lease_ends(another: Another) -> None:
    """It cannot know who leads by now."""
    own = another()
    own.start()
    own.pause(LASTING)
    assert own.ended() == 1
    assert "lease nats-operator" in own.tail()


def test_a_deleted_lease_is_made_again_by_its_holder(another: Another) -> None:
    """Nobody else had it meanwhile, so the work goes on."""
    with another() as own:
        before = own.holder()
        own.kubectl("delete", "lease", LEASE)
        until("the lease is there again", lambda: own.kubectl.list("leases"), 10)
        assert own.holder() == before


def test_probes_tell_check_by_check(operator: Operator) -> None:
    """200 and ok; with ?verbose each check has its line."""
    assert operator.http("/healthz") == (200, "ok")
    assert operator.http("/readyz") == (200, "ok")
    status, text = operator.http("/readyz?verbose")
    assert status == 200
    for kind in ("natsclusters", "pods", "services", "secrets"):
        assert f"[+]cache-{kind} ok" in text
    status, text = operator.http("/healthz?verbose")
    assert "[+]lease ok" in text
    assert text.endswith("healthz check passed\n")
    assert operator.http("/readyz/nonsense")[0] == 404


def test_metrics_have_the_names_dashboards_know(operator: Operator) -> None:
    """controller-runtime's, client-go's and the process's own."""
    assert metric(operator, "leader_election_master_status") == 1
    text = operator.http("/metrics")[1]
    for name in (
        'controller_runtime_reconcile_total{controller="natscluster",result="success"}',
        'workqueue_depth{name="natscluster"}',
        "rest_client_requests_total{",
        "process_resident_memory_bytes",
    ):
        assert name in text


def test_logs_are_json_if_asked_for(another: Another) -> None:
    """One object on each line."""
    with another("--log-format", "json", "--log-level", "debug") as own:
        pass
    records = [json.loads(line) for line in own.tail(None).splitlines()]
    assert any("lease is released" in str(record) for record in records)


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--feature-gates=Nonsense=true", "unknown feature gate 'Nonsense'"),
        ("--feature-gates=ClusterScoped=maybe", "use ClusterScoped=true or ClusterScoped=false"),
        ("--listen-addr=nowhere", "use host:port"),
        ("--kubeconfig=/no/such/file", "/no/such/file"),
    ],
)
def test_a_flag_that_cannot_be_used_is_named(flag: str, says: str, program: Program) -> None:
    """Exit status 2."""
    told = refused(program, "--namespace", "x", *program.where, flag)
    assert says in told
    assert "Traceback" not in told


def test_without_a_namespace_it_says_what_to_set(program: Program) -> None:
    """Outside of a pod nothing tells it."""
    assert "set --namespace or MY_POD_NAMESPACE" in refused(program, *program.where)


def refused(program: Program, *arguments: str) -> str:
    """What an operator says that ends at once, with status 2."""
    with program.start("operator", *arguments, stdout=PIPE, stderr=STDOUT) as process:
        told, _ = process.communicate(timeout=patient(30))
    assert process.returncode == 2
    return bytes(told).decode()
