"""The images of this checkout: they run anywhere a locked-down pod does, also under other names."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from natsctl import __version__
from testbed import images, own_image, progress
from tests.testbed import machine
from tests.unit.sidecar import beside

if TYPE_CHECKING:
    from testbed.layout import Testbed

pytestmark = pytest.mark.testbed

RELOADER = "connecteverything/nats-server-config-reloader:0.2.2-v1alpha2"
LOCKED_DOWN = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
VERSION = f"natsctl {__version__}\n"
PROGRAMS = {
    "natsctl": (["natsctl", "--version"], VERSION),
    "operator": (["nats-operator", "--version"], VERSION),
    "reloader": (["natsctl", "reloader", "-h"], "usage: natsctl reloader"),
    "alias": (["nats-server-config-reloader", "-h"], "usage: nats-server-config-reloader"),
    "bootconfig": (["nats-pod-bootconfig", "-version"], VERSION),
    "user": (["python3", "-c", "import os; print(os.getuid(), os.getgid())"], "1000 1000\n"),
    "authorities": (
        ["python3", "-c", "import ssl; print(any(ssl.create_default_context().get_ca_certs()))"],
        "True\n",
    ),
    "names": (
        ["python3", "-c", "import socket; print(socket.gethostbyname('kubernetes.default'))"],
        "10.96.0.1\n",
    ),
}


@pytest.fixture(scope="module")
def place(two_nodes: Testbed) -> Testbed:
    """A testbed that has the images, and knows one by a name of old."""
    machine.done("load", two_nodes, "natsctl")
    machine.done("load", two_nodes, "reloader", "--as", RELOADER)
    return two_nodes


def pod(name: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod under the restricted profile; who it runs as is left to the images."""
    locked = [{"securityContext": LOCKED_DOWN, **container} for container in containers]
    profile = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {**profile, **spec.pop("user", {})},
            "containers": locked,
            **spec,
        },
    }


def test_every_program_runs_in_a_locked_down_pod(place: Testbed) -> None:
    containers = [
        {"name": name, "image": RELOADER if name == "alias" else own_image.reference("natsctl")}
        | {"command": command}
        for name, (command, _) in PROGRAMS.items()
    ]
    machine.apply(place, pod("programs", *containers, restartPolicy="Never"))
    succeeded = "--for=jsonpath={.status.phase}=Succeeded"
    machine.kubectl(place, "wait", succeeded, "pod/programs", "--timeout=60s")
    for name, (_, answer) in PROGRAMS.items():
        assert machine.kubectl(place, "logs", "programs", "-c", name).startswith(answer), name


def test_the_reloader_signals_once_for_each_update_of_a_secret(place: Testbed) -> None:
    mounts = [
        {"name": "config", "mountPath": "/etc/nats-config"},
        {"name": "pid", "mountPath": "/var/run/nats"},
    ]
    files = ["-c", "/etc/nats-config/nats.conf", "-P", "/var/run/nats/nats.pid"]
    server = {"name": "nats", "image": "nats:2.12.15", "volumeMounts": mounts}
    reloader = {"name": "reloader", "image": RELOADER, "volumeMounts": mounts}
    machine.apply(
        place,
        secret(0),
        pod(
            "reloaded",
            server | {"command": ["/nats-server", *files]},
            reloader | {"command": ["nats-server-config-reloader", *files]},
            user={"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
            shareProcessNamespace=True,
            volumes=[
                {"name": "config", "secret": {"secretName": "config"}},
                {"name": "pid", "emptyDir": {}},
            ],
        ),
    )
    machine.kubectl(place, "wait", "--for=condition=Ready", "pod/reloaded", "--timeout=60s")
    follow = [*machine.command("exec", place), "--", "kubectl", "logs", "-f", "reloaded"]
    with beside.speaking([*follow, "-c", "nats"], patience=120) as log:
        for number in (1, 2, 3):
            machine.apply(place, secret(number))
            # The kubelet looks at once after pods that change, and at others every minute.
            changed = ["pod", "reloaded", f"number={number}", "--overwrite"]
            machine.kubectl(place, "annotate", *changed)
            log.says(f"Reloaded: max_payload = {1000 + number}")
    said = machine.kubectl(place, "logs", "reloaded", "-c", "reloader").splitlines()
    assert [line.split(" ", 2)[1] for line in said] == ["watching", "sent", "sent", "sent"]


def secret(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "config"},
        "stringData": {"nats.conf": json.dumps({"port": 4222, "max_payload": 1000 + number})},
    }


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the images are made of, of which they are made: a build is the subject."""
    monkeypatch.delenv(progress.NO_BUILDS)
    for name in (*own_image.SOURCES, *own_image.SOURCES_OF_NAMES):
        source, target = machine.ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    monkeypatch.setattr(own_image, "CHECKOUT", tmp_path)
    return tmp_path


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", own_image.NAMES)
def test_only_the_last_layer_changes_with_the_source(copied: Path, name: str) -> None:
    """A second time nothing is made; the base stays what it is, and the build leaves no mount."""
    before = own_image.archive(name)
    written = before.stat().st_ino
    assert own_image.archive(name) == before
    assert before.stat().st_ino == written
    mounts = Path("/proc/self/mounts").read_text()
    (copied / "natsctl" / "added.py").touch()
    after = own_image.archive(name)
    try:
        *shared, last = layers(before)
        assert layers(after)[:-1] == shared
        assert layers(after)[-1] != last
        assert Path("/proc/self/mounts").read_text() == mounts
    finally:
        for made in own_image.NAMES:
            own_image.archive(made).unlink()


def member(tar: tarfile.TarFile, name: str) -> io.BufferedReader:
    """One file of it."""
    found = tar.extractfile(name)
    assert isinstance(found, io.BufferedReader)
    return found


@pytest.mark.parametrize("name", own_image.NAMES)
def test_an_image_has_no_tools(name: str) -> None:
    """Neither a shell, a compiler nor a package manager; modules are compiled."""
    with tarfile.open(own_image.archive(name)) as archive:
        (image,) = json.load(member(archive, "manifest.json"))
        found: set[str] = set()
        for layer in image["Layers"]:
            with tarfile.open(fileobj=member(archive, layer)) as files:
                found |= {file.name for file in files}
    programs = {path.rpartition("/")[2] for path in found if "bin/" in path}
    assert not programs & {"sh", "bash", "dash", "busybox", "gcc", "cc", "pip", "apt", "dpkg"}
    assert "python3" in programs
    ours = {path for path in found if "natsctl/sidecar/" in path}
    assert any(path.endswith("reloader.py") for path in ours)
    assert any("reloader.cpython-" in path and path.endswith(".pyc") for path in ours)


def layers(archive: Path) -> list[str]:
    """Digests of an image's layers, the lowest first."""
    with tarfile.open(archive) as tar:
        (image,) = json.load(member(tar, "manifest.json"))
        config = json.load(member(tar, image["Config"]))
        for name, digest in zip(image["Layers"], config["rootfs"]["diff_ids"], strict=True):
            with member(tar, name) as layer:
                assert digest == f"sha256:{hashlib.file_digest(layer, 'sha256').hexdigest()}"
    return list(config["rootfs"]["diff_ids"])


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        ("nats", "docker.io/library/nats:latest"),
        ("nats:2.12.15", "docker.io/library/nats:2.12.15"),
        (RELOADER, f"docker.io/{RELOADER}"),
        ("natsctl.testbed/nats-cli:1", "natsctl.testbed/nats-cli:1"),
        ("localhost/natsctl", "localhost/natsctl:latest"),
        ("registry:5000/a/b", "registry:5000/a/b:latest"),
        ("a/b@sha256:0123", "docker.io/a/b@sha256:0123"),
    ],
)
def test_names_are_completed_as_kubernetes_does(given: str, complete: str) -> None:
    assert images.complete(given) == complete


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["natsctl", "/nowhere.tar", "--as", "other"], "--as names one image"),
        (["/nowhere.tar"], "there is no file /nowhere.tar"),
    ],
)
def test_load_says_what_is_wrong(two_nodes: Testbed, arguments: list[str], says: str) -> None:
    answer = machine.run("load", two_nodes, *arguments)
    assert answer.returncode == 1
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_testbed_without_nodes_takes_no_images(fresh: Testbed) -> None:
    answer = machine.run("load", fresh, "natsctl")
    assert answer.returncode == 1
    assert "has no nodes" in answer.stderr
