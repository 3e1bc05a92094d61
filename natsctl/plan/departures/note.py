"""Which servers held nothing when they left: noted on the config Secret, where it outlives them.

A server that is gone says no more of what it holds, and what it alone holds nobody else tells of.
So it is noted right after its pod was asked to go, and only a server that is noted is taken out of
the meta group. Not before: streams may come to a pod that is noted and stays, and it may then go by
itself. A pod that goes away by itself leaves no note: its server has to come back first.

The text is `5=c-5-5c1e77aa`: index, and what the server calls itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.model.names import MAX_SIZE
from natsctl.model.server_identity import origin_of
from natsctl.plan.actions import NoteDepartures

if TYPE_CHECKING:
    from natsctl.plan.context import Context

Departed = Mapping[int, str]
"""Names of servers by index."""
_ENTRY: Final = re.compile(r"([1-9][0-9]{0,2})=([-a-z0-9]{1,128})", re.ASCII)


def departed_text(note: Departed) -> str:
    """The annotation."""
    return ",".join(f"{index}={name}" for index, name in sorted(note.items()))


def departed_of(context: Context) -> dict[int, str]:
    """What is noted, as far as natsctl may have written it: others can write there, too."""
    cluster = context.desired.target.name
    secret = context.state.secrets.get(cluster)
    text = secret.metadata.annotation(names.DEPARTED_ANNOTATION) if secret is not None else None
    parts = text.split(",")[:MAX_SIZE] if text else []
    found = (match for part in parts if (match := _ENTRY.fullmatch(part)) is not None)
    entries = {int(match[1]): match[2] for match in found}
    return {i: name for i, name in entries.items() if origin_of(cluster, i, name) is not None}


def noting(context: Context, note: Departed) -> tuple[NoteDepartures, ...]:
    """How this is noted from now on; nothing while there is no Secret to write on."""
    name = context.state.cluster.metadata.name
    secret = context.state.secrets.get(name)
    if secret is None:
        return ()
    return (NoteDepartures(name, secret.metadata.uid, tuple(sorted(note.items()))),)
