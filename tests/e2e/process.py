"""A `natsctl operator` process."""

from __future__ import annotations

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from tests.e2e.kubectl import Kubectl, until
from tests.e2e.program import Program
from tests.patience import patient

LEASE = "nats-operator"
ENDING = 20.0
"""Seconds an operator gets to end in order."""


@attrs.define
class Operator:
    """An operator whose lease is in kubectl's namespace; its log goes on over restarts."""

    program: Program
    kubectl: Kubectl
    log: Path
    port: int
    flags: tuple[str, ...] = ("--feature-gates=ClusterScoped=true",)
    environment: dict[str, str] = attrs.field(factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The program and its flags, as a Deployment names them."""
        return ("nats-operator", *self.flags)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it leads."""
        began = len(self.tail(None))
        with self.log.open("ab") as output:
            self._process = self.beside(stdout=output, stderr=output)
        until("the operator leads", lambda: self._leads(began), 40, 0.1)

    def beside(self, **options: Any) -> subprocess.Popen[bytes]:
        """Start it and do not wait; whoever asks for that ends it. `options` are Popen's."""
        arguments = ["--listen-addr", f"127.0.0.1:{self.port}", *self.program.where, *self.flags]
        if "MY_POD_NAMESPACE" not in self.environment:
            arguments += ["--namespace", self.kubectl.namespace]
        return self.program.start("operator", *arguments, given=self.environment, **options)

    def ensure(self) -> None:
        """Start it if it does not run."""
        if not self.alive:
            self.start()

    def as_process(self) -> Operator:
        """Itself, running."""
        self.ensure()
        return self

    def _leads(self, began: int) -> bool:
        assert self.alive, f"the operator ended: {self.tail()}"
        return "leading as" in self.tail(None)[began:]

    def signal(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.ended()

    def ended(self, seconds: float = ENDING) -> int:
        """Wait for the end; the exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def pause(self, seconds: float) -> None:
        """Let it sleep, as a frozen machine does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it if a test failed to."""
        if self.alive:
            self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: it ends with status 0 and leaves the lease to whoever comes next."""
        assert self.signal(signal.SIGTERM) == 0, self.tail()
        assert self.holder() == ""

    def holder(self) -> str:
        """Who holds the lease; empty if it is free."""
        return str(self.kubectl.get("lease", LEASE)["spec"].get("holderIdentity") or "")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Without this operator for a while."""
        self.stop()
        yield
        self.start()

    def http(self, path: str) -> tuple[int, str]:
        """Status and body of a GET."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=patient(5)
            ) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self) -> str:
        """What Prometheus would see."""
        return self.http("/metrics")[1]

    def tail(self, lines: int | None = 40) -> str:
        """The end of its log; all of it without a number."""
        text = self.log.read_text() if self.log.exists() else ""
        return text if lines is None else "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> Any:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, if it still runs."""
        try:
            if self.alive:
                self.stop()
        finally:
            self.kill()
