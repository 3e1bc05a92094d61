"""kubectl, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from tests.patience import patient

Json = dict[str, Any]
T = TypeVar("T")


class KubectlFailed(AssertionError):
    """kubectl's exit status was not 0; the message is what it said."""


@attrs.frozen
class Kubectl:
    """kubectl for one cluster (`options` say which) and one namespace."""

    options: tuple[str, ...]
    namespace: str = "default"

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run it; what it printed."""
        done = subprocess.run(
            self.command(*arguments), input=stdin or "", capture_output=True, text=True, timeout=180
        )
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return ["kubectl", *self.options, "--namespace", self.namespace, *arguments]

    def within(self, namespace: str) -> Kubectl:
        """The same in another namespace."""
        return attrs.evolve(self, namespace=namespace)

    def json(self, *arguments: str) -> Json:
        """Run it with `-o json`."""
        found: Json = json.loads(self(*arguments, "-o", "json"))
        return found

    def list(self, *arguments: str) -> list[Json]:
        """The items of `kubectl get`."""
        return list(self.json("get", *arguments)["items"])

    def apply(self, *manifests: Mapping[str, Any]) -> str:
        """`kubectl apply -f -`."""
        document = {"apiVersion": "v1", "kind": "List", "items": manifests}
        return self("apply", "-f", "-", stdin=json.dumps(document))

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
