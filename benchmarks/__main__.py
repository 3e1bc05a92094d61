"""Measure natsctl: python -m benchmarks [fleet] [kubelet] [growth] [jetstream]

fleet     on fake nodes: the floor, 100 clusters, a calm minute, memory up to 1000 clusters
kubelet   on a real node: until three servers are ready, until a pod is replaced
growth    on fake nodes: a restart, memory and a change with 100, 1000 and 5000 clusters (long)
jetstream on fake nodes: what 1000 clusters with JetStream cost while nothing happens (long)
"""

from __future__ import annotations

import argparse
import compileall
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import notebook, report

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
BUSY = 1.0
"""Load of the machine from which on times say little."""
FAKE_NODES = ("--control-plane-only", "--kwok")
TESTBEDS: dict[str, Sequence[str]] = {
    "fleet": FAKE_NODES,
    "kubelet": (),
    "growth": FAKE_NODES,
    "jetstream": FAKE_NODES,
}
USUAL = ("fleet", "kubelet")


def main() -> int:
    """Run the parts that are named (the short ones by default), each in a testbed of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts", nargs="*", metavar="|".join(TESTBEDS), help="default: fleet kubelet"
    )
    parser.add_argument("--clusters", type=int, default=100, help="first fleet (default 100)")
    parser.add_argument("--many", type=int, default=1000, help="last fleet (default 1000)")
    parser.add_argument("--foreign", type=int, default=10_000, help="of each kind (default 10000)")
    parser.add_argument("--rounds", type=int, default=3, help="of floor and fleet (default 3)")
    parser.add_argument(
        "--grow",
        type=int,
        nargs="+",
        default=[100, 1000, 5000],
        metavar="CLUSTERS",
        help="fleets of growth (default 100 1000 5000)",
    )
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(TESTBEDS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    if arguments.many <= arguments.clusters:
        parser.error(f"--many {arguments.many}: more than --clusters {arguments.clusters}, please")
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"this machine is busy (load {load:.1f}): times and ratios will be rough", flush=True)
    figures: dict[str, Any] = {"load_before": load}
    names = ("clusters", "many", "foreign", "rounds")
    numbers = {
        "fleet": [getattr(arguments, name) for name in names],
        "growth": sorted(arguments.grow),
        "jetstream": [arguments.many],
    }
    failed = []
    for part in arguments.parts or USUAL:
        result = BUILD / "bench" / part / "figures.json"
        if not _measure(part, result, list(map(str, numbers.get(part, [])))):
            failed.append(part)
        figures |= notebook.read(result)
    report.write(figures, BUILD / "bench.json")
    print("\n".join([*report.lines(figures), report.last_line(figures)]))
    for part in failed:
        print(f"{part} ended early: figures that are missing were not measured", file=sys.stderr)
    return 1 if failed else 0


def _measure(part: str, result: Path, numbers: list[str]) -> bool:
    """Measure one part; False if it ended early, with what it noted until then in the file."""
    result.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    compileall.compile_dir(ROOT / "natsctl", quiet=1)  # as the image has it
    name = f"bench-{part}"
    inside = [sys.executable, "-m", "benchmarks.inside", part, str(result), *numbers]
    _testbed("down", "--name", name)
    try:
        up = _testbed("up", "--name", name, *TESTBEDS[part])
        return up and _testbed("exec", "--name", name, "--", *inside)
    finally:
        _testbed("down", "--name", name)


def _testbed(*arguments: str) -> bool:
    argv = [sys.executable, "-m", "testbed", *arguments]
    return subprocess.run(argv, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
