"""End-to-end tests read the API server as kubectl does, through a proxy that ends with them."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.api_server import ApiServer, KubectlFailed, served
from tests.e2e.kubectl import Kubectl

Answers = dict[str, tuple[int, Any]]


def resource(plural: str, *short: str, scope: str = "Namespaced") -> dict[str, Any]:
    names = {"singularResource": plural.removesuffix("s"), "shortNames": list(short)}
    return {"resource": plural, "scope": scope, **names}


def group(name: str, version: str, *resources: dict[str, Any]) -> dict[str, Any]:
    """As aggregated discovery has it; that of Kubernetes itself has no name."""
    metadata = {"name": name} if name else {}
    return {"metadata": metadata, "versions": [{"version": version, "resources": [*resources]}]}


CORE = group(
    "",
    "v1",
    resource("pods", "po"),
    resource("events"),
    resource("nodes", scope="Cluster"),
)
NATS = group("nats.io", "v1alpha2", resource("natsclusters", "nats"))
EVENTS = group("events.k8s.io", "v1", resource("events"))


def status(code: int, reason: str, message: str) -> tuple[int, Any]:
    return code, {"kind": "Status", "reason": reason, "message": message}


def echo(path: str) -> dict[str, Any]:
    """An object whose name is the path; also a list without anything."""
    return {"apiVersion": "v1", "kind": "EchoList", "metadata": {"name": path}, "items": []}


@pytest.fixture
def answers() -> Answers:
    """What the server answers, by path; an echo on any other."""
    return {"/api": (200, {"items": [CORE]}), "/apis": (200, {"items": [NATS, EVENTS]})}


@pytest.fixture
def asked() -> list[str]:
    """The requests, in order."""
    return []


@pytest.fixture
def kubectl(tmp_path: Path, answers: Answers, asked: list[str]) -> Iterator[Kubectl]:
    """In the namespace `here`, with an API server behind a socket."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            code, answer = answers.get(self.path, (200, echo(self.path)))
            self.send_response(code)
            self.end_headers()
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingUnixStreamServer(str(tmp_path / "proxy"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield Kubectl((), ApiServer(tmp_path / "proxy"), "here")
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("pods", "/api/v1/namespaces/here/pods/a"),
        ("pod", "/api/v1/namespaces/here/pods/a"),
        ("Pod", "/api/v1/namespaces/here/pods/a"),
        ("po", "/api/v1/namespaces/here/pods/a"),
        ("node", "/api/v1/nodes/a"),
        ("nats", "/apis/nats.io/v1alpha2/namespaces/here/natsclusters/a"),
        ("natsclusters.nats.io", "/apis/nats.io/v1alpha2/namespaces/here/natsclusters/a"),
        ("events", "/api/v1/namespaces/here/events/a"),
        ("events.events.k8s.io", "/apis/events.k8s.io/v1/namespaces/here/events/a"),
    ],
)
def test_a_kind_has_all_its_names(kubectl: Kubectl, kind: str, path: str) -> None:
    """Of two kinds with one name it is that of the first group."""
    assert kubectl.get(kind, "a")["metadata"]["name"] == path


def test_another_namespace_has_the_same_server(kubectl: Kubectl) -> None:
    found = kubectl.within("there").get("pod", "a")
    assert found["metadata"]["name"] == "/api/v1/namespaces/there/pods/a"


def test_kinds_are_asked_for_once(kubectl: Kubectl, asked: list[str]) -> None:
    for _ in range(2):
        kubectl.get("pod", "a")
    pod = "/api/v1/namespaces/here/pods/a"
    assert asked == ["/api", "/apis", pod, pod]


def test_a_kind_that_comes_later_is_found(kubectl: Kubectl, answers: Answers) -> None:
    assert not kubectl.server.knows("lease")
    with pytest.raises(KubectlFailed, match='have a resource type "lease"'):
        kubectl.get("lease", "a")
    answers["/apis"] = (200, {"items": [group("coordination.k8s.io", "v1", resource("leases"))]})
    path = "/apis/coordination.k8s.io/v1/namespaces/here/leases/a"
    assert kubectl.get("lease", "a")["metadata"]["name"] == path


def test_a_list_has_all_kinds_each_object_with_its_own(kubectl: Kubectl, answers: Answers) -> None:
    """In the API server's list only the list itself has it."""
    for kind, plural in (("Pod", "pods"), ("Event", "events")):
        items = [{"metadata": {"name": f"a-{plural}"}}]
        found = {"apiVersion": "v1", "kind": f"{kind}List", "items": items}
        answers[f"/api/v1/namespaces/here/{plural}"] = (200, found)
    listed = kubectl.list("pods,events")
    assert [(o["apiVersion"], o["kind"], o["metadata"]["name"]) for o in listed] == [
        ("v1", "Pod", "a-pods"),
        ("v1", "Event", "a-events"),
    ]


def test_selectors_arrive_as_they_are_written(kubectl: Kubectl, asked: list[str]) -> None:
    assert kubectl.list("pods", "app=nats,x in (y)", fields="metadata.name=a") == []
    assert parse_qs(urlsplit(asked[-1]).query) == {
        "labelSelector": ["app=nats,x in (y)"],
        "fieldSelector": ["metadata.name=a"],
    }


def test_what_is_raw_stays_so(kubectl: Kubectl, asked: list[str], answers: Answers) -> None:
    path = "/api/v1/namespaces/here/pods/a:8222/proxy/jsz?accounts=1&streams=1"
    answers[path] = (200, "no JSON")
    assert kubectl.raw(path) == "no JSON"
    assert asked == [path]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            status(404, "NotFound", 'pods "a" not found'),
            'kubectl get pod a: Error from server (NotFound): pods "a" not found',
        ),
        (
            (502, "dial tcp: connection refused"),
            "kubectl get pod a: Error from server (HTTP 502): dial tcp: connection refused",
        ),
    ],
    ids=["of the API server", "of the proxy"],
)
def test_a_failure_has_the_words_of_kubectl(
    kubectl: Kubectl, answers: Answers, answer: tuple[int, Any], words: str
) -> None:
    answers["/api/v1/namespaces/here/pods/a"] = answer
    with pytest.raises(KubectlFailed) as raised:
        kubectl.get("pod", "a")
    assert str(raised.value) == words


def proxy(folder: Path, says: str) -> list[str]:
    """The command of a kubectl that notes its flags, says this, and goes on."""
    script = folder / "kubectl.py"
    script.write_text(
        "import json, os, pathlib, sys, time\n"
        "noted = pathlib.Path(__file__).with_name('noted')\n"
        "noted.write_text(json.dumps([os.getpid(), *sys.argv[1:]]))\n"
        f"print({says!r}, flush=True)\n"
        "time.sleep(60)\n"
    )
    return [sys.executable, str(script), "--context", "mine"]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_proxy_ends_with_the_context(tmp_path: Path) -> None:
    """Only this user reaches its socket, and nothing is written through it."""
    with served(proxy(tmp_path, "Starting to serve on x")) as server:
        pid, *flags = json.loads((tmp_path / "noted").read_text())
        assert flags[:3] == ["--context", "mine", "proxy"]
        assert f"--unix-socket={server.listening}" in flags
        assert "--reject-methods=^(POST|PUT|PATCH|DELETE)$" in flags
        assert server.listening.parent.stat().st_mode & 0o077 == 0
        assert alive(pid)
    assert not alive(pid)
    assert not server.listening.parent.exists()


def test_a_proxy_that_does_not_serve_is_ended(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="does not serve: the server is away"),
        served(proxy(tmp_path, "the server is away")),
    ):
        pytest.fail("the context was entered")
    assert not alive(json.loads((tmp_path / "noted").read_text())[0])


def test_a_proxy_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(KubectlFailed, match="get --raw /version: kubectl proxy does not answer"):
        ApiServer(tmp_path / "nowhere").raw("/version")
