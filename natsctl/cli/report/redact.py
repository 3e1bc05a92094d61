"""Hides what is secret in everything that a report takes along; pure.

By where something stands: of objects and answers only those fields are shown that a list allows
(`shown_objects.py` and its neighbours). And by what it is: a private key, a token, or any text that
was found in a place for secrets, wherever else it turns up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import attrs

from natsctl.cli.report.shapes import Shape, visible
from natsctl.cli.report.shown_objects import SECRET
from natsctl.cli.report.shown_servers import CONFIG, USERS
from natsctl.model import limits
from natsctl.model.foreign import MASK, masked_urls
from natsctl.model.store_files import is_boot_key

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 8
"""Characters of a text that is looked for everywhere: to mask a common word would tell it."""
_READ = 10**7
"""Bytes of a value that are looked into, or members of it; it must not be deep."""
_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*(?:PRIVATE KEY|SEED)-+.*?(?:-+END [A-Z ]*-+|\Z)"
    r"|eyJ[\w-]{10,}(?:\.[\w-]+)*"  # JWT
    r"|\bS[UACONXP][A-Z2-7]{40,}"  # seed of an nkey
    r"|\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{20,}",  # bcrypt
    re.DOTALL,
)
_NAMED_SECRET = re.compile(
    r"""(?ix)(["']?\b(?:pass(?:word|wd)?|[\w-]*token|[\w-]*secret|nkey|seed|sig|jwt|authorization)
    ["']?\s*[:=]\s*)(?:(?:bearer|basic)\s+)?("[^"\n]*"|'[^'\n]*'|[^\s,}]+)"""
)
_PAYLOAD = re.compile(r"(MSG_PAYLOAD: ).*")


@attrs.frozen
class Redactor:
    """`known` are secret texts; `key` is random, and thrown away with this object.

    Marks stand for values: equal ones of one report have the same, and nothing can be guessed by
    them without the key.
    """

    key: bytes = attrs.field(repr=False)
    known: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    _forms: Mapping[str, tuple[str, ...]] = attrs.field(
        init=False,
        repr=False,
        default=attrs.Factory(lambda self: _by_beginning(self.known), takes_self=True),
    )

    def mark(self, value: str | bytes) -> str:
        """What stands for a value."""
        data = value.encode() if isinstance(value, str) else value
        return f"{MASK}{hmac.new(self.key, data, hashlib.sha256).hexdigest()[:8]}"

    def text(self, text: str) -> str:
        """Any text, without what is secret by what it is."""
        return _without(self._forms, _SECRET_TEXT.sub(MASK, masked_urls(text)))

    def log(self, text: str) -> str:
        """What a program said: also without what it calls a password, and without messages."""
        return _PAYLOAD.sub(rf"\1{MASK}", _NAMED_SECRET.sub(rf"\1{MASK}", self.text(text)))

    def hide(self, value: Any) -> str:
        """What stands for what is in a place for secrets."""
        return MASK

    stow = hide

    def shown(self, shape: Shape, value: Any) -> Any:
        """An object of Kubernetes, a configuration or an answer: what the shape shows of it."""
        return visible(shape, value, self)

    def secret(self, secret: Mapping[str, Any]) -> dict[str, Any]:
        """A Secret: its keys, with the size and the mark of each value."""
        data = {key: _decoded(value) for key, value in _data(secret).items()}
        values = {
            self.text(key): f"{self.mark(value)} ({len(value)} bytes)"
            for key, value in data.items()
        }
        rest = {k: v for k, v in secret.items() if k not in ("data", "stringData")}
        return {**self.shown(SECRET, rest), "data": values}


@attrs.define
class Learner:
    """Learns by looking: what is hidden, what nobody knows, and what is shown anyway."""

    hidden: set[str] = attrs.field(factory=set, repr=False)
    stowed: set[str] = attrs.field(factory=set, repr=False)
    shown: set[str] = attrs.field(factory=set, repr=False)

    def text(self, text: str) -> str:
        """Shown, but for a password of its URL."""
        for login in _IN_URL.findall(text):
            self.hidden |= {login, unquote(login)}
        self.shown.add(text)
        return text

    def log(self, text: str) -> str:
        """Not a place to learn from."""
        return text

    def mark(self, value: str) -> str:
        """Common words, as values of labels are: they are not looked for anywhere else."""
        return value

    def hide(self, value: Any) -> str:
        """A secret."""
        self.hidden |= set(_strings(value))
        return MASK

    def stow(self, value: Any) -> str:
        """Maybe a secret."""
        self.stowed |= set(_strings(value))
        return MASK

    @property
    def known(self) -> frozenset[str]:
        """What must not turn up anywhere."""
        return _long_enough(self.hidden | (self.stowed - self.shown))


def _strings(document: Any) -> Iterator[str]:
    if isinstance(document, Mapping):
        for value in document.values():
            yield from _strings(value)
    elif isinstance(document, list):
        for item in document:
            yield from _strings(item)
    elif document is not None:
        yield from _ways(str(document))


def _ways(text: str) -> Iterator[str]:
    """A text, its lines, and what is in it if it is JSON: others may have only that."""
    yield text.strip()
    yield from (line.strip() for line in text.splitlines())
    yield from (login for coded in _IN_URL.findall(text) for login in (coded, unquote(coded)))


def _data(secret: Mapping[str, Any]) -> Mapping[str, str]:
    data = secret.get("data")
    return data if isinstance(data, Mapping) else {}


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except ValueError:
        return value.encode()


def secrets_of(secret: Mapping[str, Any]) -> frozenset[str]:
    """What a Secret holds that must not turn up anywhere."""
    learner = Learner()
    visible(SECRET, {k: v for k, v in secret.items() if k not in ("data", "stringData")}, learner)
    for key, value in _data(secret).items():
        if key not in ("namespace", "ca.crt", "ca.pem") and not is_boot_key(key):
            _learn(learner, _decoded(value).decode(errors="replace"))
    return learner.known


def _learn(learner: Learner, text: str) -> None:
    """A value: all of it, or of a configuration or a list of users what is secret there."""
    try:
        limits.check(text.encode(errors="replace"), _READ, _READ)
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, Mapping):
        visible(CONFIG | USERS, content, learner)
    else:
        learner.hide(text)


def secrets_in(shape: Shape, value: Any) -> frozenset[str]:
    """The same of what stands in clear text in an object."""
    learner = Learner()
    visible(shape, value, learner)
    return learner.known


_IN_URL = re.compile(r"://(?:[^/@\s\":]*:)?([^/\s\"]*)@")


def _long_enough(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text for text in texts if len(text) >= SHORTEST)


def _by_beginning(known: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Every way in which these texts may be written, by its first characters.

    There may be thousands of them, and megabytes to look through: one look at each place.
    """
    by_start: dict[str, set[str]] = {}
    for form in (form for text in known for form in _forms(text)):
        by_start.setdefault(form[:SHORTEST], set()).add(form)
    return {start: tuple(sorted(forms, key=len, reverse=True)) for start, forms in by_start.items()}


def _without(forms: Mapping[str, tuple[str, ...]], text: str) -> str:
    """The text with a mask for each stretch of it that is covered by such forms."""
    kept: list[str] = []
    covered = 0
    for place in range(len(text) - SHORTEST + 1) if forms else ():
        candidates = forms.get(text[place : place + SHORTEST], ())
        covering = next((form for form in candidates if text.startswith(form, place)), None)
        if covering is None:
            continue
        if place > covered or not kept:
            kept += [text[covered:place], MASK]
        covered = max(covered, place + len(covering))
    return "".join([*kept, text[covered:]])


def _forms(text: str) -> Iterator[str]:
    data = text.encode()
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield quote(text, safe="")
    for shift in range(3):  # what surrounds a text moves it by up to two bytes
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        start, end = (0, 2, 3)[shift], len(encoded) - (0, 4, 3)[(len(data) + shift) % 3]
        yield encoded[start:end]
        yield encoded[start:end].replace("+", "-").replace("/", "_")
