"""Every version times every procedure: `make matrix`. It takes hours.

The integration tier runs on each API server of the testbed, and the tests of real servers on every
version of nats-server, not only on those where a procedure differs. In the crash tests among them,
the operator dies at every moment, not only at some, and seven of twelve servers leave under load.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import attrs

from testbed import components


@attrs.frozen
class Run:
    """One target of make, with what it is told."""

    what: str
    target: str
    told: dict[str, str]

    def passes(self) -> bool:
        """Run it, and say how that ended."""
        started = time.monotonic()
        print(f"\n== matrix: {self.what}", flush=True)
        done = subprocess.run(["make", self.target], env={**os.environ, **self.told}, check=False)
        verdict = "passed" if done.returncode == 0 else f"FAILED ({done.returncode})"
        print(
            f"== matrix: {self.what}: {verdict} in {time.monotonic() - started:.0f} s", flush=True
        )
        return done.returncode == 0


def runs() -> Iterator[Run]:
    """All of them, the short ones first."""
    for version in (components.KUBERNETES, *components.API_SERVERS):
        told = {"NATSCTL_API_SERVER": version}
        yield Run(f"integration on kube-apiserver {version}", "integration", told)
    everything = f"nats-server {', '.join(components.NATS_SERVERS)}"
    yield Run(everything, "server", {"NATSCTL_MATRIX": "1"})


def main() -> int:
    """Run all to the end, whatever fails on the way."""
    verdicts = {run.what: run.passes() for run in runs()}
    print("\nmatrix:")
    for what, passed in verdicts.items():
        print(f"  {'passed' if passed else 'FAILED'}  {what}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
