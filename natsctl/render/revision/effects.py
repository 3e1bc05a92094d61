"""What a change of each entry of a pod's revision costs.

Fields say it in their declarations (`natsctl/api/effects.py`); only what no field tells is said
here. What a reload takes up is measured: tests/server/test_reload.py.
"""

from collections.abc import Mapping
from typing import Final

from natsctl.api.effects import RELOAD, RELOAD_OR_WAIT, RESTART, Cost, Effect
from natsctl.api.schema.spec_fields import spec_fields
from natsctl.api.version import ServerVersion
from natsctl.render.revision.revision import (
    ACCOUNT,
    ADOPTED,
    CERTIFICATES,
    CONNECTION_TYPES,
    HELD,
    LEAVES,
    OPERATOR_JWT,
    STORE_FILE,
    STREAMS,
    TOKEN,
    USER,
)

_OF_NO_FIELD: Final[Mapping[str, Effect]] = {
    ACCOUNT: RESTART,
    LEAVES: RESTART,
    STREAMS: RESTART,
    STORE_FILE: RESTART,
    OPERATOR_JWT: RESTART,
    # Servers take it up, but the operator's user goes with it, and there is nobody to ask.
    TOKEN: RESTART,
    ADOPTED: RESTART,
    HELD: RELOAD,
    CERTIFICATES: RELOAD,
    # Natsctl's own needs, and what an earlier one did not say, are worth no restart.
    USER: RELOAD_OR_WAIT,
    CONNECTION_TYPES: RELOAD_OR_WAIT,
}
_OF_FIELDS: Final[Mapping[str, Effect]] = {
    field.effect.entry or path: field.effect
    for path, field in spec_fields().items()
    if field.effect.reaches
}
EFFECTS: Final[Mapping[str, Effect]] = {**_OF_FIELDS, **_OF_NO_FIELD}
"""By entry. Whatever else a pod's annotation may hold takes a restart."""
NON_ROLLING: Final = frozenset(path for path, effect in EFFECTS.items() if not effect.rolls)
"""Entries for whose change no server that serves is restarted."""
ROLLING_IF_DOWN: Final = frozenset(
    path for path, effect in EFFECTS.items() if effect.cost is Cost.RESTART_IF_DOWN
)
"""Those among them that a server that is down may need to start."""


def reloadable(path: str, version: ServerVersion) -> bool:
    """Whether a change of this entry takes no restart."""
    effect = EFFECTS.get(path, RESTART)
    return effect.reloads and (effect.release is None or version.at_least(*effect.release))
