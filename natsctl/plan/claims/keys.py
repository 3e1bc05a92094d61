"""Whether a server may start with the key that it would get, as its claim tells.

A container that starts reads the config Secret as it stands. So the key in there has to be the one
that is wanted, whatever that waits for, and the wanted one has to be the one of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.plan.key_seal import in_present_form, is_comparable, wanted_key_seal
from natsctl.plan.wanted_key import is_awaited, key_of, other_key, unknown_key
from natsctl.plan.written_block import StreamKey, key_in

if TYPE_CHECKING:
    from natsctl.plan.claims.data import Data
    from natsctl.plan.context import Context


def awaited_key(context: Context) -> str:
    """Why no server may start yet; empty: the configuration has the key that is wanted."""
    target = context.desired.target
    if is_awaited(target):
        return "the key that its data is to be encrypted with is not there"
    if _written(context) != key_of(target):
        return f"Secret {target.name} does not contain the right encryption key yet"
    return ""


def key_problem_of(context: Context, what: str, data: Data, *, own: bool) -> str:
    """Why this data cannot be read with the key that servers start with; empty: it can.

    `what` names the claim, `own` says that this very NatsCluster has used it: its configuration
    never had another key.
    """
    target, told = context.desired.target, data.key
    wanted = wanted_key_seal(target.inputs)
    if told is None or wanted is None or in_present_form(told, target.inputs) == wanted:
        return ""
    if is_comparable(told, target.inputs):
        return f"{what}: {other_key(target, StreamKey())}"
    vouched = context.state.cluster.metadata.annotation(names.KEY_ANNOTATION)
    if vouched == wanted.digest or (own and _written(context) == key_of(target)):
        return ""
    return f"{what}: {unknown_key(target, wanted)}"


def _written(context: Context) -> StreamKey:
    return key_in(context.state.secrets.get(context.desired.target.name))
