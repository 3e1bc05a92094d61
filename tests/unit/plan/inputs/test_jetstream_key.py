"""The key that streams are encrypted with: readable, and always the same one."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.plan.inputs.jetstream_key import LONGEST, SHORTEST, key_problem
from natsctl.plan.inputs.resolve import named_secrets
from natsctl.render.revision.revision import STREAM_KEY, revision
from tests.unit.plan.encrypted import ANOTHER, ENCRYPTED, KEY, found, made_for
from tests.unit.plan.references import references, resolved, secret
from tests.unit.plan.world import target


class TestReading:
    def test_the_spec_names_its_secret(self) -> None:
        assert named_secrets(target({"size": 1, **ENCRYPTED}).spec) == {"js-key"}
        assert named_secrets(target({"size": 1, "jetstream": {}}).spec) == frozenset()

    def test_it_is_taken_as_it_is(self) -> None:
        other = {"jetstream": {"encryption": {"secret": "js-key", "key": "other"}}}
        assert found().jetstream_key == KEY
        assert found(spec=other).jetstream_key == f"{KEY} at another place"
        empty = {"jetstream": {"encryption": {"secret": "js-key", "key": ""}}}
        assert found(spec=empty).jetstream_key == KEY

    def test_nobody_sees_it(self) -> None:
        assert KEY not in repr(found())

    def test_without_encryption_there_is_none(self) -> None:
        inputs = resolved({"jetstream": {}}, references()).inputs
        assert inputs.jetstream_key == ""
        assert STREAM_KEY not in inputs.sealed

    def test_pods_tell_it_by_a_digest(self) -> None:
        one, other = found(), found(ANOTHER)
        assert one.sealed[STREAM_KEY] != other.sealed[STREAM_KEY]
        assert revision(made_for(ENCRYPTED, one))[STREAM_KEY] == one.sealed[STREAM_KEY]
        aes = {"jetstream": {"encryption": {"secret": "js-key", "cipher": "aes"}}}
        assert found(spec=aes).sealed[STREAM_KEY] != one.sealed[STREAM_KEY]

    @pytest.mark.parametrize(
        ("secrets", "missing"),
        [
            (
                (),
                "Secret js-key (spec.jetstream.encryption.secret) does not exist: create it, with "
                "the same key as before if servers have stored anything",
            ),
            ((secret("js-key", {"k": "x"}),), "Secret js-key lacks the key key"),
            (
                (secret("js-key", {"key": ""}),),
                "Secret js-key, key key: is empty: put the key there",
            ),
        ],
    )
    def test_servers_wait_for_it(self, secrets: tuple[Any, ...], missing: str) -> None:
        waiting = resolved(ENCRYPTED, references(*secrets))
        assert waiting.missing == (missing,)
        assert waiting.inputs.jetstream_key == ""

    @pytest.mark.parametrize("key", ["a", "0123/+=", "with space", "\"'\\", "\u00e9"])
    def test_what_servers_read(self, key: str) -> None:
        assert key_problem((key * SHORTEST).encode()) == ""

    @pytest.mark.parametrize(
        ("key", "problem"),
        [
            (b"", "is empty"),
            (b"\xff\xfe", "is not text: encode it, for example in base64"),
            (b"a" * (LONGEST + 1), "is longer than 1024 characters: use a shorter one"),
            (b"a" * (SHORTEST - 1), "is shorter than 16 characters: use a random one (openssl"),
            (b"a" * SHORTEST + b"\n", "has a line break, a space at one end"),
            (b" " + b"a" * SHORTEST, "has a line break, a space at one end"),
            (
                b"a\x00b" * SHORTEST,
                "has a line break, a space at one end or a character that is not",
            ),
        ],
    )
    def test_what_would_be_part_of_it_unseen(self, key: bytes, problem: str) -> None:
        assert key_problem(key).startswith(problem)
