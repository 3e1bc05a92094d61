"""How pods and claims tell which key data is encrypted with, and to nobody what it is.

A digest of the key and the cipher is keyed with the operator's secret, and says with which one:
once that was replaced, the digests of before can be compared with each other only. So it is with
those of an earlier natsctl, but for what may be compared with them (`natsctl.plan.digests`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.model import names
from natsctl.render.revision.data import stored_key
from natsctl.render.revision.revision import STREAM_KEY, stamp_of

if TYPE_CHECKING:
    from natsctl.model.objects import Pod
    from natsctl.render.inputs import ConfigInputs

_FORM: Final = re.compile(r"([0-9a-f]{0,10}):([0-9a-f]{10})", re.ASCII)


@attrs.frozen
class KeySeal:
    """The digest of a key and its cipher, and what tells the secret that it is keyed with."""

    seal: str
    digest: str

    def __str__(self) -> str:
        return f"{self.seal}:{self.digest}"


def parse_key_seal(text: str) -> KeySeal | None:
    """What was noted; None if somebody edited it."""
    match = _FORM.fullmatch(text)
    return KeySeal(match[1], match[2]) if match is not None else None


def key_seal_of(pod: Pod) -> KeySeal | None:
    """What a pod tells of the key that its server has; None: no key, or nothing is told."""
    stamp = pod.metadata.annotation(names.REVISION_ANNOTATION)
    digest = stored_key(stamp)
    return parse_key_seal(f"{stamp_of(stamp).seal}:{digest}") if digest else None


def wanted_key_seal(inputs: ConfigInputs) -> KeySeal | None:
    """The same of the key that servers are to have; None: there is none, or it is not known."""
    digest = inputs.sealed.get(STREAM_KEY)
    return KeySeal(inputs.seal, digest) if digest else None


def is_comparable(told: KeySeal, inputs: ConfigInputs) -> bool:
    """Whether it is surely another key if it differs from the wanted one in the present form."""
    former = inputs.former
    return told.seal == inputs.seal or (told.seal == former.seal and STREAM_KEY in former.digests)


def in_present_form(told: KeySeal, inputs: ConfigInputs) -> KeySeal:
    """The same; of another key than the wanted one, what an earlier natsctl noted stays."""
    former = inputs.former
    wanted = wanted_key_seal(inputs)
    same = told == KeySeal(former.seal, former.digests.get(STREAM_KEY, ""))
    return wanted if same and wanted is not None else told
