"""A Python runtime for an image: the one that runs the testbed, and packages installed by it.

Everything is taken from this machine: the interpreter, its standard library, and the shared
libraries that these and the packages are linked with. So the interpreter finds the same C library
in the image as here, and wheels fit both.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import platform
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import locks, progress
from testbed.layout import TestbedError, cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFIX = "/usr/local"
INTERPRETER = f"{PREFIX}/bin/python3"
STANDARD_LIBRARY = f"{PREFIX}/{sys.platlibdir}/python{sys.version_info[0]}.{sys.version_info[1]}"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
LEFT_OUT = ("__pycache__", "site-packages", "dist-packages", "config-*", "*.a", "*.pyc")
UNUSED = ("test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "distutils")
UNUSED_MODULES = ("_tkinter*", "_test*", "*_test.*", "xx*", "nis.*")
# Loaded when needed, so that no program names them.
LOADED_LATER = ("libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2")
RECIPE = "1"


def interpreter() -> Path:
    """The program itself, outside of any virtual environment."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def key() -> str:
    """A name that changes with the interpreter and the C library."""
    status = interpreter().stat()
    made_of = [RECIPE, sys.version, platform.libc_ver(), status.st_size, status.st_mtime_ns]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]


def standard_library() -> Path:
    """A copy of it, compiled, without what no service needs; made once."""
    folder = cache() / f"python-{key()}"
    with locks.held("python"):
        if not folder.exists():
            partial = cache() / "python.partial"
            shutil.rmtree(partial, ignore_errors=True)
            progress.say(f"copying the standard library of {interpreter()}")
            left_out = shutil.ignore_patterns(*LEFT_OUT, *UNUSED, *UNUSED_MODULES)
            shutil.copytree(
                sysconfig.get_path("stdlib"),
                partial,
                ignore=left_out,
                ignore_dangling_symlinks=True,
            )
            compile_for(partial, STANDARD_LIBRARY)
            partial.rename(folder)
    return folder


def packages(requirements: Path, place: str) -> Path:
    """A folder with the pinned requirements, compiled for `place` in the image; made once."""
    digest = hashlib.sha256(requirements.read_bytes() + f"{key()} {place}".encode()).hexdigest()
    folder = cache() / f"packages-{digest[:16]}"
    with locks.held("packages-of-python"):
        if not folder.exists():
            partial = cache() / "packages.partial"
            shutil.rmtree(partial, ignore_errors=True)
            _install(requirements, partial)
            compile_for(partial, place)
            partial.rename(folder)
    return folder


def _install(requirements: Path, target: Path) -> None:
    options = ["--require-hashes", "--no-compile", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", str(target)]
    log = cache() / "packages-of-python.log"
    try:
        progress.run("natsctl's requirements", [*pip, "-r", str(requirements)], log)
    except TestbedError as error:
        raise TestbedError(
            f"{sys.executable} cannot install {requirements.name}; without pip, use the Python of "
            f"`make venv`\n{error}"
        ) from None


def compile_for(folder: Path, place: str) -> None:
    """Compile all modules; they name `place` in tracebacks, and times of files do not matter."""
    done = compileall.compile_dir(
        folder,
        quiet=2,
        stripdir=str(folder),
        prependdir=place,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        workers=0,
    )
    if not done:
        progress.say(f"some files of {folder.name} cannot be compiled")


def runtime(packages_folder: Path) -> dict[str, Path | bytes]:
    """Path in the image -> file here, of all that runs the interpreter with these packages."""
    library = standard_library()
    extensions = [*library.rglob("*.so"), *packages_folder.rglob("*.so*")]
    found: dict[str, Path | bytes] = {
        INTERPRETER: interpreter(),
        **under(library, STANDARD_LIBRARY),
    }
    found |= libraries([interpreter(), *extensions], within=packages_folder)
    if AUTHORITIES.exists():
        found[str(AUTHORITIES)] = AUTHORITIES
    return found


def under(folder: Path, place: str) -> dict[str, Path]:
    """Path in the image -> file here, of all files of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{place}/{path.relative_to(folder)}": path for path in files}


def libraries(programs: Iterable[Path], within: Path) -> dict[str, Path]:
    """Path in the image -> shared library here, of all that the programs are linked with.

    The loader looks beside the C library wherever a program came from. Libraries that packages
    bring along, `within` their folder, are found as they are.
    """
    named = {name: path for program in programs for name, path in _linked(program)}
    c_library = next(path for name, path in named.items() if name.startswith("libc."))
    beside = {name: c_library.parent / name for name in LOADED_LATER}
    named |= {name: path for name, path in beside.items() if path.exists()}
    return {
        name if name.startswith("/") else f"{c_library.parent}/{name}": path
        for name, path in named.items()
        if not path.is_relative_to(within)
    }


def _linked(program: Path) -> Iterator[tuple[str, Path]]:
    """Each library's name as programs know it, and where it is; the loader's name is a path."""
    answer = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    for line in answer.stdout.splitlines():
        if match := re.fullmatch(r"\s*(\S+) => (/\S+) \(0x[0-9a-f]+\)", line):
            yield match[1], Path(match[2])
        elif match := re.fullmatch(r"\s*(/\S+) \(0x[0-9a-f]+\)", line):
            yield match[1], Path(match[1])
