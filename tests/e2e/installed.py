"""The operator as users have it: two replicas of the image, installed by Helm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from tests.e2e.kubectl import Kubectl, until
from tests.e2e.process import Operator
from tests.e2e.release import Release
from tests.patience import patient

REPLICAS = 2


@attrs.define
class Installed:
    """A release that manages the clusters of all namespaces; `name` is that of its Deployment.

    `spare` has the same lease: a process to be in its place, for tests that do things to one.
    """

    release: Release
    name: str
    spare: Operator
    _up: bool = False

    @property
    def alive(self) -> bool:
        """Whether the release, or the process in its place, runs."""
        return self._up or self.spare.alive

    @property
    def kubectl(self) -> Kubectl:
        """For the namespace of the release."""
        return self.release.kubectl

    @property
    def arguments(self) -> tuple[str, ...]:
        """The program and its flags."""
        containers = self.release.pods()[0]["spec"]["containers"]
        return tuple(containers[0]["args"])

    def start(self) -> None:
        """Have all replicas ready, and one of them lead."""
        if self.spare.alive:
            self.spare.stop()
        self._scale(REPLICAS)
        self.kubectl(
            "rollout", "status", f"deployment/{self.name}", f"--timeout={patient(60):.0f}s"
        )
        until("a replica leads", lambda: self.release.leader() in self.release.names(), 40, 0.1)
        self._up = True

    def ensure(self) -> None:
        """Start it if it does not run, or a process does in its place."""
        if not self._up:
            self.start()

    def as_process(self) -> Operator:
        """A process in its place, until it is started again."""
        if self._up:
            self.stop()
        self.spare.ensure()
        return self.spare

    def stop(self) -> None:
        """Have neither a replica nor the process; the lease is free then."""
        if self.spare.alive:
            self.spare.stop()
            return
        self._scale(0)
        until("the replicas end", lambda: not self.release.all_pods())
        assert self.release.leader() == ""
        self._up = False

    def _scale(self, replicas: int) -> None:
        self.kubectl("scale", f"deployment/{self.name}", f"--replicas={replicas}")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Without this operator for a while."""
        self.stop()
        yield
        self.start()

    def metrics(self) -> str:
        """Those of the replica that leads."""
        return self.release.get("metrics")[self.release.leader()]

    def tail(self, lines: int | None = 40) -> str:
        """The end of what the replicas said; all of it without a number."""
        text = self.release.logs()
        return text if lines is None else "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> Installed:
        """Install it; the CRDs are there."""
        values = ["clusterScoped=true", "crds.install=never", f"fullnameOverride={self.name}"]
        values += ["featureGates.jetStream=true"]
        self.release.install(*values, f"replicaCount={REPLICAS}")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Uninstall it, and end the process in its place."""
        self.spare.kill()
        self.release.uninstall()
