"""The image of natsctl itself: a Python runtime, its requirements, and this checkout on top."""

from __future__ import annotations

import hashlib
import json
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import images, locks, python
from testbed.images import Image
from testbed.layout import cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

REFERENCE = "natsctl.testbed/natsctl:dev"
CHECKOUT = Path(__file__).parents[1]
PLACE = "/opt/natsctl"
USER = "1000"
RECIPE = "1"
KEPT = 3
"""Archives of earlier states of the source that stay in the cache."""
SYSTEM: dict[str, Path | bytes] = {
    "/etc/passwd": f"root:x:0:0::/:/\nnatsctl:x:{USER}:{USER}::/:/\n".encode(),
    "/etc/group": f"root:x:0:\nnatsctl:x:{USER}:\n".encode(),
    "/etc/nsswitch.conf": b"hosts: files dns\n",
    "/tmp/": b"",
}
CONFIG = {
    "User": USER,
    "Cmd": ["nats-operator"],
    "Env": [
        f"PATH={python.PREFIX}/bin",
        f"PYTHONPATH={PLACE}",
        f"SSL_CERT_FILE={python.AUTHORITIES}",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONUNBUFFERED=1",
        "LANG=C.UTF-8",
        "HOME=/",
    ],
}


def archive() -> Path:
    """The archive of the image of this checkout as it is now; builds what is missing."""
    packages = python.packages(CHECKOUT / "requirements" / "runtime.txt", PLACE)
    layers = (
        _layer(f"{RECIPE}-{packages.name}-python", lambda: python.runtime(packages) | SYSTEM),
        _layer(f"{RECIPE}-{packages.name}", lambda: python.under(packages, PLACE)),
    )
    source = _source()
    key = f"natsctl-{_key(source, layers)}"
    if not images.path_of(key).exists():
        images.archive(Image(REFERENCE, _compiled(source), CONFIG, layers), key)
    return _newest(images.path_of(key))


def _source() -> dict[str, bytes]:
    """Path in the image -> content, of the package and of a program for each console script."""
    package = CHECKOUT / "natsctl"
    scripts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
    return {
        **{
            f"{PLACE}/natsctl/{path.relative_to(package)}": path.read_bytes()
            for path in sorted(package.rglob("*"))
            if path.is_file() and path.suffix != ".pyc"
        },
        **{f"{python.PREFIX}/bin/{name}": _program(entry) for name, entry in scripts.items()},
    }


def _program(entry: str) -> bytes:
    """What pip would make of `module:function`."""
    module, _, function = entry.partition(":")
    lines = f"import sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"
    return f"#!{python.INTERPRETER}\n{lines}".encode()


def _key(source: Mapping[str, bytes], layers: Iterable[Path]) -> str:
    made_of = [RECIPE, CONFIG, [layer.name for layer in layers]]
    key = hashlib.sha256(json.dumps(made_of).encode())
    for name, content in source.items():
        key.update(f"{name}\0{len(content)}\0".encode() + content)
    return key.hexdigest()[:16]


def _compiled(source: Mapping[str, bytes]) -> dict[str, Path | bytes]:
    """The source, and beside each module what the interpreter makes of it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, content in source.items():
            path = folder / name.strip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        python.compile_for(folder / PLACE.strip("/"), PLACE)
        made = python.under(folder, "")
        return {name: path.read_bytes() for name, path in sorted(made.items())}


def _layer(name: str, files: Callable[[], Mapping[str, Path | bytes]]) -> Path:
    target = cache() / f"layer-{name}.tar"
    with locks.held("layers"):
        if not target.exists():
            partial = target.with_suffix(".partial")
            images.write_layer(files(), partial)
            partial.rename(target)
    return target


def _newest(archive: Path) -> Path:
    """Forget the archives of states of the source that were used longest ago."""
    archive.touch()
    ages = {path: path.stat().st_mtime for path in cache().glob(images.path_of("natsctl-*").name)}
    for path in sorted(ages, key=lambda path: ages[path])[:-KEPT]:
        path.unlink(missing_ok=True)
    return archive
