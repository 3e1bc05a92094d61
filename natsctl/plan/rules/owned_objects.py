"""Owned objects, such as Services and the config Secret, are what the spec asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from natsctl.model import names
from natsctl.model.slim import comparable
from natsctl.plan.actions import DeleteObject, Ensure
from natsctl.plan.rules.rule import Decision
from natsctl.render.objects.owned_objects import owned_kind, owned_kinds

if TYPE_CHECKING:
    from natsctl.model.objects import Object
    from natsctl.plan.context import Context
    from natsctl.plan.state import OwnedObject


# One more label in a selector selects other pods, one more key of a peer lets others in.
_EXACT: Final = ("selector", "podSelector", "policyTypes", "ingress")


def ensure_objects(context: Context) -> Decision:
    """One action for each object that is missing or differs.

    A configuration that waits for something, or was refused, is not written: the last one stays.
    Some kinds have rules of their own (`claims.py`, `disruption_budget.py`).
    """
    state, waits = context.state, bool(context.state.holding)
    return Decision(
        tuple(
            Ensure(wanted, present=live is not None)
            for wanted in context.desired.objects
            if not (waits and wanted.is_config)
            and not owned_kind(wanted.kind).own_rule
            and ((live := state.live(wanted)) is None or differs(wanted, live))
        )
    )


def delete_unwanted(context: Context) -> Decision:
    """One action for each object that the spec asks for no more, of kinds that go then."""
    wanted = {(s.kind, s.name) for s in context.desired.objects}
    return Decision(
        tuple(
            DeleteObject(entry.kind, name, live.metadata.uid)
            for entry in owned_kinds()
            if entry.deleted
            for name, live in context.state.owned.get(entry.kind, {}).items()
            if (entry.kind, name) not in wanted and live.metadata.deletion_timestamp is None
        )
    )


def differs(wanted: OwnedObject, live: Object) -> bool:
    """Whether a live object, as it is kept, was made from another one, or was edited since."""
    if live.metadata.annotation(names.APPLIED_ANNOTATION) != wanted.digest:
        return True
    return not _covers(msgspec.to_builtins(live), comparable(wanted.manifest, live))


def _covers(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether `live` has everything that `wanted` names; what else it has does not matter."""
    return all(
        live.get(key) == value or (key not in _EXACT and _same(live.get(key), value))
        for key, value in wanted.items()
        if key not in ("apiVersion", "kind", "stringData", "ownerReferences")
    )


def _same(live: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and _covers(live, wanted)
    if isinstance(wanted, list | tuple):
        return (
            isinstance(live, list | tuple)
            and len(live) == len(wanted)
            and all(map(_same, live, wanted))
        )
    return bool(live == wanted)
