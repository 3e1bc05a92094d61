"""Which servers have had a volume is noted in a text that anybody may have edited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.names import MAX_SIZE
from natsctl.model.objects import Meta, Secret
from natsctl.model.slim import OWN, slim
from natsctl.plan.claims.note import (
    Noted,
    beginning,
    copy_text,
    note_text,
    parse_copy,
    parse_note,
    together,
)

UID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TEXTS = st.text(alphabet="0123456789abcdef-", min_size=1)
NOTES = st.dictionaries(
    st.integers(1, MAX_SIZE),
    st.builds(Noted, TEXTS.map(beginning), st.just("") | TEXTS.map(lambda text: text[:8])),
    max_size=20,
)


def test_it_tells_the_claim_of_each_server_and_who_named_the_server() -> None:
    note = {2: Noted("5c1e77", "77aa00bb"), 1: Noted(beginning(UID))}
    assert note_text(note) == "1=0f8fad,2=5c1e77@77aa00bb"
    assert parse_note(note_text(note)) == note


def test_a_claim_is_known_by_its_uid() -> None:
    assert Noted(beginning(UID)).is_of(UID)
    assert not Noted(beginning(UID)).is_of("1f8fad5b-d9cb-469f-a165-70867728950e")


@given(NOTES)
def test_what_is_written_is_read_again(note: dict[int, Noted]) -> None:
    assert parse_note(note_text(note)) == note


def test_that_no_server_has_had_a_volume_is_said_in_a_word() -> None:
    assert note_text({}) == "none"
    assert parse_note("none") == {}


EDITED = (
    *(
        "",
        "None",
        "none,1=a",
        "1",
        "1=",
        "=a",
        "0=a",
        "01=a",
        "1000=a",
        "a=1",
        "1=a,",
        ",",
        "1=a 2=b",
        "1=a,1=b",
        "1=A",
    ),
    *("1=a@", "1=a@b@c", "1=abcdefg", "1=a@abcdefghi", "\u0661=a", "1=a\n", "sha256:" + "a" * 64),
)


@pytest.mark.parametrize("text", EDITED)
def test_an_edited_note_tells_nothing(text: str) -> None:
    assert parse_note(text) is None


class TestACopy:
    OTHER = "77aa00bb-earlier"

    @given(NOTES)
    def test_tells_the_same(self, note: dict[int, Noted]) -> None:
        assert parse_copy(copy_text(UID, note), UID) == note

    def test_of_an_earlier_cluster_tells_who_named_the_servers(self) -> None:
        text = copy_text(self.OTHER, {1: Noted("0f8fad"), 2: Noted("5c1e77", "0f8fad5b")})
        assert text == "77aa00bb:1=0f8fad,2=5c1e77@0f8fad5b"
        found = {1: Noted("0f8fad", "77aa00bb"), 2: Noted("5c1e77")}
        assert parse_copy(text, UID) == found

    @pytest.mark.parametrize(
        "text",
        ["none", ":none", "77aa00bb", "77aa00bb:", "77AA00BB:none", "77aa00bb:1", "a:b:none"],
    )
    def test_that_somebody_edited_tells_nothing(self, text: str) -> None:
        assert parse_copy(text, UID) is None


class TestSeveralNotes:
    def test_tell_of_each_server_that_any_of_them_tells_of(self) -> None:
        older, newer = {1: Noted("a")}, {1: Noted("a"), 2: Noted("b", "x")}
        assert together([older, newer]) == together([newer, older]) == newer
        assert together([]) == together([{}]) == {}

    def test_that_differ_tell_of_a_claim_that_no_user_ever_spoke_of(self) -> None:
        found = together([{1: Noted("a", "x")}, {1: Noted("b")}, {1: Noted("a")}])
        assert found[1].claim not in ("a", "b")
        assert found[1].origin == "x"
        assert together([{1: Noted("b")}, {1: Noted("a")}])[1].claim == found[1].claim
        assert parse_note(note_text(found)) == found


def test_a_flood_is_not_read() -> None:
    assert parse_note(",".join(f"{index}=a" for index in range(1, 5000))) is None


def test_that_of_the_largest_cluster_is_kept_as_it_is() -> None:
    note = {index: Noted("0f8fad") for index in range(1, MAX_SIZE + 1)}
    assert len(note_text(note)) <= OWN
    assert parse_note(note_text(note)) == note


def test_of_as_many_servers_as_there_may_be_is_kept_whole() -> None:
    """Also if an earlier NatsCluster gave all their names."""
    note = {index: Noted("0f8fad", "7e57ab1e") for index in range(1, MAX_SIZE + 1)}
    text = copy_text("5c1e77aa-7e57", note)
    kept = slim(Secret(Meta(name="c", annotations={"nats.io/claims": text})))
    assert parse_copy(kept.metadata.annotation("nats.io/claims") or "", "5c1e77aa") == note
