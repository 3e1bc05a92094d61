"""Servers whose volumes are not encrypted as the spec says now keep what they have.

A new key reaches a server only together with an empty volume. Until then its claim tells under
which Secret, key of the Secret and cipher it was written, and claim and pod tell a digest of the
key. The key itself is in the config Secret as it was written last, or still in the user's Secret.
A server of which that is not known does not start, and the configuration stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.types.jetstream import Encryption
from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.model.objects import Pod
from natsctl.model.server_identity import claim_name
from natsctl.model.store_files import FIRST, PLAIN
from natsctl.plan.claims.stored import Stored
from natsctl.plan.encryption.seal import KeySeal, in_present_form, key_seal_of, wanted_key_seal
from natsctl.plan.encryption.wanted import OPERATOR_SECRET, encryption_of, key_of
from natsctl.plan.inputs.resolve import content, digest_of_key
from natsctl.plan.references import References
from natsctl.plan.servers.identity import has_server, servers_among, without
from natsctl.plan.servers.server import has_store
from natsctl.plan.written_block import StreamKey
from natsctl.render.inputs import EarlierKey
from natsctl.render.revision.data import ENCRYPTION_FIELDS
from natsctl.render.revision.revision import STORE_FILE, entries_of, hashed
from natsctl.render.target import Target

if TYPE_CHECKING:
    from collections.abc import Collection

    from natsctl.plan.claims.data import Data

MOST_KEYS: Final = 4
"""Earlier keys of one cluster at a time: each has two files in the config Secret."""
MOST_SECRETS: Final = 16
"""Secrets that are read because claims name them."""


@attrs.frozen
class Sources:
    """Where an earlier key may be found: pods by index, what is stored, and the user's Secrets."""

    target: Target
    pods: Mapping[int, Pod]
    stored: Stored
    references: References

    def digest(self, key: str, cipher: str) -> str:
        """That of a key, as pods and claims tell it; empty without a key."""
        place = self.target.namespace, self.target.name
        return digest_of_key(place, key, cipher, self.references.pepper)


def earlier_keys(sources: Sources) -> dict[int, EarlierKey]:
    """What each server has that is not to have what the spec says before its volume is replaced."""
    found = ((index, _earlier(sources, index, data)) for index, data in _counting(sources).items())
    return {index: earlier for index, earlier in found if earlier is not None}


def storing(target: Target, pods: Collection[Pod]) -> dict[int, Pod]:
    """Pods of servers that store something."""
    return {index: pod for index, pod in servers_among(target.name, pods) if has_store(pod)}


def noted_encryption(data: Data) -> Encryption | None:
    """What the spec said when the data was stored; None: nothing of encryption."""
    secret, key, cipher = (data.fields.get(path, "") for path in ENCRYPTION_FIELDS)
    return Encryption(secret, key, cipher) if secret else None


def noted_secrets(stored: Stored) -> frozenset[str]:
    """Secrets that claims name: some of them, if somebody made claims name many."""
    noted = map(noted_encryption, stored.data.values())
    return frozenset(sorted({it.secret for it in noted if it is not None})[:MOST_SECRETS])


def suffix_of_own(sources: Sources, earlier: Mapping[int, EarlierKey]) -> str:
    """That of the files with the key that new servers get.

    Where the key is written already, it stays, and no file that another key may be in gets it.
    """
    target, own = sources.target, key_of(sources.target)
    written = sorted(suffix for suffix, key in sources.stored.keys.items() if key == own)
    if written:
        return written[0]
    seal = wanted_key_seal(target.inputs)
    bound = seal.digest if seal is not None else PLAIN
    if earlier or any(_starts_with(pod, bound) for pod in sources.pods.values()):
        return bound
    return FIRST


def objection(sources: Sources, earlier: Mapping[int, EarlierKey]) -> str:
    """Why the configuration has to stay as it is; empty: nothing of this is unknown."""
    target = sources.target
    for index, known in earlier.items():
        if not known.is_known:
            return _lacking(target, index, known)
    for index in sorted(without(sources.pods, earlier)):
        if _is_untold(sources, index):
            claim = claim_name(target.name, index)
            return (
                f"PersistentVolumeClaim {claim} does not say how its data is encrypted: set "
                "spec.jetstream.encryption back"
            )
    if len({known.suffix for known in earlier.values()}) > MOST_KEYS:
        return (
            f"servers have more than {MOST_KEYS} different encryption keys: set "
            "spec.jetstream.encryption back to one of these, and wait until all servers have it"
        )
    return ""


def _counting(sources: Sources) -> dict[int, Data]:
    """Not of servers that were removed."""
    stored, size = sources.stored, sources.target.spec.size
    standing = {index: data for index, data in stored.data.items() if has_server(size, index)}
    others = without(stored.data, stored.left).items()
    stood = {index: data for index, data in others if has_server(data.size, index)}
    return {**stood, **standing}


def _earlier(sources: Sources, index: int, data: Data) -> EarlierKey | None:
    then, pod, target = noted_encryption(data), sources.pods.get(index), sources.target
    if then == encryption_of(target):
        return None
    told = (key_seal_of(pod) if pod is not None else None) or data.key
    if then is None or told is None:
        # Encrypted without a key is what never started, and a key without encryption somebody's
        # edit, which `_is_untold` finds.
        return _plain(sources) if then is None and told is None else None
    if in_present_form(told, target.inputs) == wanted_key_seal(target.inputs):
        return None  # the same key in another Secret
    if told.seal != target.inputs.seal:
        return _foreign(sources, then, pod)
    return _comparable(sources, then, told)


def _plain(sources: Sources) -> EarlierKey:
    written = sorted(suffix for suffix, key in sources.stored.keys.items() if not key.key)
    return EarlierKey(None, suffix=written[0] if written else PLAIN)


def _comparable(sources: Sources, then: Encryption, told: KeySeal) -> EarlierKey:
    for suffix, written in sorted(sources.stored.keys.items()):
        if sources.digest(written.key, written.cipher) == told.digest:
            return EarlierKey(then, written.key, told.digest, suffix)
    given = content(sources.references.secrets.get(then.secret), then.key) or b""
    key = given.decode(errors="replace")
    if sources.digest(key, then.cipher) != told.digest:
        return EarlierKey(then)
    return EarlierKey(then, key, told.digest, told.digest)


def _foreign(sources: Sources, then: Encryption, pod: Pod | None) -> EarlierKey | None:
    """Of a digest that no key can be compared with: the file tells that the pod starts with."""
    suffixes = (suffix for suffix in sources.stored.keys if _starts_with(pod, suffix))
    suffix = next(suffixes, None)
    if suffix is None or (written := sources.stored.keys[suffix]).cipher != then.cipher:
        return EarlierKey(then)
    if written == key_of(sources.target):
        return None
    sealed = sources.digest(written.key, written.cipher)
    return EarlierKey(then, written.key, sealed, suffix)


def _starts_with(pod: Pod | None, suffix: str) -> bool:
    """Whether a pod was made to start with the files of this suffix."""
    if pod is None:
        return False
    entry = entries_of(pod.metadata.annotation(names.REVISION_ANNOTATION)).get(STORE_FILE)
    return entry == (hashed(suffix) if suffix != FIRST else None)


def _is_untold(sources: Sources, index: int) -> bool:
    """Whether a server may be encrypted in another way than the spec says, and no claim tells."""
    told, data = key_seal_of(sources.pods[index]), sources.stored.data.get(index)
    if encryption_of(sources.target) is None:
        return told is not None
    return told is None and data is None


def _lacking(target: Target, index: int, known: EarlierKey) -> str:
    then = known.encryption
    assert then is not None  # else it is known
    return (
        f"natsctl does not find the key that the data on PersistentVolumeClaim "
        f"{claim_name(target.name, index)} is encrypted with: restore Secret {named(then.secret)} "
        f"with it, at the key {named(then.key)} (and natsctl's own Secret {OPERATOR_SECRET}, if "
        "that was replaced), or set spec.jetstream.encryption back; or delete the claim, if its "
        "data may be lost"
    )


def written_key(sources: Sources, known: Mapping[int, EarlierKey]) -> tuple[StreamKey, ...]:
    """Keys of the configuration that are not those of these servers."""
    others = {StreamKey(it.key, it.encryption.cipher) for it in known.values() if it.encryption}
    keys = sources.stored.keys
    return tuple(keys[it] for it in sorted(keys) if keys[it].key and keys[it] not in others)
