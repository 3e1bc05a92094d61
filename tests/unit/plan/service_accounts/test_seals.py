"""The seal on a bound-token Secret: what it covers, and what is no seal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from natsctl.model.bound_tokens import EXPIRES, RENEW_AFTER, SEAL, SWITCH_AT
from natsctl.model.objects import Secret
from natsctl.plan.service_accounts.seals import (
    LONGEST_SEAL,
    LONGEST_TOKEN,
    bond_of,
    claimed,
    decoded,
    is_token,
    kept,
    labels_of,
    renew_after,
    sealing_key,
    switch_at,
)
from tests.unit.plan.references import SEALING, bond, secret, token, unsealed, with_seal
from tests.unit.plan.world import changed_secret


def test_it_says_for_whom_a_secret_was_made() -> None:
    assert bond_of(token(), SEALING) == bond()
    assert claimed(token()) == ("ns", "c")


def test_keys_of_two_operators_differ_and_none_is_that_of_digests() -> None:
    assert len({sealing_key(b"a"), sealing_key(b"b"), b"a", b"b"}) == 4
    assert bond_of(token(), sealing_key(b"another")) is None
    assert bond_of(with_seal(unsealed(), bond(), b""), b"") is None


MOVED: list[dict[str, Any]] = [
    {"uid": "copy"},
    {"namespace": "evil"},
    {"name": "other-c-bound-token"},
    {"annotations": {}},
    {"annotations": None},
]


@pytest.mark.parametrize("meta", MOVED)
def test_it_cannot_be_moved_to_another_secret(meta: dict[str, Any]) -> None:
    assert bond_of(changed_secret(token(), **meta), SEALING) is None


@pytest.mark.parametrize("key", ["token", "previous-token", "username"])
def test_it_covers_the_tokens(key: str) -> None:
    found = token(previous="before")
    edited = replace(found, data={**(found.data or {}), key: "Y2hvc2Vu"})
    assert bond_of(edited, SEALING) is None
    less = {k: v for k, v in (found.data or {}).items() if k != key}
    assert bond_of(replace(found, data=less), SEALING) is None
    assert bond_of(replace(found, data=None), SEALING) is None


@pytest.mark.parametrize("field", [f for f in type(bond()).__struct_fields__])
def test_it_covers_every_word_of_itself(field: str) -> None:
    found = token()
    text = (found.metadata.annotations or {})[SEAL]
    forged = with_seal(found, replace(bond(), **{field: "forged"}), b"guessed")
    mac = text[text.index('"mac"') :]
    told = (forged.metadata.annotations or {})[SEAL]
    told = told[: told.index('"mac"')] + mac
    assert bond_of(changed_secret(found, annotations={SEAL: told}), SEALING) is None


def test_what_others_add_to_a_secret_breaks_nothing_and_is_not_kept() -> None:
    found = token(annotations={EXPIRES: "2027-01-01T00:00:00Z"})
    notes = (found.metadata.annotations or {}) | {"a": "x" * 100_000, SWITCH_AT: "x" * 5000}
    fat = replace(
        changed_secret(found, annotations=notes, labels={"l": "x"}),
        data={**(found.data or {}), "junk": "x" * 100_000},
    )
    assert bond_of(fat, SEALING) == bond()
    small = kept(fat)
    assert bond_of(small, SEALING) == bond()
    assert set(small.metadata.annotations or {}) == {SEAL, EXPIRES}
    assert set(small.data or {}) == {"token", "username"}
    assert (small.key, small.version) == (fat.key, fat.version)


NONE = ["", "{}", "[" * 4000, "x", '{"bond":1,"mac":""}', "x" * (LONGEST_SEAL + 1), '"\\ud800"']


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_seal(text: str) -> None:
    found = secret("worker-c-bound-token", {}, annotations={SEAL: text})
    assert bond_of(found, SEALING) is None
    assert claimed(found) is None


def test_only_bound_tokens_have_one() -> None:
    other = with_seal(secret("worker", {"token": "t"}, uid="u"), bond())
    assert bond_of(other, SEALING) is None


def test_half_a_character_is_no_seal() -> None:
    seal = (with_seal(unsealed(), bond()).metadata.annotations or {})[SEAL]
    for old in ('"c"', '"mac":"'):
        text = seal.replace(old, '"\\ud800"' if old == '"c"' else '"mac":"\\ud800')
        assert bond_of(changed_secret(unsealed(), annotations={SEAL: text}), SEALING) is None
    odd = with_seal(unsealed(), bond())
    assert bond_of(replace(odd, data={"x": "\ud800"}), SEALING) is None


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=9), st.text(max_size=40)))
def test_anything_in_a_secret_is_taken_calmly(text: str, data: dict[str, str]) -> None:
    found = Secret(token().metadata, data=data)
    assert bond_of(found, SEALING) is None
    assert bond_of(changed_secret(found, annotations={SEAL: text}), SEALING) is None
    assert decoded(found, "token") == "" or is_token(decoded(found, "token"))


@pytest.mark.parametrize(
    "text", ["", "a b", "a\n", "a\x1b[1m", "ä", "x" * (LONGEST_TOKEN + 1), '"', "a\x00"]
)
def test_what_is_no_token(text: str) -> None:
    assert not is_token(text)
    assert decoded(unsealed(text), "token") == ""


def test_tokens_are_jwts_of_any_usual_length() -> None:
    assert decoded(unsealed("a.b-c_d.e=" * 100), "token") == "a.b-c_d.e=" * 100
    assert decoded(replace(unsealed(), data={"token": "!"}), "token") == ""
    assert decoded(replace(unsealed(), data={"token": "A" * 20_000}), "token") == ""


def test_times_can_be_brought_forward_only() -> None:
    made = bond(renew_after="2026-06-01T00:00:00Z", switch_at="2026-06-01T00:00:00Z")
    early, late = "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"
    for told, counts in ((early, early), (late, made.renew_after), ("soon", made.renew_after)):
        found = token(bond_to=made, annotations={RENEW_AFTER: told, SWITCH_AT: told})
        assert (renew_after(found, made), switch_at(found, made)) == (counts, counts)
    assert renew_after(token(), bond()) == ""
    assert renew_after(token(), bond(renew_after=early)) == early


def test_labels_lead_back_to_the_cluster() -> None:
    assert labels_of("ns", "c") == {
        "app": "nats",
        "nats_cluster": "c",
        "nats.io/cluster-namespace": "ns",
        "app.kubernetes.io/managed-by": "natsctl",
    }
