"""Processes in pods, seen from the machine that the testbed runs on."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.kubectl import Kubectl


def process(kubectl: Kubectl, pod: str, program: str) -> int:
    """The id of the process that runs a program in a pod."""
    uid = kubectl.get("pod", pod)["metadata"]["uid"]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().split("\0")
            if program in map(_name, command) and uid in (folder / "cgroup").read_text():
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"no process of pod {pod} runs {program}")


def _name(argument: str) -> str:
    return argument.rpartition("/")[2]
