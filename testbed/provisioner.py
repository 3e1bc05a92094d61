"""Dynamic volumes: a process that gives every claim of the testbed's classes a folder.

All nodes see the same folders, so a volume follows its pod, as a network disk does. They are
`local` volumes: the kubelet gives one to a pod's fsGroup, and to nobody without. One of limited
size is a file system in memory, mounted where the control plane runs: nodes see what is mounted
there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

from testbed import api, manifests
from testbed.layout import Testbed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
RETRY_SECONDS = 1.0

Object = dict[str, Any]


def main() -> None:
    """Serve the testbed named on the command line until killed."""
    testbed = Testbed(sys.argv[1])
    threads = [
        threading.Thread(target=_follow, args=(testbed, CLAIMS, serve_claim)),
        threading.Thread(target=_follow, args=(testbed, VOLUMES, serve_volume)),
    ]
    for thread in threads:
        thread.start()


def _follow(testbed: Testbed, path: str, serve: Callable[[Testbed, Object], None]) -> None:
    """Serve every object now and at each change; after an error, all of them anew."""
    while True:
        try:
            for event in api.watch(testbed, path):
                if event["type"] in ("ADDED", "MODIFIED"):
                    serve(testbed, event["object"])
        except Exception:
            traceback.print_exc()
            time.sleep(RETRY_SECONDS)


def serve_claim(testbed: Testbed, claim: Object) -> None:
    """Make the volume of a new claim; enlarge that of a claim that asks for more."""
    class_name = claim["spec"].get("storageClassName")
    if class_name not in manifests.STORAGE_CLASSES:
        return
    wanted = claim["spec"]["resources"]["requests"]["storage"]
    if claim["status"]["phase"] == "Pending" and "volumeName" not in claim["spec"]:
        folder = _folder(testbed, volume_name(claim))
        folder.mkdir(exist_ok=True)
        if class_name != manifests.UNLIMITED:
            _limit(folder, wanted)
        api.create(testbed, VOLUMES, manifests.volume(volume_name(claim), folder, claim))
    elif claim["status"].get("capacity", {}).get("storage", wanted) != wanted:
        folder = _folder(testbed, volume_name(claim))
        if folder.is_mount():
            _limit(folder, wanted)
        _report_size(testbed, claim, wanted)


def serve_volume(testbed: Testbed, volume: Object) -> None:
    """Delete a volume, and what is in it, when its claim is gone."""
    ours = volume["spec"].get("storageClassName") in manifests.STORAGE_CLASSES
    unwanted = volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    if ours and unwanted and volume["status"]["phase"] == "Released":
        name = volume["metadata"]["name"]
        folder = _folder(testbed, name)
        if folder.is_mount():
            _run("umount", str(folder))
        shutil.rmtree(folder, ignore_errors=True)
        api.request(testbed, "DELETE", f"{VOLUMES}/{name}")


def volume_name(claim: Object) -> str:
    return f"pvc-{claim['metadata']['uid']}"


def _folder(testbed: Testbed, name: str) -> Path:
    return testbed.volumes / name


def _limit(folder: Path, size: str) -> None:
    """Let a folder hold no more than this, whether or not it was limited before."""
    options = f"size={_kernel_size(size)},mode=0755"
    if folder.is_mount():
        _run("mount", "-o", f"remount,{options}", str(folder))
    else:
        _run("mount", "-t", "tmpfs", "-o", options, "volume", str(folder))


def _kernel_size(size: str) -> str:
    """A size in powers of 1024 as tmpfs takes it: `64Mi` is `64m`."""
    if not re.fullmatch(r"[1-9][0-9]*[KMG]i", size):
        raise ValueError(f"a limited volume of {size}: write it in Ki, Mi or Gi")
    return size[:-1].lower()


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


def _report_size(testbed: Testbed, claim: Object, wanted: str) -> None:
    capacity = {"capacity": {"storage": wanted}}
    metadata = claim["metadata"]
    api.patch(testbed, f"{VOLUMES}/{claim['spec']['volumeName']}", {"spec": capacity})
    path = f"/api/v1/namespaces/{metadata['namespace']}/persistentvolumeclaims/{metadata['name']}"
    api.patch(testbed, f"{path}/status", {"status": capacity})


if __name__ == "__main__":
    main()
