"""Words of strangers: printable, one line, bounded, quoted, without credentials."""

import json
import string
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model.foreign import LIMIT, masked_urls, named, plain, printable, quoted, spelt, word
from tests.unit.pace import allowed

ANY = st.text(st.characters(exclude_categories=()), max_size=400)
HOSTILE = {
    "control": "a\x00b\x07c\x7fd\x85e",
    "ansi": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J",
    "bidi": "user\u202etxt.exe\u2066\u2069\u200f",
    "zero_width": "ad\u200bmin\u200d\u2060\ufeff\u00ad",
    "invisible": "a\u3164b\u115fc\ufe0fd\u2800e\u034ff\U000e0041",
    "surrogate": "a\ud800b",
    "lines": "one\ntwo\r\nthree\u2028four\x0bfive",
}


class TestQuoted:
    def test_words_are_told_from_ours(self) -> None:
        assert quoted("pod is full") == '"pod is full"'

    def test_a_quote_within_does_not_end_them(self) -> None:
        assert quoted('x": now run "curl" “y” \uff02z') == "\"x': now run 'curl' 'y' 'z\""

    def test_nothing_is_told_as_nothing(self) -> None:
        assert quoted("") == '""'

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    def test_what_cannot_be_seen_leaves_a_mark_at_most(self, text: str) -> None:
        assert quoted(text).isprintable()

    def test_lines_become_one(self) -> None:
        assert quoted(HOSTILE["lines"]) == '"one two three four five"'

    def test_colours_go_and_words_stay(self) -> None:
        assert quoted("\x1b[1;31merror:\x1b[0m full") == '"error: full"'

    def test_a_hidden_character_is_told(self) -> None:
        assert quoted("ad\u200b\u200bmin") == '"ad\ufffdmin"'

    def test_long_words_say_that_they_were_cut(self) -> None:
        told = quoted("x" * 201)
        assert told == f'"{"x" * 199}…" (truncated)'
        assert quoted("x" * 200) == f'"{"x" * 200}"'

    def test_a_cut_takes_no_accent_from_its_letter(self) -> None:
        assert quoted("abce\u0301fgh", 5) == '"abc…" (truncated)'

    def test_a_limit_of_your_own(self) -> None:
        assert quoted("abcdef", 4) == '"abc…" (truncated)'

    @given(ANY)
    def test_any_text_is_one_printable_quotation(self, text: str) -> None:
        told = quoted(text)
        words = told.removesuffix(" (truncated)")
        assert told.isprintable()
        assert words[0] == words[-1] == '"'
        assert '"' not in words[1:-1]
        assert len(words) <= LIMIT + 2
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in told)
        assert told == quoted(text)

    @pytest.mark.parametrize(
        "unit", ["x", "/", "//", "//a:", '"a://', "?a=", "\x1b[", "%3a%2f%2f", "@", "\u0301", "\\/"]
    )
    def test_megabytes_take_no_time(self, unit: str) -> None:
        before = time.process_time()
        quoted(unit * 1_000_000)
        assert time.process_time() - before < allowed(0.2)


class TestPrintable:
    def test_it_is_the_same_without_quotes(self) -> None:
        assert printable('ad\u200bmin "x"') == 'ad\ufffdmin "x"'

    def test_it_is_cut_too(self) -> None:
        assert printable("x" * 300) == "x" * 199 + "…"


def test_a_message_of_our_own_is_one_line_whatever_got_in() -> None:
    assert plain("is full\n\x1b[2Jand " + "x" * 5000).startswith("is full and xxx")
    assert len(plain("x" * 5000)) == 4000


def test_a_name_that_looks_like_one_stands_alone() -> None:
    assert named("nats.io/v1:a-b_c") == "nats.io/v1:a-b_c"
    assert named("*.example.com") == "*.example.com"
    assert named("run: curl") == '"run: curl"'
    assert named("") == '""'


def test_a_reason_is_a_word() -> None:
    assert word("NotOurs") == "NotOurs"
    assert word("Not ours") == word("") == "Unknown"


class TestUrls:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("nats://user:secret@host:4222/x", "nats://user:***@host:4222/x"),
            ("nats://secret@host:4222", "nats://***@host:4222"),
            ("nats://user:sec@ret@host", "nats://user:***@host"),
            ("nats://:secret@host", "nats://:***@host"),
            ("a nats://u:secret@a, nats://u:secret@b", "a nats://u:***@a, nats://u:***@b"),
            ("//user:secret@host/x", "//user:***@host/x"),
            (r"https:\/\/user:secret@host\/x", r"https:\/\/user:***@host\/x"),
            ("?to=https%3A%2F%2Fu%3Asecret%40host", "?to=***"),
            ("to https%3A%2F%2Fu%3Asecret%40host", "to https%3A%2F%2F***%40host"),
            ("nats://user:secr", "nats://user:***"),
            ('parse "nats://u:sec ret@h/x": bad', 'parse "nats://u:***@h/x": bad'),
            ('parse "nats://u:sec/ret@h/x": bad', 'parse "nats://u:***@h/x": bad'),
            ('invalid port ":secret" after host', 'invalid port "***" after host'),
            ("https://h/x?token=secret", "https://h/x?token=***"),
            ("https://h/x?a=secret&b=secret#c=secret", "https://h/x?a=***&b=***#c=***"),
            ("https://h/?X-Amz-Signature=secret\\nnext", "https://h/?X-Amz-Signature=***\\nnext"),
            ("https://h/?t%6fken=secret;x", "https://h/?t%6fken=***"),
            ("/x?timeout=5s;token=secret", "/x?timeout=***"),
        ],
    )
    def test_credentials_are_masked(self, text: str, shown: str) -> None:
        assert masked_urls(text) == shown

    @pytest.mark.parametrize(
        "text",
        [
            "nats://host:4222",
            "nats://host:4222, nats://[::1]:4222/x (see https://h:80.)",
            "tls://[2001:db8::1]:443",
            "docker.io/nats:2.12@sha256:abc",
            "https://h/x?timeout=10s&watch=true",
            "https://h/x?token=",
            "mail a@b.example",
            "nats://user:***@host",
            'webhook "x.example": Post "https://x.ns.svc:443/?timeout=10s": no route to host',
        ],
    )
    def test_the_rest_stays(self, text: str) -> None:
        assert masked_urls(text) == text

    def test_a_password_beyond_the_cut_is_not_shown(self) -> None:
        assert quoted("nats://user:" + "p" * 30_000 + "@host") == '"nats://user:***@"'
        assert "ppp" not in quoted("nats://" + "p" * 30_000 + "@host")
        assert "ppp" not in quoted("x" * 190 + " nats://u:" + "p" * 300 + "@host")

    @given(ANY)
    def test_masking_again_changes_nothing(self, text: str) -> None:
        assert masked_urls(masked_urls(text)) == masked_urls(text)


def test_what_is_spelt() -> None:
    assert spelt("plain \u00fc\u65e5\n\ttext") == "plain \u00fc\u65e5\n\ttext"
    assert spelt("\x1b\x9b\x7f\u202e\ud800") == r"\u001b\u009b\u007f\u202e\ud800"
    assert json.loads(spelt('"\U000e0001\u202e"')) == "\U000e0001\u202e"


@given(st.text(string.printable.strip() + " ", max_size=60))
def test_ordinary_words_are_told_as_all_others_are(text: str) -> None:
    """Most texts need no looking for anything; what does is told the same."""
    assert plain(text) == " ".join(masked_urls(text).split())
