import pytest

from natsctl.api.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("10s", 10 * 10**9),
        ("1m30s", 90 * 10**9),
        ("1.5h", 5400 * 10**9),
        (".5ms", 500_000),
        ("1.s", 10**9),
        ("3us4ns", 3004),
        ("1µs", 1000),
        ("1μs", 1000),
    ],
)
def test_go_durations_are_read(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


ENDLESS = "9" * 400 + "s"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10 s",
        "s",
        "10S",
        "-1s",
        "1d",
        "1h x",
        "x1h",
        "10s\n",
        "٣s",
        "9999999h",
        ENDLESS,
    ],
)
def test_anything_else_is_refused_and_the_error_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match='use a number and a unit, such as "10s"'):
        parse_duration(text)
