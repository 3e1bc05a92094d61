"""Build programs into the cache, each once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from testbed import components, locks, progress, toolchain
from testbed.layout import TestbedError, cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from testbed.components import Component


def build(component: Component) -> Path:
    """The folder with the component's programs; builds them if they are not there."""
    folder = cache() / components.key(component)
    if not folder.exists():
        waiting = f"waiting for another build of {component.name}"
        with locks.held(component.name, lambda: progress.say(waiting)):
            if not folder.exists():
                _build(component, folder)
    return folder


def _build(component: Component, folder: Path) -> None:
    partial = cache() / f"{component.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    source = components.MODULES / component.module if component.module else None
    environment = toolchain.environment() | {"GOBIN": str(partial)}
    what = f"building {component.name}"
    if component.version not in component.name:
        what += f" {component.version}"
    log = cache() / f"{component.name}.log"
    progress.run(what, _command(component, partial), log, cwd=source or cache(), env=environment)
    missing = [name for name in component.programs if not (partial / name).exists()]
    if missing:
        raise TestbedError(f"{what} made no {' and no '.join(missing)}")
    partial.rename(folder)


def _command(component: Component, output: Path) -> Sequence[str]:
    flags = [*components.FLAGS, "-ldflags", component.linker_flags]
    if component.tags:
        flags += ["-tags", ",".join(component.tags)]
    if component.module is None:
        packages = (f"{package}@v{component.version}" for package in component.packages)
        return [toolchain.go(), "install", *flags, *packages]
    several = len(component.programs) > 1
    target = f"{output}/" if several else str(output / component.programs[0])
    return [toolchain.go(), "build", *flags, "-o", target, *component.packages]


def program(name: str) -> Path:
    """The path of a program such as `kubectl`, or of a component such as `nats-server-2.12.15`."""
    component = components.BY_PROGRAM.get(name) or components.BY_NAME.get(name)
    if component is None:
        known = sorted({*components.BY_PROGRAM, *components.BY_NAME})
        raise TestbedError(f"unknown program {name!r}; there are: {', '.join(known)}")
    wanted = name if name in component.programs else component.programs[0]
    return build(component) / wanted


def everything(names: Iterable[str] = ()) -> None:
    """Build the components (or the components of the programs) named; all if none is named."""
    for name in names or components.BY_NAME:
        program(name)
