"""The Go operator itself, built from its last release, as a process in a testbed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import attrs

from testbed import build
from tests.e2e.kubectl import Kubectl


def program() -> Path:
    """Its path."""
    return build.program("nats-operator")


@attrs.define
class GoOperator:
    """It manages kubectl's namespace while the context lasts."""

    kubectl: Kubectl
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> GoOperator:
        """Start."""
        flags = ("-debug-kube-config-path", os.environ["KUBECONFIG"], "-listen-addr", "127.0.0.1:0")
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [program(), *flags],
                stdout=output,
                stderr=output,
                env=os.environ | {"MY_POD_NAMESPACE": self.kubectl.namespace},
            )
        return self

    def __exit__(self, *_: Any) -> None:
        """Stop: it ends with 1 when it is asked to."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-2000:]
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
