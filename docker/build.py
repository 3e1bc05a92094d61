"""Builds the images of the Dockerfiles on a Debian machine without a container engine or registry.

`python docker/build.py [FOLDER] [--cache FOLDER]`, as root: one archive each in FOLDER
(build/images), as `docker load` and `python3 -m testbed load` take them. The base images are made
of Debian's packages: one with pip and a shell, to build on, and one with Python alone.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = {"operator": "nats-operator", "reloader": "nats-server-config-reloader"}
"""Folder of the Dockerfile -> name of the image."""
REPOSITORY = "docker.io/natsctl"
PROGRAMS = ("buildah", "mmdebstrap")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OF_THIS_MACHINE = ("/etc/ssl/certs", "/etc/pip.conf")
"""Seen by the build, so that pip trusts what this machine trusts; no part of the image."""
LAYERS = 200
"""Images in the cache, those of single steps too, beyond which it is made anew."""
PASSWD = "root:x:0:0::/:/usr/sbin/nologin\\nnatsctl:x:1000:1000::/:/usr/sbin/nologin\\n"
GROUP = "root:x:0:\\nnatsctl:x:1000:\\n"
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
UNUSED = (
    "usr/share/doc usr/share/man usr/share/locale usr/share/info usr/share/perl5 usr/share/python3 "
    "usr/sbin usr/bin/dpkg* usr/bin/debconf* usr/bin/py3* usr/bin/openssl usr/bin/c_rehash "
    "usr/bin/update-alternatives bin/tar sbin/start-stop-daemon"
)
COMPILE = "python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash"
HOOKS = (
    f'cd "$1" && cat usr/share/ca-certificates/mozilla/*.crt > {AUTHORITIES}',
    f'cd "$1" && printf "{PASSWD}" > etc/passwd && printf "{GROUP}" > etc/group',
    'cd "$1" && echo "hosts: files dns" > etc/nsswitch.conf',
    f'cd "$1" && rm -rf {UNUSED}',
    f'chroot "$1" /usr/bin/{COMPILE} /usr/lib',
)
BASES = {
    "build": ("--variant=apt", "--include=python3,python3-venv,python3-pip,ca-certificates"),
    "python": (
        "--variant=extract",
        "--include=python3,ca-certificates",
        *(f"--extract-hook={hook}" for hook in HOOKS),
    ),
}
"""Base image -> how mmdebstrap makes it; the second has neither a shell nor a package manager."""


def build(folder: Path, cache: Path) -> dict[str, Path]:
    """Image -> its archive, made anew from the layers in the cache that are still right."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"missing: apt-get install {' '.join(missing)}")
    for place in (folder, cache):
        place.mkdir(parents=True, exist_ok=True)
    buildah = _in(cache / "storage")
    if len(_run(*buildah, "images", "--all", "--quiet").splitlines()) > LAYERS:
        _run(*buildah, "rmi", "--all", "--force")
    for base in BASES:
        _import(buildah, base, _base(cache, base))
    return {image: _build(buildah, image, folder) for image in IMAGES}


def reference(image: str) -> str:
    """The image's whole name, as the chart has it."""
    chart = (ROOT / "charts" / "nats-operator" / "Chart.yaml").read_text()
    (version,) = (line.split()[1] for line in chart.splitlines() if line.startswith("appVersion:"))
    return f"{REPOSITORY}/{IMAGES[image]}:{version}"


def _in(storage: Path) -> tuple[str, ...]:
    """buildah with everything it keeps in one folder."""
    places = ("--root", str(storage / "root"), "--runroot", str(storage / "run"))
    return ("buildah", *places, "--storage-driver", "overlay")


def _base(cache: Path, base: str) -> Path:
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    target = cache / f"{base}-{release}.tar"
    if not target.exists():
        print(f"making the base image {base} of Debian's packages ...", file=sys.stderr, flush=True)
        partial = cache / f"{base}-{release}.partial.tar"
        _run("mmdebstrap", *BASES[base], release, str(partial))
        partial.rename(target)
    return target


def _import(buildah: tuple[str, ...], base: str, archive: Path) -> None:
    name = f"localhost/{base}"
    if name in _run(*buildah, "images", "--format", "{{.Name}}").splitlines():
        return
    container = _run(*buildah, "from", "scratch")
    _run(*buildah, "add", "--quiet", container, str(archive), "/")
    _run(*buildah, "config", "--env", f"PATH={PATH}", container)
    _run(*buildah, "commit", "--quiet", "--rm", container, name)


def _build(buildah: tuple[str, ...], image: str, folder: Path) -> Path:
    print(f"building {reference(image)} ...", file=sys.stderr, flush=True)
    mounts = [f"--volume={path}:{path}:ro" for path in OF_THIS_MACHINE if Path(path).exists()]
    isolation = ("--isolation", "chroot", "--network", "host", *mounts)
    bases = ("BASE_IMAGE=localhost/python", "BUILD_IMAGE=localhost/build")
    file = ("--file", f"docker/{image}/Dockerfile", *(f"--build-arg={base}" for base in bases))
    _run(*buildah, "build", "--layers", *isolation, *file, "--tag", reference(image), str(ROOT))
    archive = folder / f"{IMAGES[image]}.tar"
    archive.unlink(missing_ok=True)
    destination = f"docker-archive:{archive}:{reference(image)}"
    _run(*buildah, "push", "--quiet", reference(image), destination)
    return archive


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "images")
    parser.add_argument("--cache", type=Path, help="bases and layers (default FOLDER/cache)")
    given = parser.parse_args()
    made = build(given.folder, given.cache or given.folder / "cache")
    for image, archive in made.items():
        print(f"{reference(image)}: {archive}")
