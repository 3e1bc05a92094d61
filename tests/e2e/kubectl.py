"""kubectl, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from tests.e2e.api_server import ApiServer, Json, KubectlFailed
from tests.patience import patient

__all__ = ["Json", "Kubectl", "KubectlFailed", "stays", "until", "until_same"]
T = TypeVar("T")


@attrs.frozen
class Kubectl:
    """kubectl for one cluster (`options` say which) and one namespace.

    What tests read again and again is asked of the `server`, without a process for each time.
    """

    options: tuple[str, ...]
    server: ApiServer
    namespace: str = "default"

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run it; what it printed."""
        done = subprocess.run(
            self.command(*arguments), input=stdin or "", capture_output=True, text=True, timeout=180
        )
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, kind: str, name: str) -> Json:
        """`kubectl get KIND NAME -o json`."""
        return self.server.object(self.namespace, kind, name)

    def raw(self, path: str) -> str:
        """`kubectl get --raw PATH`."""
        return self.server.raw(path)

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return ["kubectl", *self.options, "--namespace", self.namespace, *arguments]

    def within(self, namespace: str) -> Kubectl:
        """The same in another namespace."""
        return attrs.evolve(self, namespace=namespace)

    def apply(self, *manifests: Mapping[str, Any]) -> str:
        """`kubectl apply -f -`.

        It reads no schemas to make a patch, a quarter of its processor time: it has those of
        Kubernetes's own kinds, and for other kinds they say nothing about patches.
        """
        document = {"apiVersion": "v1", "kind": "List", "items": manifests}
        return self("apply", "--openapi-patch=false", "-f", "-", stdin=json.dumps(document))

    def patch(self, subject: str, patch: Mapping[str, Any], *flags: str) -> str:
        """Merge patch of an object such as `pod/x`."""
        return self("patch", subject, "--type", "merge", "--patch", json.dumps(patch), *flags)

    def refused(self, *arguments: str, stdin: str | None = None) -> str:
        """Run what has to fail; what it said."""
        try:
            printed = self(*arguments, stdin=stdin)
        except KubectlFailed as error:
            return str(error)
        raise AssertionError(f"kubectl {' '.join(arguments)} was not refused: {printed}")

    def list(self, kinds: str, labels: str = "", fields: str = "") -> list[Json]:
        """The items of `kubectl get KINDS --selector LABELS --field-selector FIELDS -o json`."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        given = {name: value for name, value in selectors.items() if value}
        return self.server.objects(self.namespace, kinds, **given)


def until(what: str, check: Callable[[], T], seconds: float = 60.0, pause: float = 0.25) -> T:
    """Look until `check` returns something true, and return that."""
    deadline = time.monotonic() + (limit := patient(seconds))
    while not (found := check()):
        assert time.monotonic() < deadline, f"{what}: not within {limit:.0f} s (now: {found!r})"
        time.sleep(pause)
    return found


def until_same(what: str, ask: Callable[[], T], wanted: T, seconds: float = 60.0) -> None:
    """Ask until the answer is the wanted one; the message of a failure has the last answer."""
    deadline = time.monotonic() + (limit := patient(seconds))
    while (found := ask()) != wanted:
        assert time.monotonic() < deadline, f"{what}: not within {limit:.0f} s (now: {found!r})"
        time.sleep(0.25)


def stays(what: str, check: Callable[[], Any], seconds: float) -> None:
    """Look again and again for some seconds: `check` stays true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert check(), f"{what}: not any more"
        time.sleep(0.5)
