"""Servers start with the key that their data is encrypted with, or not at all.

Measured, 2.9.25 to 2.15.3: with another key no server of a cluster starts, or it deletes the
streams that it cannot read (2.10.29), and a single one starts without them and calls itself ready.
Which key it is, pods and claims tell by a digest. Where that is keyed with an earlier secret of the
operator's, the configuration tells that was written last: the key itself is in it. Where nothing
tells, the user has to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.plan.inputs.resolve import key_part, sealed_with
from natsctl.plan.key_seal import (
    KeySeal,
    in_present_form,
    is_comparable,
    key_seal_of,
    wanted_key_seal,
)
from natsctl.plan.server_identity import has_server, servers_among, without
from natsctl.plan.wanted_key import encryption_of, key_of, other_key, unknown_key
from natsctl.render.revision.revision import STREAM_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from natsctl.model.objects import Pod
    from natsctl.plan.claims.stored import Stored
    from natsctl.plan.references import References
    from natsctl.render.target import Target


@attrs.frozen
class Told:
    """Digests of the keys that servers have: as pods tell, and for servers without, as claims do.

    `foreign` are those that can be compared with no key that is there.
    """

    pods: frozenset[KeySeal]
    claims: frozenset[KeySeal]
    foreign: frozenset[KeySeal]


def keyed(
    target: Target, pods: Collection[Pod], stored: Stored, references: References
) -> tuple[Target, str]:
    """With the key that servers are to start with, and why it is not the one of the user's Secret.

    Then it is the one that they have, if that is known. Without any, no server starts.
    """
    encryption = encryption_of(target)
    if encryption is None:
        return target, ""
    why = _objection(target, pods, stored) if target.inputs.jetstream_key else ""
    if target.inputs.jetstream_key and not why:
        return target, ""
    kept = stored.key.key if stored.key.cipher == encryption.cipher else ""
    return _with_key(target, kept, references), why


def _objection(target: Target, pods: Collection[Pod], stored: Stored) -> str:
    """Why servers do not get the key of the Secret; empty: they do.

    A claim that tells something else than the configuration holds up its own server only.
    """
    wanted = wanted_key_seal(target.inputs)
    assert wanted is not None
    told, other = _told(target, pods, stored), other_key(target, stored.key)
    if told.pods - {wanted}:
        return other
    if stored.key == key_of(target):
        return ""
    if told.claims - {wanted}:
        return other
    if stored.vouched == wanted.digest or (told.pods | told.claims and not told.foreign):
        return ""
    if stored.key.key and (pods or stored.earlier):
        return other
    return unknown_key(target, wanted) if told.foreign else ""


def _told(target: Target, pods: Collection[Pod], stored: Stored) -> Told:
    inputs, running = target.inputs, servers_among(target.name, pods)
    by_pods = {i: told for i, pod in running if (told := key_seal_of(pod)) is not None}
    ours = {i: told for i, told in by_pods.items() if is_comparable(told, inputs)}
    by_claims = without(dict(_of_claims(stored)), ours)
    comparable = {i: told for i, told in by_claims.items() if is_comparable(told, inputs)}
    foreign = without({**by_pods, **by_claims}, {**ours, **comparable})
    found = (ours, comparable, foreign)
    return Told(*(frozenset(in_present_form(t, inputs) for t in each.values()) for each in found))


def _of_claims(stored: Stored) -> Iterator[tuple[int, KeySeal]]:
    """Of servers that were not removed."""
    for index, data in without(stored.data, stored.left).items():
        if data.key is not None and has_server(data.size, index):
            yield index, data.key


def _with_key(target: Target, key: str, references: References) -> Target:
    inputs, place = target.inputs, (target.namespace, target.name)
    made = sealed_with(place, inputs, key_part(target.spec, key), references)
    digests = {**_others(inputs.former.digests), **made.former.digests}
    changed = attrs.evolve(
        made,
        jetstream_key=key,
        sealed={**_others(inputs.sealed), **made.sealed},
        former=attrs.evolve(made.former, digests=digests),
    )
    return attrs.evolve(target, inputs=changed)


def _others(digests: Mapping[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in digests.items() if path != STREAM_KEY}
