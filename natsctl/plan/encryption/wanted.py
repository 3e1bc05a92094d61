"""The key that servers are to encrypt with, and what to say where they cannot have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.plan.written_block import StreamKey

if TYPE_CHECKING:
    from natsctl.api.types.jetstream import Encryption
    from natsctl.plan.encryption.seal import KeySeal
    from natsctl.render.target import Target

OPERATOR_SECRET: Final = "nats-operator-system-user"


def encryption_of(target: Target) -> Encryption | None:
    """What the spec says of it; None: servers do not encrypt."""
    return target.spec.jetstream.encryption if target.spec.jetstream is not None else None


def key_of(target: Target) -> StreamKey:
    """What servers of a target encrypt with."""
    encryption, key = encryption_of(target), target.inputs.jetstream_key
    return StreamKey(key, encryption.cipher) if encryption is not None and key else StreamKey()


def is_awaited(target: Target) -> bool:
    """Whether servers are to encrypt with a key that is not there."""
    return encryption_of(target) is not None and not target.inputs.jetstream_key


def unknown_key(target: Target, wanted: KeySeal) -> str:
    """What to do where nothing tells whether it is the right one."""
    return (
        f"natsctl cannot tell whether Secret {_secret(target)} has the key that the data is "
        f"encrypted with, because its own Secret {OPERATOR_SECRET} was replaced, or an earlier "
        f"natsctl noted the key: restore {OPERATOR_SECRET} if you have a copy of the earlier "
        f"one, or if the key is right, kubectl annotate natscluster {target.name} --namespace "
        f"{target.namespace} --overwrite {names.KEY_ANNOTATION}={wanted.digest}"
    )


def other_key(target: Target, written: StreamKey | None = None) -> str:
    """The same where it is another one; `written` is that of the configuration."""
    where = f", which Secret {target.name} still contains" if written is not None else ""
    return (
        f"Secret {_secret(target)} has another key than the data is encrypted with: put the "
        f"earlier one back{where}; for a new key, set spec.jetstream.encryption to another Secret, "
        "or to another key of this one"
    )


def _secret(target: Target) -> str:
    encryption = encryption_of(target)
    return named(encryption.secret) if encryption is not None else ""
