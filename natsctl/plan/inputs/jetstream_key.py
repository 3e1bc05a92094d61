"""The key that servers encrypt their streams with, as a user's Secret has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.render.revision.data import stored_key
from natsctl.render.revision.revision import STREAM_KEY, stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.objects import Pod
    from natsctl.render.target import Target

LONGEST: Final = 1024
"""Characters; nobody needs more."""


def key_problem(key: bytes) -> str:
    """Why servers should not encrypt with it; empty if they may.

    What an editor adds, a line's end, would be a part of the key, and nobody would see it.
    """
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return "is not text: encode it, for example in base64"
    if not text:
        return "is empty"
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if text.strip() != text or not text.isprintable():
        return "has a line break, a space at one end or a character that is not printable: omit it"
    return ""


def other_key(target: Target, pods: Iterable[Pod]) -> str:
    """Why the configuration waits: servers have data under another key; empty if none has.

    Measured: with another key no server starts, or starts and deletes what it cannot read
    (2.10.29). Pods whose digests have another seal tell nothing.
    """
    inputs, jetstream = target.inputs, target.spec.jetstream
    stamps = [pod.metadata.annotation(names.REVISION_ANNOTATION) for pod in pods]
    digests = {d for s in stamps if _same_seal(s, inputs.seal) and (d := stored_key(s))}
    if jetstream is None or digests <= {inputs.sealed.get(STREAM_KEY)}:
        return ""
    encryption = jetstream.encryption
    if encryption is None:
        return "servers encrypted their streams: put spec.jetstream.encryption back"
    if not inputs.jetstream_key:
        return ""  # told already
    return (
        f"Secret {named(encryption.secret)} has another key than servers encrypted their streams "
        "with: put the earlier one back"
    )


def _same_seal(stamp: str | None, seal: str) -> bool:
    return stamp_of(stamp).seal in ("", seal)
