"""What any server starts with, as the config Secret has it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from natsctl.model.objects import Meta, Secret
from natsctl.plan.written_block import StreamKey, block_of, keys_in
from tests.unit.plan.encrypted import ENCRYPTED, KEY, PLAIN, written

AES: dict[str, Any] = ENCRYPTED | {
    "jetstream": {"encryption": {"secret": "js-key", "cipher": "aes"}}
}


def holding(block: object) -> Secret:
    text = block if isinstance(block, str) else json.dumps(block)
    data = {"jetstream.json": base64.b64encode(text.encode()).decode()}
    return Secret(Meta(name="c", namespace="ns"), data=data)


def test_it_has_the_key_and_the_cipher() -> None:
    assert keys_in(written()) == {"": StreamKey(KEY, "chacha")}
    assert keys_in(written(spec=AES)) == {"": StreamKey(KEY, "aes")}
    assert KEY not in repr(keys_in(written()))


def test_without_encryption_there_is_none() -> None:
    assert keys_in(written(spec=PLAIN)) == {"": StreamKey()}
    assert keys_in(None) == {}


@pytest.mark.parametrize(
    "block",
    ["", "[]", "{", {"key": 7, "cipher": "aes"}, {"key": KEY}, {"key": "", "cipher": "aes"}],
)
def test_what_somebody_edited_is_no_key(block: object) -> None:
    assert keys_in(holding(block)).get("", StreamKey()) == StreamKey()


@pytest.mark.parametrize("text", ["\u00e9", "sha256:0123"])
def test_what_is_no_base64_is_nothing(text: str) -> None:
    odd = Secret(Meta(name="c", namespace="ns"), data={"jetstream.json": text})
    assert block_of(odd) == {}
    assert block_of(Secret(Meta(name="c", namespace="ns"))) == {}
