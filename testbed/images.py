"""Container images without a registry: docker-archive files that containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from testbed import build, components, locks
from testbed.layout import cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAUSE = "natsctl.testbed/pause:1"
FORMAT = "3"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NATS_CONFIG = b"port: 4222\nmonitor_port: 8222\n"
# Without the last two, a client in an image without /etc/passwd does not know who it is.
ENVIRONMENT = ("PATH=/", "HOME=/", "USER=root")


@dataclass(frozen=True)
class Image:
    """An image made from scratch, of one layer."""

    reference: str
    files: Mapping[str, Path | bytes]
    config: dict[str, Any] = field(default_factory=dict)


def pause() -> Path:
    """The archive of the image that holds a pod's namespaces."""
    program = build.program("pause")
    image = Image(PAUSE, {"pause": program}, {"Entrypoint": ["/pause"]})
    return archive(image, program.parent.name)


def nats_server(version: str) -> Path:
    """The archive of `docker.io/library/nats:<version>`, with no shell, like the official one."""
    program = build.program(f"nats-server-{version}")
    image = Image(
        f"docker.io/library/nats:{version}",
        {"nats-server": program, "nats-server.conf": NATS_CONFIG},
        {"Entrypoint": ["/nats-server"], "Cmd": ["--config", "nats-server.conf"]},
    )
    return archive(image, program.parent.name)


def nats_cli() -> Path:
    """The archive of `natsctl.testbed/nats-cli:<version>`: the NATS client, for pods."""
    program = build.program("nats")
    reference = f"natsctl.testbed/nats-cli:{components.BY_NAME['nats'].version}"
    image = Image(reference, {"nats": program}, {"Entrypoint": ["/nats"]})
    return archive(image, program.parent.name)


def every() -> list[Path]:
    """The archives of all images of a testbed; builds what is missing."""
    servers = [nats_server(version) for version in components.NATS_SERVERS]
    return [pause(), nats_cli(), *servers]


def archive(image: Image, key: str) -> Path:
    """The cached archive of an image whose content is named by `key`."""
    target = path_of(key)
    with locks.held("images"):
        if not target.exists():
            partial = target.with_suffix(".partial")
            write(image, partial)
            partial.rename(target)
    return target


def path_of(key: str) -> Path:
    """Where the archive with this key is, once it is made."""
    return cache() / f"image-{FORMAT}-{key}.tar"


def write(image: Image, target: Path) -> None:
    """Write a docker-archive: the layer, its configuration, and a manifest that names both."""
    layer = _tar(image.files)
    config = _json(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Env": ENVIRONMENT, "WorkingDir": "/", **image.config},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
        }
    )
    config_name = f"{_digest(config)}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.reference], "Layers": ["layer0.tar"]}]
    parts = {config_name: config, "layer0.tar": layer, "manifest.json": _json(manifest)}
    with target.open("wb") as file:
        _write_tar(parts, file)


def references(archive: Path) -> list[str]:
    """The names an image in a docker-archive has."""
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        return [name for image in json.load(manifest) for name in image["RepoTags"] or ()]


def unpack(archive: Path, folder: Path) -> dict[str, str]:
    """Put the files of an image into a folder; the image's environment.

    Its layers may only add files, as the last stage of a Dockerfile with nothing but COPY does.
    """
    with _parts(archive) as (parts, image, config):
        for layer in image["Layers"]:
            _untar(parts / layer, folder)
        return dict(variable.split("=", 1) for variable in config["config"]["Env"])


def extend(archive: Path, image: Image, target: Path) -> None:
    """Write the archive of an image with one more layer, the files of `image`, and its name."""
    with _parts(archive) as (parts, below, config):
        layer = _tar(image.files)
        config["rootfs"]["diff_ids"].append(f"sha256:{_digest(layer)}")
        manifest = {
            "Config": "config.json",
            "RepoTags": [image.reference],
            "Layers": [*below["Layers"], "added.tar"],
        }
        (parts / "added.tar").write_bytes(layer)
        (parts / "config.json").write_bytes(_json(config))
        (parts / "manifest.json").write_bytes(_json([manifest]))
        names = ("manifest.json", "config.json", *manifest["Layers"])
        subprocess.run(["tar", "-cf", target, "--directory", parts, *names], check=True)


@contextmanager
def _parts(archive: Path) -> Iterator[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """A folder with the parts of a docker-archive, its image in the manifest, and its config."""
    with tempfile.TemporaryDirectory() as folder:
        parts = Path(folder)
        _untar(archive, parts)
        (image,) = json.loads((parts / "manifest.json").read_text())
        yield parts, image, json.loads((parts / image["Config"]).read_text())


def _untar(archive: Path, folder: Path) -> None:
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", folder], check=True)


def complete(reference: str) -> str:
    """A reference with everything that users leave out, as Kubernetes reads it."""
    first, slash, _ = reference.partition("/")
    if not slash:
        reference = f"docker.io/library/{reference}"
    elif not any(sign in first for sign in ".:") and first != "localhost":
        reference = f"docker.io/{reference}"
    tagged = ":" in reference.rpartition("/")[2] or "@" in reference
    return reference if tagged else f"{reference}:latest"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tar(files: Mapping[str, Path | bytes]) -> bytes:
    buffer = io.BytesIO()
    _write_tar(files, buffer)
    return buffer.getvalue()


def _write_tar(files: Mapping[str, Path | bytes], output: BinaryIO) -> None:
    """Nothing in it depends on time or user; a name that ends with / is a folder for everyone."""
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.strip("/"))
            entry.mode = 0o755
            if name.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
                tar.addfile(entry)
            elif isinstance(content, bytes):
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
            else:
                with content.open("rb") as file:
                    entry.size = content.stat().st_size
                    tar.addfile(entry, file)
