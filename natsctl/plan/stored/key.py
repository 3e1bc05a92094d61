"""Servers start with the key that their data is encrypted with, or not at all.

Measured, 2.9.25 to 2.15.3: with another key no server of a cluster starts, or it deletes the
streams that it cannot read (2.10.29), and a single one starts without them and calls itself ready.
Which key it is, pods and claims tell by a digest. Where that is keyed with an earlier secret of the
operator's, the configuration tells that was written last: the key itself is in it. Where nothing
tells, the user has to. Servers that are to get another key are looked at apart (`earlier_keys`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.plan.encryption.seal import (
    KeySeal,
    in_present_form,
    is_comparable,
    key_seal_of,
    wanted_key_seal,
)
from natsctl.plan.encryption.wanted import encryption_of, key_of, other_key, unknown_key
from natsctl.plan.inputs.resolve import key_part, sealed_with
from natsctl.plan.servers.identity import has_server, servers_among, without
from natsctl.plan.stored.earlier_keys import (
    Sources,
    earlier_keys,
    objection,
    storing,
    suffix_of_own,
    written_key,
)
from natsctl.render.inputs import STREAM_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from natsctl.model.objects import Pod
    from natsctl.plan.claims.stored import Stored
    from natsctl.plan.references import References
    from natsctl.plan.written_block import StreamKey
    from natsctl.render.inputs import EarlierKey
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
    """With the keys that servers are to start with, and why the configuration does not change.

    Where the key of the user's Secret is not the right one, it is the one that they have, if that
    is known. Without any, no server starts.
    """
    if target.spec.jetstream is None:
        return target, ""
    sources = Sources(target, storing(target, pods), stored, references)
    earlier = earlier_keys(sources)
    told = _told(target, pods, stored, earlier)
    rest = written_key(sources, earlier)
    silent = _are_silent(sources, earlier) if earlier else bool(pods) or bool(stored.earlier)
    other = _objection(target, stored, told, rest, silent=silent)
    made = target
    if encryption_of(target) is not None and (other or not target.inputs.jetstream_key):
        made = _with_key(target, _kept(sources, told, rest), references)
    suffix = suffix_of_own(attrs.evolve(sources, target=made), earlier)
    inputs = attrs.evolve(made.inputs, suffix=suffix)
    return attrs.evolve(made, inputs=inputs, earlier=earlier), other or objection(sources, earlier)


def _are_silent(sources: Sources, earlier: Mapping[int, EarlierKey]) -> bool:
    """Whether beside servers with earlier keys there are some of which nothing tells the key."""
    stored = sources.stored
    told = {index for index, data in stored.data.items() if data.key is not None}
    silent = {index: pod for index, pod in sources.pods.items() if key_seal_of(pod) is None}
    return bool(without(without({**silent, **stored.earlier}, told), earlier))


def _objection(
    target: Target, stored: Stored, told: Told, rest: Sequence[StreamKey], *, silent: bool
) -> str:
    """Why servers do not get the key of the Secret; empty: they do.

    A claim that tells something else than the configuration holds up its own server only. `rest`
    are the keys of the configuration that are not those of servers that have an earlier one, and
    where there are `silent` servers, one of these is theirs.
    """
    wanted = wanted_key_seal(target.inputs)
    if wanted is None:
        return ""
    other = other_key(target, *rest[:1])
    if told.pods - {wanted}:
        return other
    if key_of(target) in stored.keys.values():
        return ""
    if told.claims - {wanted}:
        return other
    if stored.vouched == wanted.digest or (told.pods | told.claims and not told.foreign):
        return ""
    if rest and silent:
        return other
    return unknown_key(target, wanted) if told.foreign else ""


def _told(
    target: Target, pods: Collection[Pod], stored: Stored, earlier: Mapping[int, EarlierKey]
) -> Told:
    inputs = target.inputs
    running = without(dict(servers_among(target.name, pods)), earlier).items()
    by_pods = {i: told for i, pod in running if (told := key_seal_of(pod)) is not None}
    ours = {i: told for i, told in by_pods.items() if is_comparable(told, inputs)}
    by_claims = without(without(dict(_of_claims(stored)), earlier), ours)
    comparable = {i: told for i, told in by_claims.items() if is_comparable(told, inputs)}
    foreign = without({**by_pods, **by_claims}, {**ours, **comparable})
    found = (ours, comparable, foreign)
    return Told(*(frozenset(in_present_form(t, inputs) for t in each.values()) for each in found))


def _of_claims(stored: Stored) -> Iterator[tuple[int, KeySeal]]:
    """Of servers that were not removed."""
    for index, data in without(stored.data, stored.left).items():
        if data.key is not None and has_server(data.size, index):
            yield index, data.key


def _kept(sources: Sources, told: Told, rest: Sequence[StreamKey]) -> str:
    """The key that servers have: one that they tell, or the only one that there is."""
    encryption = encryption_of(sources.target)
    assert encryption is not None
    keys = [it.key for it in rest if it.cipher == encryption.cipher]
    digests = {seal.digest for seal in told.pods or told.claims}
    same = [key for key in keys if sources.digest(key, encryption.cipher) in digests]
    return next(iter(same if same or len(keys) > 1 else keys), "")


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
