"""The API server, read through one `kubectl proxy` for all tests.

A kubectl for each look of a test that waits would take more processor than the servers under test.
The proxy logs in as the kubeconfig says, whatever that takes, and lets nothing be written.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attrs

from natsctl.kube.errors import error_of
from testbed.progress import dying_with_us

Json = dict[str, Any]
TIMEOUT = 180.0
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
"""What asks for all groups at once. https://kubernetes.io/docs/concepts/overview/kubernetes-api/"""
SERVING = "Starting to serve on "
WRITES = "^(POST|PUT|PATCH|DELETE)$"


class KubectlFailed(AssertionError):
    """kubectl's exit status was not 0, or would not have been; the message is what it said."""


@attrs.frozen
class Resource:
    """Where objects of a kind are."""

    root: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """That of one object, or of all in the namespace."""
        within = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.root}{within}/{self.plural}" + (f"/{name}" if name else "")


@attrs.frozen
class ApiServer:
    """Answers as kubectl does: kinds have all their names, and failures are in its words."""

    listening: Path
    _resources: dict[str, Resource] = attrs.field(factory=dict, init=False)

    def object(self, namespace: str, kind: str, name: str) -> Json:
        """One object, whole."""
        with _told(f"get {kind} {name}"):
            return self._json(self._resource(kind).path(namespace, name))

    def objects(self, namespace: str, kinds: str, **selectors: str) -> list[Json]:
        """All objects of kinds such as `pods,services`; `selectors` as the API names them."""
        with _told(f"get {kinds} {' '.join(selectors.values())}".strip()):
            paths = [self._resource(kind).path(namespace) for kind in kinds.split(",")]
            return [item for path in paths for item in self._items(path, selectors)]

    def _items(self, path: str, selectors: Mapping[str, str]) -> list[Json]:
        """With their kind, which only the list has."""
        found = self._json(f"{path}?{urlencode(selectors)}" if selectors else path)
        kind = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
        return [kind | item for item in found["items"]]

    def raw(self, path: str) -> str:
        """What is at a path."""
        with _told(f"get --raw {path}"):
            return self._get(path).decode()

    def knows(self, kind: str) -> bool:
        """Whether there is such a kind: by its plural, singular or short name, perhaps `.group`.

        Asked until there is: kinds come, but do not move.
        """
        if kind.lower() not in self._resources:
            self._resources.update(self._discovered())
        return kind.lower() in self._resources

    def _resource(self, kind: str) -> Resource:
        if not self.knows(kind):
            raise KubectlFailed(f'the server doesn\'t have a resource type "{kind}"')
        return self._resources[kind.lower()]

    def _discovered(self) -> dict[str, Resource]:
        """All of them; of two with one name that of the first group, as the server prefers it."""
        found: dict[str, Resource] = {}
        for path in ("/api", "/apis"):
            for group in self._json(path, DISCOVERY)["items"]:
                for name, resource in _resources(group):
                    found.setdefault(name, resource)
        return found

    def _json(self, path: str, accept: str = "application/json") -> Json:
        found: Json = json.loads(self._get(path, accept))
        return found

    def _get(self, path: str, accept: str = "application/json, */*") -> bytes:
        try:
            with closing(_Connection(self.listening)) as connection:
                connection.request("GET", path, headers={"Accept": accept})
                reply = connection.getresponse()
                body = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise KubectlFailed(f"kubectl proxy does not answer: {error!r}") from error
        if reply.status >= 400:
            raise KubectlFailed(_words(reply.status, body))
        return body


def _resources(group: Json) -> Iterator[tuple[str, Resource]]:
    """Those of a group by each of their names."""
    of = group["metadata"].get("name", "")
    for version in group["versions"]:
        root = f"/apis/{of}/{version['version']}" if of else f"/api/{version['version']}"
        for found in version.get("resources") or []:
            plural = found["resource"]
            resource = Resource(root, plural, found["scope"] == "Namespaced")
            for name in (plural, found.get("singularResource"), *found.get("shortNames", [])):
                if name:
                    yield name, resource
                    yield f"{name}.{of}", resource


def _words(status: int, body: bytes) -> str:
    """What kubectl makes of an answer."""
    error = error_of(status, body)
    return f"Error from server ({error.reason or f'HTTP {status}'}): {error}"


@contextmanager
def _told(command: str) -> Iterator[None]:
    """Say of a failure what was asked."""
    try:
        yield
    except KubectlFailed as error:
        raise KubectlFailed(f"kubectl {command}: {error}") from error


class _Connection(http.client.HTTPConnection):
    """Over a socket in the file system."""

    def __init__(self, listening: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._listening = listening

    def connect(self) -> None:
        """Dial the proxy."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._listening))


@contextmanager
def served(command: Sequence[str]) -> Iterator[ApiServer]:
    """The API server that this kubectl (with its options) reaches, while the context lasts.

    The proxy's socket is in a folder that only this user may enter: whoever reaches it is logged
    in. It ends with the context, and with this process, however that ends.
    """
    with tempfile.TemporaryDirectory(prefix="natsctl-") as folder:
        listening = Path(folder) / "proxy"
        flags = [f"--unix-socket={listening}", f"--reject-methods={WRITES}"]
        argv: Sequence[str | Path] = [*command, "proxy", *flags]
        if shutil.which("setpriv"):
            argv = dying_with_us(argv)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                said = process.stdout.readline()
                assert said.startswith(SERVING), f"kubectl proxy does not serve: {said}"
                yield ApiServer(listening)
            finally:
                process.terminate()
