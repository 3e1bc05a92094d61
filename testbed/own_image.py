"""The images of this checkout, built from its Dockerfiles by buildah."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import debian, images, locks, progress
from testbed.layout import cache

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[1]
NAMES = {"natsctl": "nats-operator", "reloader": "nats-server-config-reloader"}
"""What `load` calls an image -> its repository's name."""
SOURCES = ("docker", "natsctl", "requirements", "pyproject.toml", "README.md", "LICENSE")
SOURCES_OF_NAMES = ("charts/nats-operator/Chart.yaml",)
TOOLS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
KEPT = 3
"""Archives of earlier states of the source that stay in the cache, of each image."""


def archive(name: str = "natsctl") -> Path:
    """The archive of an image of this checkout as it is now; builds what is missing."""
    target = _path(name, _key())
    with locks.held("own-images", lambda: progress.say("waits for another build of the images")):
        if not target.exists():
            _build()
    return _newest(name, target)


def reference(name: str) -> str:
    """The whole name that an image has on a node."""
    (loaded,) = images.references(archive(name))
    return loaded


def _path(name: str, key: str) -> Path:
    return images.path_of(f"{NAMES[name]}-{key}")


def _build() -> None:
    """Build both images, with the layers that an earlier build left in the cache."""
    debian.install(TOOLS)
    key = _key()
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        places = [folder, "--cache", str(cache() / "buildah")]
        argv = [sys.executable, str(CHECKOUT / "docker" / "build.py"), *places]
        progress.run("natsctl's images", argv, cache() / "own-images.log")
        for name, repository in NAMES.items():
            (Path(folder) / f"{repository}.tar").rename(_path(name, key))


def _key() -> str:
    key = hashlib.sha256()
    for path in _sources():
        content = path.read_bytes()
        key.update(f"{path.relative_to(CHECKOUT)}\0{len(content)}\0".encode() + content)
    return key.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    """All files that the images are made of, in order."""
    for source in (*SOURCES, *SOURCES_OF_NAMES):
        place = CHECKOUT / source
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (path for path in files if path.is_file() and path.suffix != ".pyc")


def _newest(name: str, archive: Path) -> Path:
    """Forget the archives of states of the source that were used longest ago."""
    archive.touch()
    found = cache().glob(_path(name, "*").name)
    ages = {path: path.stat().st_mtime for path in found}
    for path in sorted(ages, key=lambda path: ages[path])[:-KEPT]:
        path.unlink(missing_ok=True)
    return archive
