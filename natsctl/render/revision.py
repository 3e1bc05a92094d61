"""Which fields of a spec a pod was made from, and which of them have changed since.

A revision maps the path of each set field that reaches a server to a short hash of its value.
Fields at their default are left out, so neither key order nor a new default nor an upgrade of
the operator makes a difference.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from natsctl.api.cluster import PodPolicy
from natsctl.api.config import NatsConfig
from natsctl.api.fields import json_name
from natsctl.render.accounts import has_system
from natsctl.render.routes import own_name
from natsctl.render.target import Target

# Servers learn routes from each other and from the next start; no restart is worth them.
NON_ROLLING: Final = frozenset({"extraRoutes", "routes"})

_VERSION: Final = "version"
# Not a field: tells later pods whether this one has the cluster's name as its own.
_NAMED: Final = "cluster.name"
# Nor this: whether it has the operator's system account.
_SYSTEM: Final = "system"
_MARKERS: Final = frozenset({_NAMED, _SYSTEM})
_OF_CLUSTER: Final = (
    "server_image",
    "no_advertise",
    "lame_duck_duration_seconds",
    "template",
    "extra_routes",
)
_OF_POD: Final = (
    "labels",
    "annotations",
    "node_selector",
    "anti_affinity",
    "tolerations",
    "resources",
    "nats_env",
    "volume_mounts",
    "enable_clients_host_port",
)


def revision(target: Target) -> dict[str, str]:
    """Field path -> hash, for every set field that reaches a server process."""
    sealed = {path: digest for path, digest in target.inputs.sealed.items() if digest}
    return {path: _hash(value) for path, value in _reaching(target)} | sealed


def running_named(annotations: Iterable[str | None]) -> bool | None:
    """Whether running servers have their cluster's name as their own, for `Target.named`.

    True if any has, False if some were made to go without, None if none of them says.
    """
    return _marked(annotations, _NAMED)


def running_system(annotations: Iterable[str | None]) -> bool | None:
    """Whether running servers have the operator's system account, as for `running_named`."""
    return _marked(annotations, _SYSTEM)


def _marked(annotations: Iterable[str | None], marker: str) -> bool | None:
    told = {(_parse(annotation) or {}).get(marker) for annotation in annotations} - {None}
    return _hash(True) in told if told else None


def revision_text(revision: Mapping[str, str]) -> str:
    """A revision as the text of a pod's annotation."""
    return _canonical(revision)


def changed_fields(
    old_annotation: str | None, new: Mapping[str, str], version_label: str | None = None
) -> tuple[str, ...]:
    """Paths that differ between a pod's annotation and a revision, the version first.

    Of a pod without a readable annotation only the version is compared, by its label.
    """
    old = _parse(old_annotation)
    if old is None:
        same = version_label is not None and _hash(version_label) == new.get(_VERSION)
        return () if same else (_VERSION,)
    paths = {*old, *new} - _MARKERS
    changed = (path for path in paths if old.get(path) != new.get(path))
    return tuple(sorted(changed, key=lambda path: (path != _VERSION, path)))


def rolling_changes(
    old_annotation: str | None, new: Mapping[str, str], version_label: str | None = None
) -> tuple[str, ...]:
    """The changed fields that a server takes up only by a restart."""
    changed = changed_fields(old_annotation, new, version_label)
    return tuple(path for path in changed if path not in NON_ROLLING)


def pending_changes(
    old_annotation: str | None, new: Mapping[str, str], version_label: str | None = None
) -> tuple[str, ...]:
    """The changed fields that wait for the next restart, whatever its reason."""
    changed = changed_fields(old_annotation, new, version_label)
    return tuple(path for path in changed if path in NON_ROLLING)


def _reaching(target: Target) -> Iterator[tuple[str, Any]]:
    spec = target.spec
    yield _VERSION, target.version.text
    if target.version.knows_cluster_name:
        yield _NAMED, own_name(target)
    yield _SYSTEM, has_system(target)
    yield from _set_fields(spec, _OF_CLUSTER, "")
    yield from _set_fields(spec.pod or PodPolicy(), _OF_POD, "pod.")
    config = spec.nats_config or NatsConfig()
    yield from _set_fields(config, attrs.fields_dict(NatsConfig), "natsConfig.")


def _set_fields(holder: Any, wanted: Iterable[str], prefix: str) -> Iterator[tuple[str, Any]]:
    fields = attrs.fields_dict(type(holder))
    for name in wanted:
        value = getattr(holder, name)
        if value and value != fields[name].default:
            yield prefix + json_name(fields[name]), value


def _hash(value: Any) -> str:
    return hashlib.sha256(_canonical(value).encode()).hexdigest()[:10]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_set_json)


def _set_json(item: Any) -> dict[str, Any]:
    return dict(_set_fields(item, attrs.fields_dict(type(item)), ""))


def _parse(annotation: str | None) -> dict[str, str] | None:
    try:
        found = json.loads(annotation or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
