"""What a testbed could leave on the machine, and the commands that start and end one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed import cgroups, node
from testbed.layout import Testbed

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Machine:
    """What is the same before a testbed, during it and after it.

    Other testbeds may come and go at the same time: nothing of theirs shows in here either.
    """

    mounts: list[str]
    named_namespaces: str
    links: str
    firewall: str
    settings: dict[str, str]


def look() -> Machine:
    return Machine(
        mounts=Path("/proc/self/mounts").read_text().splitlines(),
        named_namespaces=_output("ip", "netns"),
        links=_output("ip", "-brief", "link"),
        firewall="\n".join(
            line for line in _output("iptables-save").splitlines() if not line.startswith("#")
        ),
        settings={name: Path(name).read_text() for name in node.KERNEL_SETTINGS},
    )


@dataclass(frozen=True)
class Remains:
    """What belongs to one testbed by its name."""

    processes: set[int] = field(default_factory=set)
    cgroups: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def remains(testbed: Testbed) -> Remains:
    return Remains(
        processes=_in_cgroup(testbed.cgroup) | _mentioning(str(testbed.run)),
        cgroups={str(h / testbed.cgroup) for h in cgroups.hierarchies()} & _existing_cgroups(),
        files={str(path) for path in testbed.run.glob("*")},
    )


def _existing_cgroups() -> set[str]:
    return {str(path) for h in cgroups.hierarchies() for path in h.glob("natsctl-testbed/*")}


def _in_cgroup(group: str) -> set[int]:
    return {pid for pid in living() if f"/{group}/" in _read(pid, "cgroup")}


def _mentioning(text: str) -> set[int]:
    return {pid for pid in living() if f"{text}/" in _read(pid, "cmdline")}


def living() -> set[int]:
    """Process ids, without those that ended and wait for their parent to notice."""
    pids = {int(path.name) for path in Path("/proc").glob("[0-9]*")}
    return {pid for pid in pids if _state(pid) not in ("", "Z")}


def _state(pid: int) -> str:
    return _read(pid, "stat").rpartition(")")[2].strip()[:1]


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def network_namespaces() -> set[str]:
    """The network namespaces any process is in."""
    return {_namespace(pid) for pid in living()} - {""}


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def namespaces_of(testbed: Testbed) -> set[str]:
    return {_namespace(pid) for pid in _in_cgroup(testbed.cgroup)}


def running(program: str, testbed: Testbed) -> set[int]:
    """Processes of this program in the testbed's namespaces."""
    inside = namespaces_of(testbed)
    found = {pid for pid in living() if _read(pid, "comm").strip() == program}
    return {pid for pid in found if _namespace(pid) in inside}


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def command(verb: str, testbed: Testbed, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "testbed", verb, "--name", testbed.name, *arguments]


def run(verb: str, testbed: Testbed, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a testbed command; the answer has its exit status and output."""
    argv = command(verb, testbed, *arguments)
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)


def done(verb: str, testbed: Testbed, *arguments: str) -> str:
    """The output of a testbed command that must succeed."""
    answer = run(verb, testbed, *arguments)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def kubectl(testbed: Testbed, *arguments: str) -> str:
    return done("exec", testbed, "--", "kubectl", *arguments)


def apply(testbed: Testbed, *objects: dict[str, Any]) -> None:
    items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    argv = [*command("exec", testbed), "--", "kubectl", "apply", "-f", "-"]
    answer = subprocess.run(
        argv, input=json.dumps(items), capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert answer.returncode == 0, answer.stderr
