"""Quantities of bytes are read exactly as Kubernetes means them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.quantity import BYTES_MAX, bytes_text, parse_bytes

KUBERNETES = {
    "0": 0,
    "1": 1,
    "+1": 1,
    "10Gi": 10 * 2**30,
    "1Ki": 2**10,
    "1Mi": 2**20,
    "1Ti": 2**40,
    "1Pi": 2**50,
    "1Ei": 2**60,
    "1k": 10**3,
    "1M": 10**6,
    "1G": 10**9,
    "1T": 10**12,
    "1P": 10**15,
    "1E": 10**18,
    "1E3": 1000,
    "1e3": 1000,
    "12e+6": 12_000_000,
    "1.5Gi": 3 * 2**29,
    "1.": 1,
    ".5Ki": 512,
    "0.1Gi": 107_374_183,  # 107374182.4
    "1500m": 2,
    "1n": 1,
    "1u": 1,
    "1e-3": 1,
    "1e-999": 1,
    "0e999": 0,
    "9223372036854775807": BYTES_MAX,
    "0.000000001E": 10**9,
    "000000000000000000001Ki": 1024,
}


@pytest.mark.parametrize("text", KUBERNETES)
def test_every_form_is_so_many_bytes(text: str) -> None:
    assert parse_bytes(text) == KUBERNETES[text]


NONE_OF_THEM = (
    *("", "Gi", ".", "+", "+.", "1gi", "1ki", "1K", "1 Gi", " 1Gi", "1Gi\n", "-1Gi", "1Gi1"),
    *("1.2.3", "1e", "1e1000", "1e3Gi", "1e1.5", "1Gib", "1B", "0x10", "1_000", "٣", "nan", "inf"),
    "1" * 65,
)


@pytest.mark.parametrize("text", NONE_OF_THEM)
def test_all_else_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match=r'is not a valid quantity of bytes; .*such as "10Gi"'):
        parse_bytes(text)


@pytest.mark.parametrize("text", ["9223372036854775808", "8Ei", "10E", "1e19", "1e999", "9" * 64])
def test_what_kubernetes_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is more than 9223372036854775807; use less"):
        parse_bytes(text)


def test_an_error_shows_a_long_text_in_part() -> None:
    with pytest.raises(ValueError, match="truncated") as raised:
        parse_bytes("x" * 10_000)
    assert len(str(raised.value)) < 200


WRITTEN = {
    0: "0",
    1: "1",
    1000: "1000",
    1024: "1Ki",
    1536: "1536",
    3 * 2**29: "1536Mi",
    10 * 2**30: "10Gi",
    2**40: "1Ti",
    2**60: "1Ei",
}


@pytest.mark.parametrize("count", WRITTEN)
def test_bytes_are_written_in_the_largest_unit_that_is_exact(count: int) -> None:
    assert bytes_text(count) == WRITTEN[count]


@given(st.integers(0, BYTES_MAX))
def test_what_is_written_is_read_again(count: int) -> None:
    assert parse_bytes(bytes_text(count)) == count


@given(st.text(alphabet="0123456789.+-eEKMGTPkinum ", max_size=70))
def test_no_text_of_anybody_costs_more_than_an_error(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= parse_bytes(text) <= BYTES_MAX
