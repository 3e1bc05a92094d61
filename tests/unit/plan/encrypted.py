"""Clusters that encrypt what they store, and what tells their key."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim, Pod, Secret
from natsctl.plan.claims.data import Data, data_text, fields_of
from natsctl.plan.claims.stored import Stored, stored_of
from natsctl.plan.encryption.seal import wanted_key_seal
from natsctl.plan.written_block import keys_in
from natsctl.render.config.jetstream import file_limit
from natsctl.render.inputs import ConfigInputs
from natsctl.render.objects.secret import config_secret
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import STREAM_KEY
from natsctl.render.target import Target
from tests.unit.plan.claims.volumes import annotated_claim, claim
from tests.unit.plan.references import (
    BEFORE,
    PEPPER,
    by_earlier_natsctl,
    references,
    resolved,
    secret,
)
from tests.unit.plan.world import cluster_state, target

SPEC: dict[str, Any] = {"size": 3, "version": "2.14.10"}
ENCRYPTED: dict[str, Any] = SPEC | {"jetstream": {"encryption": {"secret": "js-key"}}}
PLAIN: dict[str, Any] = SPEC | {"jetstream": {}}
KEY, ANOTHER = "0123456789abcdef", "fedcba9876543210"
REPLACED = b"the secret that natsctl had before"


def found(
    key: bytes | str = KEY, spec: dict[str, Any] | None = None, pepper: bytes = PEPPER
) -> ConfigInputs:
    """What comes of a user's Secret with this key."""
    user = secret("js-key", {"key": key, "other": f"{KEY} at another place"})
    made = resolved(spec or ENCRYPTED, references(user, pepper=pepper))
    assert made.missing == ()
    return made.inputs


def found_before(key: str = KEY) -> ConfigInputs:
    """The same where digests of an earlier natsctl may be compared."""
    user = secret("js-key", {"key": key})
    return resolved(ENCRYPTED, references(user, compared=BEFORE)).inputs


def made_for(spec: dict[str, Any], inputs: ConfigInputs) -> Target:
    return attrs.evolve(target(spec), inputs=inputs)


def with_key(key: str = KEY, pepper: bytes = PEPPER) -> Target:
    """What is wanted where the user's Secret has this key."""
    return made_for(ENCRYPTED, found(key, pepper=pepper))


def running(*indexes: int, key: str = KEY, pepper: bytes = PEPPER) -> tuple[Pod, ...]:
    """Pods of servers that encrypt with this key, made while natsctl had this secret."""
    return _pods(with_key(key, pepper), *indexes)


def running_since_before(*indexes: int, key: str = KEY) -> tuple[Pod, ...]:
    """The same, made by an earlier natsctl."""
    return _pods(made_for(ENCRYPTED, by_earlier_natsctl(found_before(key))), *indexes)


def _pods(goal: Target, *indexes: int) -> tuple[Pod, ...]:
    return tuple(msgspec.convert(render_pod(goal, index), Pod) for index in indexes)


def described(index: int, key: str | None = KEY, pepper: bytes = PEPPER) -> PersistentVolumeClaim:
    """The claim of a server that encrypts with this key, or whose key was never there."""
    return _described(index, with_key(key or KEY, pepper), noted=key is not None)


def described_before(index: int, key: str = KEY) -> PersistentVolumeClaim:
    """The same as an earlier natsctl noted it."""
    return _described(index, made_for(ENCRYPTED, by_earlier_natsctl(found_before(key))))


def _described(index: int, goal: Target, *, noted: bool = True) -> PersistentVolumeClaim:
    fields = fields_of(goal.spec)
    if noted:
        fields[STREAM_KEY] = str(wanted_key_seal(goal.inputs))
    assert goal.spec.jetstream is not None
    limit = file_limit(goal, goal.spec.jetstream)
    note = data_text(Data(fields, 3, "2.14.10", limit))
    made = claim(index, spec=PLAIN | {"size": max(3, index)})
    return annotated_claim(made, **{names.DATA_ANNOTATION: note})


def written(key: str = KEY, spec: dict[str, Any] | None = None) -> Secret:
    """The config Secret with this key."""
    goal = made_for(spec or ENCRYPTED, found(key, spec) if spec is not PLAIN else ConfigInputs())
    return msgspec.convert(config_secret(goal), Secret)


def stored(
    *claims: PersistentVolumeClaim, config: Secret | None = None, vouched: str = ""
) -> Stored:
    """What claims and the config Secret tell."""
    known = stored_of(cluster_state(PLAIN).cluster, claims)
    return attrs.evolve(known, keys=keys_in(config), vouched=vouched)
