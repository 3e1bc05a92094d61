"""Container images without a registry: docker-archive files that containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from testbed import build, components, locks
from testbed.layout import cache

if TYPE_CHECKING:
    from pathlib import Path

PAUSE = "natsctl.testbed/pause:1"
FORMAT = "3"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NATS_CONFIG = b"port: 4222\nmonitor_port: 8222\n"
# Without the last two, a client in an image without /etc/passwd does not know who it is.
ENVIRONMENT = ("PATH=/", "HOME=/", "USER=root")


@dataclass(frozen=True)
class Image:
    """An image of one layer, like one that is made from scratch."""

    reference: str
    files: dict[str, Path | bytes]
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
    target = cache() / f"image-{FORMAT}-{key}.tar"
    with locks.held("images"):
        if not target.exists():
            partial = target.with_suffix(".partial")
            write(image, partial)
            partial.rename(target)
    return target


def write(image: Image, target: Path) -> None:
    """Write a docker-archive: one layer, its configuration, and a manifest that names both."""
    layer = _tar({name: _content(content) for name, content in image.files.items()})
    config = _json(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Env": ENVIRONMENT, "WorkingDir": "/", **image.config},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
        }
    )
    config_name = f"{_digest(config)}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
    parts = {config_name: config, "layer.tar": layer, "manifest.json": _json(manifest)}
    target.write_bytes(_tar(parts))


def _content(content: Path | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
