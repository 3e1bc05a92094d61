"""Words of strangers, as natsctl repeats them.

What comes from another object, a server, a webhook or a certificate may hold anything: orders to
whoever reads it, escape sequences for a terminal, line breaks that forge lines of a log, passwords
in URLs, megabytes. `quoted` is the one way to repeat it, `masked_urls` the one way to show a text
that may hold URLs. Both make the same of the same text: conditions rest on that.
"""

import re
import unicodedata

MASK = "***"
LIMIT = 200
"""Characters of somebody's words that are repeated."""
ANSWER = 500
"""The same of what the API server answers, which names fields and ways out."""
MESSAGE = 4000
"""Characters of a message of natsctl's own, whatever it was made of."""
_READ = 20_000
"""Characters of a text that are looked at: what is shown is cut far earlier."""
_MARK = "\ufffd"
"""Stands for what cannot be seen."""

_LONGEST_NAME = 100
_NAME = re.compile(r"[A-Za-z0-9*_$][\w.:/*+-]{0,252}", re.ASCII)
_REASON = re.compile(r"[A-Za-z][A-Za-z0-9]{0,99}", re.ASCII)
_WORD = r"[\w.,:()'=+*$@<>-]+"
_ORDINARY = re.compile(rf"(?:{_WORD}(?: {_WORD})*)?", re.ASCII)
"""Words with which nothing below has anything to do: most texts, by far the fastest to tell."""
_COLOUR = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Printable as far as Unicode says, and yet nothing to see: fillers, selectors of variants."""
_MARKS = re.compile(f"{_MARK}{{2,}}")
_QUOTES = re.compile(
    '["\u02ba\u02dd\u02ee\u05f4\u201c-\u201f\u2033\u2036\u275d\u275e\u301d-\u301f\u3003\uff02]'
)
"""What looks like the end of a quotation would let the rest pass for natsctl's own words."""

# A login ends at the last @ before the path, as Go reads it. The user's name, if there is one,
# stays: `nats://user:***@host`, but `nats://***@host`.
_SLASHES = r"(?:\\?/){2}"
_LOGIN = re.compile(rf'({_SLASHES}(?:[^/@\s":]*:)?)[^/\s"]*@')
# What Go cannot read as a URL, it quotes as it is: a blank or a slash in the password.
_BROKEN_LOGIN = re.compile(rf'("[a-z][a-z0-9+.-]*:{_SLASHES}(?:[^/@\s":]*:)?)[^"\n]*@')
# A password that lost its @ because somebody cut the text; a port is a number.
_CUT_LOGIN = re.compile(
    rf'({_SLASHES}[^/@\s":\[\]]+:)(?!\*\*\*|\d{{1,5}}(?:[^\w%+=~!$&*-]|$))[^\s"]+'
)
_ENCODED_LOGIN = re.compile(r"(%3a%2f%2f)(?:(?!%2f)[^\s\"&])*%40", re.IGNORECASE)
_NO_PORT = re.compile(r'(invalid port ")[^"]*(")')
_PARAMETER = re.compile(r"""([?&;#][\w.%~\[\]-]+=)((?:[^&#\s"<>\\]|\\(?!["nrt]))*)""")
_PLAIN_PARAMETER = re.compile(
    r"[?&](?:acc|allowWatchBookmarks|auth|dryRun|fieldManager|fieldSelector|fieldValidation|force"
    r"|js-(?:enabled|server)-only|labelSelector|limit|offset|resourceVersion(?:Match)?"
    r"|sendInitialEvents|sort|state|subs|timeout(?:Seconds)?|watch)=[^;]*"
)
"""Parameters of Kubernetes and of nats-server; the value of any other may let somebody in."""


def quoted(text: str, limit: int = LIMIT) -> str:
    """Somebody's words in quotes: one line, printable, at most so many characters of them."""
    words = _QUOTES.sub("'", _seen(text))
    if len(words) <= limit:
        return f'"{words}"'
    return f'"{_beginning(words, limit)}" (truncated)'


def printable(text: str, limit: int = LIMIT) -> str:
    """The same without quotes, where a name or a value stands alone: a label, a column."""
    seen = _seen(text)
    return seen if len(seen) <= limit else _beginning(seen, limit)


def plain(text: str) -> str:
    """A message of natsctl's own: one line that only appears, whatever got into it."""
    return printable(text, MESSAGE)


def spelt(text: str) -> str:
    """Data of several lines, whole: what would only act, or not be seen, is spelt as in JSON."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _spelt(c) for c in text)


def _spelt(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def named(text: str) -> str:
    """A name that nobody checked: as it is if it looks like one, else quoted."""
    return text if _NAME.fullmatch(text) else quoted(text, _LONGEST_NAME)


def word(text: str) -> str:
    """A reason in CamelCase, as conditions and events have it."""
    return text if _REASON.fullmatch(text) else "Unknown"


def masked_urls(text: str) -> str:
    """Any text without the passwords, tokens and signatures in its URLs."""
    text = _LOGIN.sub(rf"\1{MASK}@", text)
    text = _BROKEN_LOGIN.sub(rf"\1{MASK}@", text)
    text = _CUT_LOGIN.sub(rf"\1{MASK}", text)
    text = _ENCODED_LOGIN.sub(rf"\1{MASK}%40", text)
    text = _NO_PORT.sub(rf"\1{MASK}\2", text)
    return _PARAMETER.sub(_masked_parameter, text)


def _masked_parameter(parameter: re.Match[str]) -> str:
    plain = _PLAIN_PARAMETER.fullmatch(parameter[0]) or not parameter[2]
    return parameter[0] if plain else f"{parameter[1]}{MASK}"


def _seen(text: str) -> str:
    """One line of what there is to see, and a mark for the rest."""
    if len(text) <= _READ and _ORDINARY.fullmatch(text):
        return text
    read = text if len(text) <= _READ else f"{text[:_READ]}@"  # a login that is cut still ends
    line = " ".join(_COLOUR.sub("", masked_urls(read)).split())
    line = _UNSEEN.sub(_MARK, line)
    if not line.isprintable():
        line = "".join(c if c.isprintable() else _MARK for c in line)
    return _MARKS.sub(_MARK, line)


def _beginning(text: str, limit: int) -> str:
    """As many whole characters with the marks that belong to them, and a sign of the cut."""
    end = limit - 1
    while end > 0 and unicodedata.category(text[end]).startswith("M"):
        end -= 1
    return f"{text[:end]}\u2026"
