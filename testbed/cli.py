"""The command line: python3 -m testbed ..."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from testbed import (
    build,
    cgroups,
    images,
    lifecycle,
    namespaces,
    network,
    node,
    own_image,
    processes,
    progress,
    stock,
)
from testbed import options as options_
from testbed.layout import Testbed, TestbedError, cache
from testbed.options import Options


def main() -> int:
    """Run one command; returns its exit status."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    arguments = _parser().parse_args()
    cache().mkdir(parents=True, exist_ok=True)
    try:
        return int(arguments.run(arguments) or 0)
    except TestbedError as error:
        progress.say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m testbed", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: object, help: str, *, named: bool = True
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        if named:
            sub.add_argument("--name", default="natsctl", type=str, help="which testbed")
        return sub

    building = command("build", _build, "build programs into the cache", named=False)
    building.add_argument("components", nargs="*", help="such as etcd; all if none is named")
    preparing = command("prepare", _prepare, "make all that tests need", named=False)
    preparing.add_argument("tiers", nargs="*", help=f"{', '.join(stock.STOCK)}; all if none")
    path = command("path", _path, "print the path of a program, built if missing", named=False)
    path.add_argument("program", help="such as kubectl or nats-server-2.12.15")
    up = command("up", _up, "start a testbed, or leave it alone if it runs")
    up.add_argument("--nodes", type=int, default=1, help="real nodes (default 1)")
    up.add_argument("--control-plane-only", action="store_true", help="etcd and API server only")
    up.add_argument("--kwok", action="store_true", help="add a fake node; starts the controllers")
    command("down", _down, "end a testbed; nothing of it remains")
    command("status", _status, "say what runs")
    command("env", _env, "print the variables that exec sets")
    execute = command("exec", _exec, "run a command inside the testbed's network")
    execute.add_argument("--node", type=int, help="on node I instead of the control plane")
    execute.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND ...")
    load = command("load", _load, "give images to all nodes")
    load.add_argument(
        "images", nargs="+", help="docker-archive files; natsctl, reloader: this checkout's"
    )
    load.add_argument("--as", action="append", dest="names", help="a name the image gets too")
    nodes = command("node", _node, "cut a node off, kill it as a power cut does, or heal it")
    nodes.add_argument("verb", choices=("cut", "kill", "heal"))
    nodes.add_argument("index", type=int, help="counts from 1")
    return parser


def _build(arguments: argparse.Namespace) -> None:
    build.everything(arguments.components)


def _prepare(arguments: argparse.Namespace) -> None:
    stock.prepare(arguments.tiers)


def _path(arguments: argparse.Namespace) -> None:
    print(build.program(arguments.program))


def _up(arguments: argparse.Namespace) -> None:
    if not 1 <= arguments.nodes <= 9:
        raise TestbedError("--nodes takes 1 to 9")
    only = arguments.control_plane_only
    options = Options(0 if only else arguments.nodes, only, arguments.kwok)
    lifecycle.up(Testbed(arguments.name), options)


def _down(arguments: argparse.Namespace) -> None:
    lifecycle.down(Testbed(arguments.name))


def _status(arguments: argparse.Namespace) -> int:
    testbed = Testbed(arguments.name)
    running = options_.read(testbed.ready)
    if running is None:
        leftover = testbed.run.exists() or cgroups.exists(testbed.cgroup)
        print(f"{testbed.name}: {'half started, or starting' if leftover else 'down'}")
        return 1
    healthy = lifecycle.healthy(testbed)
    print(f"{testbed.name}: {'up' if healthy else 'broken'}, {running}")
    for label in processes.labels(testbed):
        process = processes.recorded(testbed, label)
        state = "no record" if process is None else "runs" if process.alive() else "dead"
        print(f"  {label:28} {process.pid if process else '-':>8} {state}")
    return 0 if healthy else 1


def _env(arguments: argparse.Namespace) -> None:
    for name, value in _variables(Testbed(arguments.name)).items():
        print(f"export {name}='{value}'")


def _variables(testbed: Testbed) -> dict[str, str]:
    path = f"{testbed.programs}:{os.environ.get('PATH', os.defpath)}"
    return {"KUBECONFIG": str(testbed.kubeconfig), "PATH": path, "NATSCTL_TESTBED": testbed.name}


def _exec(arguments: argparse.Namespace) -> None:
    testbed = Testbed(arguments.name)
    command = arguments.command[arguments.command[:1] == ["--"] :]
    if not command:
        raise TestbedError("exec needs a command: python3 -m testbed exec -- kubectl get nodes")
    entry = namespaces.entry(testbed, lifecycle.namespace_of(testbed, arguments.node))
    argv = [*entry, "env", f"--chdir={Path.cwd()}", *command]
    sys.stdout.flush()
    os.execvpe(argv[0], argv, os.environ | _variables(testbed))


def _load(arguments: argparse.Namespace) -> None:
    if arguments.names and len(arguments.images) > 1:
        raise TestbedError("--as names one image: load the others by themselves")
    testbed = Testbed(arguments.name)
    running = options_.read(testbed.ready)
    machines = lifecycle.nodes(testbed, running) if running else []
    if not machines:
        raise TestbedError(f"{testbed.name} has no nodes that could be given an image")
    archives = [_archive(image) for image in arguments.images]
    names = [images.complete(name) for name in arguments.names or ()]
    for machine in machines:
        node.load(machine, archives)
        node.tag(machine, images.references(archives[0])[0], names)


def _archive(image: str) -> Path:
    if image in own_image.NAMES:
        return own_image.archive(image)
    path = Path(image).absolute()
    if not path.is_file():
        raise TestbedError(f"there is no file {path}: name a docker-archive, natsctl or reloader")
    return path


def _node(arguments: argparse.Namespace) -> None:
    machine = lifecycle.node_of(Testbed(arguments.name), arguments.index)
    if arguments.verb == "cut":
        network.cut(machine)
    elif arguments.verb == "kill":
        node.kill(machine)
    else:
        lifecycle.heal(machine)
