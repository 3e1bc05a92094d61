"""The text of who left empty."""

from __future__ import annotations

from natsctl.model.departed import departed_in, departed_text
from natsctl.model.names import MAX_SIZE


def test_it_is_read_as_it_was_written() -> None:
    note = {5: "c-5-0f8fad1c", 12: "c-12-0f8fad1c"}
    assert departed_text(note) == "5=c-5-0f8fad1c,12=c-12-0f8fad1c"
    assert departed_in(departed_text(note)) == note


def test_what_is_no_entry_counts_as_nothing() -> None:
    assert departed_in("") == {}
    assert departed_in("5=c-5,0=c-0,6,=c-7,8=c 8,9=c-9") == {5: "c-5", 9: "c-9"}


def test_there_are_no_more_than_a_cluster_can_have() -> None:
    assert len(departed_in(",".join(f"{n % 999 + 1}=c" for n in range(MAX_SIZE + 5)))) <= MAX_SIZE
