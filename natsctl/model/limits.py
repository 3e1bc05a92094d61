"""How deep and how large a document of somebody else's may be: looked at before it is parsed.

Parsers recurse, and so does nearly all that is done with what they return. So nothing deeper than
`DEPTH` is parsed at all, and what is looked at here is looked at without recursion.
"""

import json
import math
import re
from collections import Counter
from itertools import accumulate
from typing import Any, Final

from natsctl.model.foreign import quoted

DEPTH: Final = 64
"""Levels of objects and lists. A pod's spec has some 12."""
VALUES: Final = 20_000
"""Members of objects and lists, all together."""
SPEC_VALUES: Final = 4_000
"""Members of a spec: each is looked at from many sides, in every pass. Most have fewer than 100."""
STATUS_VALUES: Final = 8_000
"""Members of a status; that of 999 servers has half of them."""
BYTES: Final = 2**20
"""A Secret holds no more, and the servers' configuration goes into one."""

DIGITS: Final = 20
"""Digits of a number that somebody wrote as text: more than 64 bits take."""

_MARKS: Final = b"[]{},"
_OTHERS: Final = bytes(set(range(256)) - set(_MARKS))
# As signed bytes: one more, one less.
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_AT_ONCE: Final = 32 * 1024
"""Bytes that are taken apart at the same time."""
_TOKEN: Final = re.compile(
    rb'(?:[^"\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[{]+|[\]}]+)', re.DOTALL
)
_MOST_TOKENS: Final = 50_000
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_WHOLE_MAX: Final = 2**63


class Refused(ValueError):
    """What was given is not read, and why: most often it is over a limit."""


def check(raw: bytes, size: int = BYTES, values: int = VALUES) -> None:
    """Raise Refused for JSON that is too long, has too many values or is nested too deeply."""
    if len(raw) > size:
        raise Refused(f"has {len(raw)} bytes; natsctl reads at most {size}")
    marks = _marks(raw)
    if len(marks) > values:
        count = marks.count(b",") + marks.count(b"[") + marks.count(b"{")
        if count > values:
            raise Refused(f"has about {count} values; natsctl reads at most {values}")
    if _depth(marks) > DEPTH:
        raise Refused(f"is nested more than {DEPTH} levels deep, which natsctl does not read")


def load(raw: bytes, size: int = BYTES, values: int = VALUES) -> Any:
    """What JSON says; a ValueError if it is none, Refused if that is known better.

    Numbers fit into 64 bits and texts can be written again, so nothing that is done with what is
    returned fails for its size.
    """
    text = raw.decode(json.detect_encoding(raw))
    check(text.encode(), size, values)
    document = json.loads(
        text,
        parse_int=_whole,
        parse_float=_number,
        parse_constant=_no_number,
        object_pairs_hook=_once,
    )
    if _HALF.search(text):
        _writable(document)
    return document


def natural(text: str) -> int | None:
    """A number of plain digits; None for all else.

    `str.isdigit` is true of texts that `int` does not read, and `int` reads others than these.
    """
    plain = len(text) <= DIGITS and text.isascii() and text.isdigit()
    return int(text) if plain else None


def pruned(raw: bytes, depth: int = DEPTH, most: int = _MOST_TOKENS) -> bytes:
    """JSON with `null` for whatever is nested deeper; beyond `most` brackets it is cut off.

    For well-formed JSON that no parser of ours reads, to find out whose it is: Kubernetes writes
    metadata before all else that may be long.
    """
    kept: list[bytes] = []
    level = start = end = count = 0
    whole = 0, 0, 0
    while (token := _TOKEN.match(raw, end)) and count < most:
        begin, end = token.span(1)
        count += 1
        if raw[begin] in b"[{":
            if level <= depth < level + end - begin:
                kept.append(raw[start : begin + depth - level])
            level += end - begin
            continue
        after = level - (end - begin)
        if after <= depth < level:
            kept.append(b"null")
            start = begin + level - depth
        level = after
        if level == 1:
            whole = len(kept), start, end
    if token is None:
        return b"".join([*kept, raw[start:]])
    pieces, start, end = whole
    return b"".join([*kept[:pieces], raw[start:end], b"}"]) if pieces or end else b"null"


def _marks(raw: bytes) -> bytes:
    """Brackets and commas that stand outside of texts. Backslashes stand in texts only.

    Taken apart are a few bytes at a time: in pieces, quotes take fifty times their own size.
    """
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    found, within = bytearray(), 0
    for start in range(0, len(raw), _AT_ONCE):
        pieces = raw[start : start + _AT_ONCE].split(b'"')
        found += b"".join(pieces[within::2]).translate(None, _OTHERS)
        within = (within + len(pieces) - 1) % 2
    return bytes(found)


def _depth(marks: bytes) -> int:
    steps = memoryview(marks.translate(_STEPS, b",")).cast("b")
    return max(accumulate(steps), default=0) if len(steps) > DEPTH else 0


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two members of one name they take."""
    members = dict(pairs)
    if len(members) < len(pairs):
        times = Counter(name for name, _ in pairs)
        (twice, _), *_ = times.most_common(1)
        raise Refused(f"has the key {quoted(twice, 40)} twice in one object; remove one")
    return members


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -_WHOLE_MAX <= (number := int(digits)) < _WHOLE_MAX:
        raise Refused("has a number with more than 64 bits")
    return number


def _number(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise Refused(f"has a number that is too large: {digits[:20]}")
    return number


def _no_number(text: str) -> float:
    raise Refused(f"has {text}, which is not a number")


def _writable(document: Any) -> None:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refused("has an unpaired surrogate") from None
