"""`natsctl status`, `kubectl natsctl` and `natsctl report` on servers that run."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.certificates import Authority
from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.conftest import CONTEXT
from tests.e2e.kubectl import Json, Kubectl, until
from tests.patience import patient

Apply = Callable[..., Cluster]
PROGRAMS = Path(sys.executable).parent
"""Where the console scripts are."""
PASSWORDS = ("c4nary-of-a-client", "c4nary-of-routes")


def environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"}


def flags(kubectl: Kubectl) -> list[str]:
    return ["--namespace", kubectl.namespace, *(("--context", CONTEXT) if CONTEXT else ())]


def natsctl(kubectl: Kubectl, *arguments: str, code: int = 0) -> str:
    """Run it as a user does; what it printed."""
    command: list[str | Path] = [PROGRAMS / "natsctl", *arguments, *flags(kubectl)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=patient(60), check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    return done.stdout


@pytest.fixture
def closed(cluster: Apply, namespace: Kubectl) -> Cluster:
    """Two servers with passwords and certificates, monitored over HTTPS, that log all they do."""
    namespace.apply(Authority().for_clients("x", namespace.namespace))
    users = {"users": [{"username": "joe", "password": PASSWORDS[0]}]}
    logins = {"users": users, "routes": {"username": "r", "password": PASSWORDS[1]}}
    for name, content in logins.items():
        literal = f"--from-literal=auth.json={json.dumps(content)}"
        namespace("create", "secret", "generic", name, literal)
    spec = {
        "auth": {"clientsAuthSecret": "users", "clusterAuthSecret": "routes"},
        "tls": {"serverSecret": "clients-tls", "enableHttps": True},
        "natsConfig": {"debug": True, "trace": True},
    }
    return cluster("x", size=2, version=NEW, **spec).ready()


@contextmanager
def terminal(*command: str | Path) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """A process in a terminal, and what it has drawn until now."""
    ours, its = pty.openpty()
    process = subprocess.Popen(command, env=environment(), stdin=its, stdout=its, stderr=its)
    os.close(its)
    os.set_blocking(ours, False)
    drawn = bytearray()

    def text() -> str:
        try:
            while piece := os.read(ours, 65536):
                drawn.extend(piece)
        except OSError:  # nothing more, now or for ever
            pass
        return drawn.decode()

    try:
        yield process, text
    finally:
        process.kill()
        process.wait(10)
        os.close(ours)


def routes(view: Json) -> list[int]:
    return [server["routes"] for server in view["servers"]]


def test_from_a_look_to_a_report(closed: Cluster, namespace: Kubectl, tmp_path: Path) -> None:
    """What the user's card promises, one after the other on one cluster."""
    plugin = ["kubectl", "natsctl", "status", "x", "-o", "json", *flags(namespace)]
    view: Json = json.loads(subprocess.check_output(plugin, env=environment(), timeout=patient(60)))
    assert (view["ready"], routes(view), view["notes"]) == (True, [1, 1], [])
    shown = natsctl(namespace, "status", "x")
    assert "State:     Running, ready" in shown
    assert [line.split()[:5] for line in shown.splitlines() if line.startswith("  x-")] == [
        [f"x-{number}", NEW, "yes", "Running", "1/1"] for number in (1, 2)
    ]
    assert f"  clients   clients-tls  {view['certificates'][0]['notAfter']} (in " in shown
    assert f"*.x-mgmt.{namespace.namespace}.svc" in shown
    # The last of ten that are shown: a busy kubelet has warned of a lot before.
    assert re.search(r"Normal +Ready +NatsCluster/x", shown)
    assert "NOT READ" not in shown
    said = subprocess.run(
        ["kubectl", "natsctl", "--help"], env=environment(), capture_output=True, text=True
    )
    assert said.stdout.startswith("usage: kubectl natsctl ")

    watch = ("status", "x", "--watch", *flags(namespace))
    with terminal(PROGRAMS / "natsctl", *watch) as (process, drawn):
        until("it is drawn", lambda: "2 of 2 ready" in drawn(), 20)
        closed.patch(version=NEXT)
        until(
            "a restart is seen", lambda: "waiting to restart: spec.version changed" in drawn(), 30
        )
        until("its end is seen", lambda: f"Version:   {NEXT}\x1b" in drawn(), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert "Traceback" not in drawn()
        assert drawn().count("\x1b[2J") == 1

    closed.ready()
    natsctl(namespace, "report", "x", "--output", str(tmp_path / "r.tar.gz"))
    with tarfile.open(tmp_path / "r.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    folder = tmp_path / "natsctl-report" / namespace.namespace / "x"
    files = {str(f.relative_to(folder)): f.read_text() for f in folder.rglob("*") if f.is_file()}
    assert json.loads(files["servers/x-1/varz.json"])["version"] == NEXT
    assert "Server is ready" in files["servers/x-1/nats.log"]
    assert files["nats.conf"].count("r:***@x-") == 2
    assert CONTEXT or list((tmp_path / "natsctl-report" / "operator").rglob("*.log"))
    whole = "".join(f.read_text() for f in (tmp_path / "natsctl-report").rglob("*") if f.is_file())
    assert [password for password in PASSWORDS if password in whole] == []
    assert (tmp_path / "natsctl-report" / "unread.txt").read_text() == ""
