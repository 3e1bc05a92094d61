"""What a template must not say of the volumes of servers: whose data is on them.

All claims are made from one template, so each would begin with the same data, or with the data of
nobody knows whom. A store belongs to one server, which others know by its name.

`selector` is not among it: of the volumes that match, Kubernetes gives each claim another one that
nobody has, just as it does for a class without a selector.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from natsctl.api.problems import Problem, shown
from natsctl.api.types.jetstream import FileStore, JetStream

_PATH: Final = "spec.jetstream.fileStore.volumeClaimTemplate.spec"
_RESTORE: Final = (
    "would put the same data on the volume of each server; remove it, and restore the "
    "PersistentVolumeClaim of one server under its own name"
)
_FIELDS: Final[Mapping[str, str]] = {
    "dataSource": _RESTORE,
    "dataSourceRef": _RESTORE,
    "volumeName": (
        "would ask for the same volume for each server; remove it, and set claimRef of each "
        "PersistentVolume to the PersistentVolumeClaim of its server"
    ),
}
_MODE: Final = "volumeMode"
_FILES: Final = "Filesystem"


def claim_problems(jetstream: JetStream) -> Iterator[Problem]:
    """Fields of the template that cannot be the same for all servers, or that no server can use."""
    template = (jetstream.file_store or FileStore()).volume_claim_template or {}
    spec = template.get("spec")
    given: Mapping[str, Any] = spec if isinstance(spec, Mapping) else {}
    for field, message in _FIELDS.items():
        if given.get(field):
            yield Problem(f"{_PATH}.{field}", shown(given[field]), _worded(given[field], message))
    mode = given.get(_MODE)
    if mode and mode != _FILES:
        message = f"is {shown(mode)}, but servers store files; use {_FILES}, or omit it"
        yield Problem(f"{_PATH}.{_MODE}", shown(mode), message)


def _worded(value: object, message: str) -> str:
    return f"is {shown(value)}, which {message}"
