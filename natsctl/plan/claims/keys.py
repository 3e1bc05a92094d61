"""Whether a server may start with the key that it would get, as its claim tells.

A container that starts reads the config Secret as it stands. So the key in there has to be the one
that is wanted, whatever that waits for, and the wanted one has to be the one of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.model.server_identity import claim_name
from natsctl.model.store_files import FIRST
from natsctl.plan.encryption.seal import in_present_form, is_comparable, wanted_key_seal
from natsctl.plan.encryption.wanted import is_awaited, key_of, other_key, unknown_key
from natsctl.plan.proof import unnoted_proof
from natsctl.plan.written_block import StreamKey, keys_in
from natsctl.render.objects.owned_objects import data_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from natsctl.plan.claims.live import LiveClaim
    from natsctl.plan.context import Context
    from natsctl.plan.written_block import Keys
    from natsctl.render.target import Target


def awaited_keys(context: Context) -> Callable[[int, LiveClaim | None], str]:
    """Why a server, by its index, may not start yet; empty: the configuration has its key.

    While there are several, its claim has to tell which one it is.
    """
    target = context.desired.target
    written = keys_in(context.state.secrets.get(target.name))
    own, several = _awaited(target, written), len(written) > 1
    are_known = data_kind().kind in context.state.owned

    def awaited(index: int, live: LiveClaim | None) -> str:
        if several and (not are_known or (live is not None and live.data is None)):
            what = f"{data_kind().kind} {claim_name(target.name, index)}"
            return (
                f"{what} does not say which encryption key its data has: restore its annotation "
                f"{names.DATA_ANNOTATION}"
            )
        known = target.earlier_of(index)
        return own if known is None else _awaited(target.with_key(known), written)

    return awaited


def awaited_key(context: Context) -> str:
    """Why no volume may be replaced for the key that new servers get; empty: they can start.

    What was not proven may be taken back, and the files with the new key with it.
    """
    target = context.desired.target
    secret = context.state.secrets.get(target.name)
    if why := _awaited(target, keys_in(secret)):
        return why
    if context.state.holding or secret is None or unnoted_proof(secret) is not None:
        return f"no server has taken up yet what Secret {target.name} contains"
    return ""


def _awaited(target: Target, written: Keys) -> str:
    if is_awaited(target):
        return "the key that its data is to be encrypted with is not there"
    if not _is_written(target, written):
        return f"Secret {target.name} does not contain the right encryption key yet"
    return ""


def key_problem_of(context: Context, index: int, claim: LiveClaim) -> str:
    """Why its data cannot be read with the key that its server starts with; empty: it can.

    What this very NatsCluster has used is right: its configuration never had another key.
    """
    target = context.desired.target.of_server(index)
    told, wanted = claim.data.key if claim.data else None, wanted_key_seal(target.inputs)
    if told is None or wanted is None or in_present_form(told, target.inputs) == wanted:
        return ""
    if is_comparable(told, target.inputs):
        return f"{claim.what}: {other_key(target)}"
    written = keys_in(context.state.secrets.get(target.name))
    vouched = context.state.cluster.metadata.annotation(names.KEY_ANNOTATION)
    if vouched == wanted.digest or (claim.is_adopted and _is_written(target, written)):
        return ""
    return f"{claim.what}: {unknown_key(target, wanted)}"


def _is_written(target: Target, written: Keys) -> bool:
    """The first files may be missing where nothing is encrypted: nobody started with them yet."""
    suffix = target.inputs.suffix
    there = written.get(suffix, StreamKey() if suffix == FIRST else None)
    return there == key_of(target)
