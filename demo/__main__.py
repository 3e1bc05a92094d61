"""Run the demo: python -m demo up, python -m demo down.

NATSCTL_CONTEXT=NAME   use this context of your kubeconfig instead of the testbed
NATSCTL_NATS_IMAGE=REF use this image, without a tag, instead of `nats`
NATSCTL_IMAGE=REF      of natsctl, REGISTRY/NAME:TAG: with it, that context gets a Helm release
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from demo import report
from demo.operator import ROOT, said
from demo.place import Place, place_of
from demo.story import OF_CLIENTS, STEPS, play
from demo.teller import DemoFailed, Teller

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 20


def main() -> int:
    """Run one command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--testbed", default="natsctl", metavar="NAME", help="which testbed")
    parser.add_argument("command", choices=("up", "down", "inside"), help="inside: used by up")
    arguments = parser.parse_args()
    context, image = (os.environ.get(f"NATSCTL_{name}", "") for name in ("CONTEXT", "IMAGE"))
    place = place_of(context, arguments.testbed, image)
    if arguments.command == "down":
        return _down(place)
    if place.testbed and arguments.command == "up":
        return _enter(arguments.testbed)
    return _play(place)


def _testbed(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "testbed", *arguments]


def _enter(name: str) -> int:
    """Start the testbed, then the same program inside of it."""
    print("natsctl demo: a real Kubernetes, natsctl, and NATS clusters that change under load")
    print(f"\nStart Kubernetes on this machine (testbed {name!r}; the first time builds it)")
    if status := _run(_testbed("up", "--name", name)):
        print(f"DEMO FAILED: the testbed did not start (exit status {status})")
        return 1
    print("\nBuild the image of natsctl, and load it into the node (the first time is slow)")
    if status := _run(_testbed("load", "--name", name, "natsctl")):
        print(f"DEMO FAILED: the image was not built (exit status {status})")
        return 1
    inside = [sys.executable, "-m", "demo", "--testbed", name, "inside"]
    return _run(_testbed("exec", "--name", name, "--", *inside))


def _run(argv: Sequence[str]) -> int:
    sys.stdout.flush()
    return subprocess.run(argv, cwd=ROOT, check=False).returncode


def _play(place: Place) -> int:
    teller = Teller.of(STEPS if place.clients else STEPS - OF_CLIENTS)
    try:
        asyncio.run(play(place, teller))
    except KeyboardInterrupt:
        return 130
    except (DemoFailed, BaseExceptionGroup) as error:
        _tell_failure(place, "; ".join(map(str, _leaves(error))))
        return 1
    how = report.USE if place.testbed else report.USE_OWN
    options = " ".join(place.kubectl.options)
    where = place.kubectl.namespace
    print(how.format(logs=place.operator.logs, namespace=where, options=options))
    print("DEMO OK")
    return 0


def _leaves(error: BaseException) -> list[BaseException]:
    """What went wrong, without groups; anything but a failed step is a bug and goes on."""
    if isinstance(error, BaseExceptionGroup):
        failures, bugs = error.split(DemoFailed)
        if bugs is not None:
            raise bugs
        return [leaf for one in failures.exceptions for leaf in _leaves(one)] if failures else []
    return [error]


def _tell_failure(place: Place, what: str) -> None:
    if lines := said(place.operator, place.kubectl.options, LINES):
        print(f"\nlast lines of the operator's log ({place.operator.logs}):")
        print("\n".join(f"    {line}" for line in lines.splitlines()))
    print(f"DEMO FAILED: {what}")


def _down(place: Place) -> int:
    if place.testbed:
        return _run(_testbed("down", "--name", place.testbed.name))
    argv = ("delete", "namespace", place.kubectl.namespace, "--ignore-not-found")
    print(asyncio.run(place.kubectl.run(*argv)).strip())
    place.operator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
