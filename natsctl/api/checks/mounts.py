"""Volumes that containers mount, and those that there are."""

from collections.abc import Iterator, Mapping
from typing import Any

from natsctl.api.hints import closest
from natsctl.api.problems import Problem, shown
from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec, PodPolicy
from natsctl.api.types.listeners import volumes

_TEMPLATE = "spec.template.spec"
_MANY = 64
"""Volumes that a name is compared with."""


def lost_mounts(name: str, spec: NatsClusterSpec) -> Iterator[Problem]:
    """Mounts of volumes that neither the template nor the operator gives the pods.

    No error of ours: an admission webhook may add volumes. The API server says what it thinks.
    What has another shape than it should have is passed over: that is told elsewhere.
    """
    template = (spec.template or {}).get("spec")
    known = dict.fromkeys(name for _, name in _names(template, "volumes"))
    known |= dict.fromkeys(volume.name for volume in volumes(name, spec))
    for path, volume in _mounts(template, spec.pod or NO_POLICY):
        if volume not in known:
            close = closest(volume, known) if len(known) <= _MANY else None
            advice = f"did you mean {close}?" if close else f"add it to {_TEMPLATE}.volumes"
            message = f"volume {shown(volume)} does not exist: {advice}"
            yield Problem(f"{path}.name", shown(volume), message)


def _mounts(template: Any, policy: PodPolicy) -> Iterator[tuple[str, str]]:
    """Path and volume of every mount."""
    given = {"volumeMounts": list(policy.volume_mounts)}
    yield from ((f"spec.pod.{path}", name) for path, name in _names(given, "volumeMounts"))
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(_items(template, kind)):
            for path, name in _names(container, "volumeMounts"):
                yield f"{_TEMPLATE}.{kind}[{index}].{path}", name


def _names(holder: Any, key: str) -> Iterator[tuple[str, str]]:
    for index, item in enumerate(_items(holder, key)):
        name = item.get("name") if isinstance(item, Mapping) else None
        if isinstance(name, str):
            yield f"{key}[{index}]", name


def _items(holder: Any, key: str) -> list[Any]:
    items = holder.get(key) if isinstance(holder, Mapping) else None
    return items if isinstance(items, list) else []
