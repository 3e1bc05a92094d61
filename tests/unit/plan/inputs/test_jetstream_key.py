"""The key that streams are encrypted with: readable, and always the same one."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model.objects import Cluster, Meta, Pod
from natsctl.plan.desired import ParsedSpec, desired_of
from natsctl.plan.inputs.jetstream_key import LONGEST, key_problem, other_key
from natsctl.plan.inputs.resolve import named_secrets
from natsctl.plan.references import References
from natsctl.render.inputs import ConfigInputs, Images
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import STREAM_KEY, revision
from natsctl.render.target import Target
from tests.unit.plan.references import PEPPER, references, resolved, secret
from tests.unit.plan.world import NAME, NAMESPACE, UID, target

ENCRYPTED: dict[str, Any] = {"jetstream": {"encryption": {"secret": "js-key"}}}
OTHER = {"jetstream": {"encryption": {"secret": "js-key", "key": "other"}}}
TEXT = "0123456789abcdef"


def found(text: bytes | str = TEXT, spec: dict[str, Any] | None = None) -> ConfigInputs:
    made = resolved(spec or ENCRYPTED, references(secret("js-key", {"key": text, "other": "o"})))
    assert made.missing == ()
    return made.inputs


def made_for(spec: dict[str, Any], inputs: ConfigInputs) -> Target:
    return attrs.evolve(target({"size": 3, **spec}), inputs=inputs)


def running(spec: dict[str, Any], inputs: ConfigInputs) -> tuple[Pod, ...]:
    return (msgspec.convert(render_pod(made_for(spec, inputs), 1), Pod),)


class TestReading:
    def test_the_spec_names_its_secret(self) -> None:
        assert named_secrets(target({"size": 1, **ENCRYPTED}).spec) == {"js-key"}
        assert named_secrets(target({"size": 1, "jetstream": {}}).spec) == frozenset()

    def test_it_is_taken_as_it_is(self) -> None:
        assert found().jetstream_key == TEXT
        assert found(spec=OTHER).jetstream_key == "o"
        empty = {"jetstream": {"encryption": {"secret": "js-key", "key": ""}}}
        assert found(spec=empty).jetstream_key == TEXT

    def test_nobody_sees_it(self) -> None:
        assert TEXT not in repr(found())

    def test_without_encryption_there_is_none(self) -> None:
        inputs = resolved({"jetstream": {}}, references()).inputs
        assert inputs.jetstream_key == ""
        assert STREAM_KEY not in inputs.sealed

    def test_pods_tell_it_by_a_digest(self) -> None:
        one, other = found(), found("another")
        assert one.sealed[STREAM_KEY] != other.sealed[STREAM_KEY]
        assert revision(made_for(ENCRYPTED, one))[STREAM_KEY] == one.sealed[STREAM_KEY]

    @pytest.mark.parametrize(
        ("secrets", "missing"),
        [
            ((), "Secret js-key (spec.jetstream.encryption.secret) does not exist: create it"),
            ((secret("js-key", {"k": "x"}),), "Secret js-key lacks the key key"),
            ((secret("js-key", {"key": ""}),), "Secret js-key, key key: is empty"),
        ],
    )
    def test_servers_wait_for_it(self, secrets: tuple[Any, ...], missing: str) -> None:
        waiting = resolved(ENCRYPTED, references(*secrets))
        assert waiting.missing == (missing,)
        assert waiting.inputs.jetstream_key == ""

    @pytest.mark.parametrize("key", ["a", "0123/+=", "with space", "\"'\\", "\u00e9"])
    def test_what_servers_read(self, key: str) -> None:
        assert key_problem(key.encode()) == ""

    @pytest.mark.parametrize(
        ("key", "problem"),
        [
            (b"", "is empty"),
            (b"\xff\xfe", "is not text: encode it, for example in base64"),
            (b"a" * (LONGEST + 1), "is longer than 1024 characters"),
            (b"key\n", "has a line break, a space at one end"),
            (b" key", "has a line break, a space at one end"),
            (b"a\x00b", "has a line break, a space at one end or a character that is not"),
        ],
    )
    def test_what_would_be_part_of_it_unseen(self, key: bytes, problem: str) -> None:
        assert key_problem(key).startswith(problem)


class TestAnotherKey:
    def test_servers_that_have_data_keep_theirs(self) -> None:
        pods = running(ENCRYPTED, found())
        assert other_key(made_for(ENCRYPTED, found()), pods) == ""
        assert other_key(made_for(ENCRYPTED, found("another")), pods) == (
            "Secret js-key has another key than servers encrypted their streams with: put the "
            "earlier one back"
        )

    def test_nor_do_they_go_without(self) -> None:
        plain = made_for({"jetstream": {}}, found(spec={"jetstream": {}}))
        told = other_key(plain, running(ENCRYPTED, found()))
        assert told == "servers encrypted their streams: put spec.jetstream.encryption back"

    def test_the_first_key_is_taken(self) -> None:
        before = running({"jetstream": {}}, found(spec={"jetstream": {}}))
        assert other_key(made_for(ENCRYPTED, found()), before) == ""
        assert other_key(made_for(ENCRYPTED, found()), ()) == ""

    def test_one_that_is_missing_is_told_as_such(self) -> None:
        nothing = resolved(ENCRYPTED, references()).inputs
        assert other_key(made_for(ENCRYPTED, nothing), running(ENCRYPTED, found())) == ""

    def test_digests_with_another_seal_tell_nothing(self) -> None:
        sealed = attrs.evolve(found("another"), seal="another")
        assert other_key(made_for(ENCRYPTED, sealed), running(ENCRYPTED, found())) == ""

    def test_without_streams_no_key_counts(self) -> None:
        assert other_key(made_for({}, ConfigInputs()), running(ENCRYPTED, found())) == ""

    def test_the_configuration_waits(self) -> None:
        """What is there stays: servers that start again find the key that they know."""
        spec = {"size": 3, **ENCRYPTED}
        known = References(secrets={"js-key": secret("js-key", {"key": "another"})}, pepper=PEPPER)
        made = Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID), spec=spec)
        parsed = ParsedSpec(target(spec).spec, target(spec).version)
        goal = desired_of(made, parsed, running(ENCRYPTED, found()), known, Images())
        assert goal is not None
        assert goal.waiting
        assert "put the earlier one back" in str(goal.resolved.missing)
