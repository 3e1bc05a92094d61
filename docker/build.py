"""Builds the images of the Dockerfiles on a Debian machine without a container engine or registry.

`python docker/build.py [FOLDER]`, as root: one archive each in FOLDER (build/images), as
`docker load` and `python3 -m testbed load` take them. The base image is made of Debian's packages.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = {"operator": "nats-operator", "reloader": "nats-server-config-reloader"}
"""Folder of the Dockerfile -> name of the image."""
REPOSITORY = "docker.io/natsctl"
BASE = "localhost/python"
PROGRAMS = ("buildah", "mmdebstrap")
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OF_THIS_MACHINE = ("/etc/ssl/certs", "/etc/pip.conf")
"""Seen by the build, so that pip trusts what this machine trusts; no part of the image."""


def build(folder: Path) -> dict[str, Path]:
    """Image -> its archive; both are made anew, the base only if it is not there."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"missing: apt-get install {' '.join(missing)}")
    folder.mkdir(parents=True, exist_ok=True)
    base = _base(folder)
    with tempfile.TemporaryDirectory(dir=folder) as storage:
        buildah = _in(Path(storage))
        _import(buildah, base)
        return {image: _build(buildah, image, folder) for image in IMAGES}


def reference(image: str) -> str:
    """The image's whole name, as the chart has it."""
    chart = (ROOT / "charts" / "nats-operator" / "Chart.yaml").read_text()
    (version,) = (line.split()[1] for line in chart.splitlines() if line.startswith("appVersion:"))
    return f"{REPOSITORY}/{IMAGES[image]}:{version}"


def _in(storage: Path) -> tuple[str, ...]:
    """buildah with everything it keeps in one folder."""
    places = ("--root", str(storage / "root"), "--runroot", str(storage / "run"))
    return ("buildah", *places, "--storage-driver", "vfs")


def _base(folder: Path) -> Path:
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    target = folder / f"base-{release}.tar"
    if not target.exists():
        partial = folder / f"base-{release}.partial.tar"
        _run("mmdebstrap", "--variant=apt", f"--include={PACKAGES}", release, str(partial))
        partial.rename(target)
    return target


def _import(buildah: tuple[str, ...], archive: Path) -> None:
    container = _run(*buildah, "from", "scratch")
    _run(*buildah, "add", "--quiet", container, str(archive), "/")
    _run(*buildah, "config", "--env", f"PATH={PATH}", container)
    _run(*buildah, "commit", "--quiet", "--rm", container, BASE)


def _build(buildah: tuple[str, ...], image: str, folder: Path) -> Path:
    mounts = [f"--volume={path}:{path}:ro" for path in OF_THIS_MACHINE if Path(path).exists()]
    isolation = ("--isolation", "chroot", "--network", "host", *mounts)
    file = ("--file", f"docker/{image}/Dockerfile", "--build-arg", f"BASE_IMAGE={BASE}")
    _run(*buildah, "build", *isolation, *file, "--tag", reference(image), str(ROOT))
    archive = folder / f"{IMAGES[image]}.tar"
    archive.unlink(missing_ok=True)
    destination = f"docker-archive:{archive}:{reference(image)}"
    _run(*buildah, "push", "--quiet", reference(image), destination)
    return archive


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


if __name__ == "__main__":
    made = build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "images"))
    for image, archive in made.items():
        print(f"{reference(image)}: {archive}")
