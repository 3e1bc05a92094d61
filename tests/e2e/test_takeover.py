"""docs/migrate-from-nats-operator.md, step by step, with clusters that the Go operator made."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import attrs
import pytest

from natsctl.api.schema.crds import crds_yaml
from tests.e2e.client import Link, user
from tests.e2e.clusters import Cluster
from tests.e2e.conftest import CONTEXT, Managing, NewNamespace
from tests.e2e.kubectl import Json, Kubectl, until
from tests.e2e.process import Operator
from tests.e2e.program import Program
from tests.e2e.takeover import GoOperator
from tests.e2e.traffic import Requests, asking

GUIDE = Path(__file__).parents[2] / "docs" / "migrate-from-nats-operator.md"
STAND_IN: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "nats-operator"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"name": "nats-operator"}},
        "template": {
            "metadata": {"labels": {"name": "nats-operator"}},
            "spec": {
                "nodeSelector": {"nowhere": "yes"},
                "containers": [{"name": "nats-operator", "image": "natsio/nats-operator:0.8.3"}],
            },
        },
    },
}
"""What the guide scales; the Go operator runs as a process."""

pytestmark = pytest.mark.skipif(bool(CONTEXT), reason="it replaces CRDs of a whole cluster")


@attrs.frozen
class Legacy:
    """What the Go operator made, both operators, and clients that stay connected."""

    kubectl: Kubectl
    go: GoOperator
    operator: Operator
    closed: Cluster
    many: Cluster
    today: Cluster

    def follow(self, section: str, cluster: Cluster) -> str:
        """Run the commands of a section of the guide; what they print."""
        text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", GUIDE.read_text(), re.M | re.S)
        assert text is not None
        commands = re.findall(r"^\$ (.*)$", text[1], re.M)
        assert commands
        given = {"NAMESPACE": self.kubectl.namespace, "CLUSTER": cluster.name}
        script = "\n".join(["set -euo pipefail", *commands])
        for name, value in given.items():
            script = re.sub(rf"\b{name}\b", value, script)
        programs = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script], env=programs, capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def runs(self) -> dict[str, tuple[str, int]]:
        """Uid and restarts of all servers, by pod."""
        return {
            name: (pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"])
            for cluster in (self.closed, self.many, self.today)
            for name, pod in cluster.pods().items()
        }


def joined(cluster: Cluster, size: int) -> bool:
    """Whether every server has a route to every other."""
    routes = (cluster.monitoring(pod, "routez")["routes"] or [] for pod in cluster.pods())
    return all(len({r["remote_id"] for r in found}) == size - 1 for found in routes)


def settled(cluster: Cluster, size: int) -> None:
    """Wait until the Go operator says that it is done."""

    def check() -> bool:
        status = cluster.status()
        last: Json = (status.get("conditions") or [{}])[-1]
        return (last.get("type"), status.get("size")) == ("Ready", size)

    until(f"the Go operator is done with {cluster.name}", check, 120)


def role_and_account(name: str) -> tuple[Json, Json]:
    """A user; the Go operator takes accounts of its name in any namespace for the same one."""
    role = {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsServiceRole",
        "metadata": {"name": name, "labels": {"nats_cluster": "closed"}},
        "spec": {"permissions": {"publish": ["foo.*"], "subscribe": ["foo.*"]}},
    }
    return role, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


@pytest.fixture
def legacy(
    kubectl: Kubectl,
    new_namespace: NewNamespace,
    installed: Managing,
    program: Program,
    tmp_path: Path,
) -> Iterator[Legacy]:
    """Three clusters of the Go operator, one of them scaled: its conditions repeat their types."""
    if installed.alive:
        installed.stop()
    place = new_namespace()
    go = GoOperator(place, tmp_path / "go.log")
    operator = Operator(program, place, tmp_path / "operator.log", 18190, flags=())
    made = (Cluster(place, name) for name in ("closed", "many", "today"))
    found = Legacy(place, go, operator, *made)
    with ExitStack() as last:
        last.callback(
            kubectl, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=crds_yaml()
        )
        with go:
            place.apply(*role_and_account(place.namespace), STAND_IN)
            found.closed.apply(size=3, version="2.9.25", auth={"enableServiceAccounts": True})
            found.many.apply(size=11, version="2.1.9")
            found.today.apply(size=2, version="2.14.10")
            settled(found.today, 2)
            found.today.patch(size=3)
            for cluster, size in ((found.closed, 3), (found.many, 11), (found.today, 3)):
                settled(cluster, size)
                until(f"{cluster.name} is joined", partial(joined, cluster, size))
        last.callback(operator.kill)
        yield found
        place("delete", "nats", "--all")


def password(cluster: Cluster) -> str:
    """That of the role's user, as the servers know it."""
    found: str = cluster.config()["authorization"]["users"][0]["password"]
    return found


def still_connected(link: Link) -> None:
    link.send("SUB foo.x 7\r\nPUB foo.x 1\r\nx\r\nUNSUB 7\r\n")
    assert any(line.startswith("MSG foo.x 7") for line in link.until_pong())


def undisturbed(requests: Requests, before: int) -> None:
    """Nothing went wrong since there were so many errors: the first question may be early."""
    assert requests.errors[before:] == []


def reloads(cluster: Cluster) -> None:
    """Its servers take the configuration of their Secret, as the old reloader has them do."""
    for pod in cluster.pods():
        inside = ("exec", pod, "-c", "nats", "--", "/nats-server")
        cluster.kubectl(*inside, "-c", "/etc/nats-config/nats.conf", "-t")
        cluster.kubectl(*inside, "--signal", "reload=/var/run/nats/nats.pid")
        log = partial(cluster.kubectl, "logs", pod, "-c", "nats")
        until(f"{pod} reloads", partial(_has_reloaded, log))


def _has_reloaded(log: Callable[[], str]) -> bool:
    return "Reloaded server configuration" in log()


def test_clusters_of_the_go_operator_come_home(legacy: Legacy) -> None:
    """Over, back, and over again; nothing restarts until it has to."""
    before = legacy.runs()
    assert {"many-9", "many-a", "many-b"} <= set(before)
    types = [c["type"] for c in legacy.today.status()["conditions"]]
    assert len(types) > len(set(types))
    name = legacy.kubectl.namespace
    app = user(legacy.closed, credentials={"user": name, "pass": password(legacy.closed)})
    with app.connected() as link, asking(legacy.many) as many, asking(legacy.today) as today:
        early = len(many.errors), len(today.errors)
        legacy.follow("Hand over", legacy.today)
        legacy.kubectl("annotate", "nats", "today", "edited=yes")
        with legacy.operator:
            told = " ".join(legacy.follow("Check the result", legacy.many).split())
            assert "FROM THE GO OPERATOR many-1, many-2, many-3" in told
            assert "many-a: created by the Go operator" in told
            assert told.count("the pod name many-1") == 2
            reloads(legacy.today)
            reloads(legacy.closed)
            still_connected(link)
            undisturbed(
                today, early[1]
            )  # later a nameless server joins, for which all drop their routes
        legacy.follow("Go back", legacy.today)
        with legacy.go:
            settled(legacy.closed, 3)
            legacy.today.patch(size=4)
            settled(legacy.today, 4)
        before |= {"today-4": legacy.runs()["today-4"]}
        legacy.follow("Hand over", legacy.today)
        with legacy.operator:
            legacy.follow("Check the result", legacy.today)
            still_connected(link)
            undisturbed(many, early[0])
            assert legacy.runs() == before


def test_what_the_user_asks_for_changes_them(legacy: Legacy) -> None:
    """Size adds servers; another field restarts all in turn; a lost pod gets its new name."""
    before = legacy.runs()
    legacy.follow("Hand over", legacy.today)
    with legacy.operator:
        legacy.follow("Check the result", legacy.today)
        legacy.today.patch(size=4)
        legacy.today.ready().meshed(4, "2.14.10")
        assert {k: v for k, v in legacy.runs().items() if k != "today-4"} == before
        assert "name" not in legacy.today.config()["cluster"]
        with asking(legacy.today) as requests:
            legacy.follow("What changes with the next restart", legacy.today)
        requests.check(longest=10)
        legacy.today.ready().meshed(4, "2.14.10")
        assert legacy.today.config()["cluster"]["name"] == "today"
        assert "accounts" in legacy.today.config()
        assert not any(s["message"] for s in legacy.today.status()["servers"])
        legacy.kubectl("delete", "pod", "many-a")
        legacy.many.ready()
        assert sorted(set(legacy.many.pods()) - {f"many-{i}" for i in range(1, 10)}) == [
            "many-10",
            "many-b",
        ]
        routes = legacy.many.config()["cluster"]["routes"]
        assert [r for r in routes if "-10." in r or "-b." in r] == routes[9:]
