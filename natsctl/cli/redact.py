"""Hides what is secret in everything that a report takes along; pure.

Twice: by where something stands (a value of a Secret, a password of a configuration, a variable
of a container, ...), and by what it is (a private key, a token, or any text that was found in such
a place, wherever else it turns up).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import attrs

from natsctl.api import names
from natsctl.api.foreign import MASK, masked_urls
from natsctl.plan.grants import EXPIRES, RENEW_AFTER, SWITCH_AT

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 8
"""Characters of a text that is looked for everywhere: to mask a common word would tell it."""
_SECRET_KEY = re.compile(
    r"^(pass(word)?|.*token|nkey|seed|sig|jwt|.*secret|.*_digest|private_?key|api_?key|nonce)$",
    re.IGNORECASE,
)
"""Keys of nats-server's configuration and answers; its own digest covers passwords, unkeyed."""
_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*(?:PRIVATE KEY|SEED)-+.*?(?:-+END [A-Z ]*-+|\Z)"
    r"|eyJ[\w-]{10,}(?:\.[\w-]+)*"  # JWT
    r"|\bS[UACONXP][A-Z2-7]{40,}"  # seed of an nkey
    r"|\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{20,}",  # bcrypt
    re.DOTALL,
)
_SAID = re.compile(
    r"""(?ix)(["']?\b(?:pass(?:word|wd)?|[\w-]*token|[\w-]*secret|nkey|seed|sig|jwt|authorization)
    ["']?\s*[:=]\s*)(?:(?:bearer|basic)\s+)?("[^"\n]*"|'[^'\n]*'|[^\s,}]+)"""
)
_PAYLOAD = re.compile(r"(MSG_PAYLOAD: ).*")
_SHOWN_ANNOTATIONS = frozenset(
    {
        names.ANNOTATION_VERSION,
        names.OPERATOR_ANNOTATION,
        names.SCHEMA_REVISION_ANNOTATION,
        EXPIRES,
        RENEW_AFTER,
        SWITCH_AT,
    }
)
_SHOWN_VARIABLES = frozenset(
    {names.SERVER_NAME_ENV, "GOMEMLIMIT", "GOMAXPROCS", "TZ", "NATSCTL_IMAGE", "MY_POD_NAMESPACE"}
)
_DROPPED = frozenset({"managedFields", "kubectl.kubernetes.io/last-applied-configuration"})
_SHOWN_FLAGS = frozenset(
    {
        "--cluster_advertise",
        "--feature-gates",
        "--listen-addr",
        "--log-format",
        "--log-level",
        "--namespace",
        "--sidecar-image",
        "--watch-namespaces",
    }
)
_HIDDEN = frozenset({"volumeAttributes", "options", "resolverPreload"})
_PLAIN_ARGUMENT = re.compile(
    r"/(?:etc|var|tmp|opt|usr|bin|data|nats-server)[\w./-]*|\d+|true|false"
)
_SIGNPOST = re.compile(r"(-{1,2}[\w-]+)(?:=(.*))?", re.DOTALL)


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

    def text(self, found: str) -> str:
        """Any text, without what is secret by what it is."""
        return _without(self._forms, _SECRET_TEXT.sub(MASK, masked_urls(found)))

    def log(self, found: str) -> str:
        """What a program said: also without what it calls a password, and without messages."""
        return _PAYLOAD.sub(rf"\1{MASK}", _SAID.sub(rf"\1{MASK}", self.text(found)))

    def nats(self, found: Any) -> Any:
        """A configuration of nats-server, or an answer of its monitoring port."""
        if isinstance(found, Mapping):
            return {
                self.text(key): _all(value)
                if _SECRET_KEY.match(key) or key == "resolver_preload"
                else self.nats(value)
                for key, value in found.items()
            }
        if isinstance(found, list):
            return [self.nats(item) for item in found]
        return self.text(found) if isinstance(found, str) else found

    def secret(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """A Secret: its keys, with the size and the mark of each value."""
        data = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
        values = {key: f"{self.mark(value)} ({len(value)} bytes)" for key, value in data.items()}
        rest = {k: v for k, v in found.items() if k not in ("data", "stringData")}
        return {**self.manifest(rest), "data": values}

    def manifest(self, found: Any, key: str = "") -> Any:
        """An object of Kubernetes, but for Secrets."""
        if key in _HIDDEN:
            return _all(found)
        if key in self._shown:
            kind, show = self._shown[key]
            return show(found) if isinstance(found, kind) else _all(found)
        if isinstance(found, Mapping):
            return {k: self.manifest(v, k) for k, v in found.items() if k not in _DROPPED}
        if isinstance(found, list):
            return [self.manifest(item) for item in found]
        return self.text(found) if isinstance(found, str) else found

    @property
    def _shown(self) -> Mapping[str, tuple[type, Callable[[Any], Any]]]:
        """What is shown of those that may hold secrets: of anything but the usual type, nothing."""
        return {
            "annotations": (dict, self._annotations),
            "env": (list, self._variables),
            "natsEnv": (list, self._variables),
            "httpHeaders": (list, self._variables),
            "command": (list, self._arguments),
            "args": (list, self._arguments),
            "message": (str, self.log),
        }

    def _annotations(self, found: Mapping[str, Any]) -> dict[str, str]:
        return {k: self._annotation(k, str(v)) for k, v in found.items() if k not in _DROPPED}

    def _annotation(self, key: str, value: str) -> str:
        if key in _SHOWN_ANNOTATIONS:
            return self.text(value)
        if key == names.REVISION_ANNOTATION:
            return self._marks(value)
        if key == names.REFUSED_ANNOTATION:
            digest, _, words = value.partition(" ")
            return f"{self.mark(digest)} {self.log(words)}"
        return self.mark(value)

    def _marks(self, revision: str) -> str:
        """Which fields a revision has, with marks in the place of their hashes."""
        try:
            fields = json.loads(revision)
        except ValueError:
            return self.mark(revision)
        if not isinstance(fields, dict):
            return self.mark(revision)
        return json.dumps({self.text(k): self.mark(str(v)) for k, v in fields.items()})

    def _variables(self, found: list[Any]) -> list[Any]:
        """Names of variables, and where their values are from; values only of a few."""
        return [self._variable(item) for item in found]

    def _variable(self, found: Any) -> Any:
        if not isinstance(found, Mapping):
            return MASK
        rest = {k: self.manifest(v, k) for k, v in found.items() if k != "value"}
        if "value" not in found:
            return rest
        return {**rest, "value": found["value"] if _is_shown(found) else MASK}

    def _arguments(self, found: list[Any]) -> list[str]:
        """The program, flags, values of a few, and what is a path, a number or a boolean."""
        words = [str(text) for text in found]
        before = ["", *words]
        return [
            self.text(word if last in _SHOWN_FLAGS else _argument(word, place))
            for place, (last, word) in enumerate(zip(before, words, strict=False))
        ]


def _is_shown(variable: Mapping[str, Any]) -> bool:
    return variable.get("name") in _SHOWN_VARIABLES


def _argument(text: str, position: int) -> str:
    if _PLAIN_ARGUMENT.fullmatch(text) or (position == 0 and text.startswith("/")):
        return text
    flag = _SIGNPOST.fullmatch(text)
    if flag is None:
        return MASK
    name, value = flag[1], flag[2]
    if value is None or name in _SHOWN_FLAGS or _PLAIN_ARGUMENT.fullmatch(value):
        return text
    return f"{name}={MASK}"


def _all(found: Any) -> Any:
    """The same shape, every value masked."""
    if isinstance(found, Mapping):
        return {key: _all(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_all(item) for item in found]
    return MASK if found not in ("", None) else found


def secrets_of(secret: Mapping[str, Any]) -> frozenset[str]:
    """What a Secret holds that must not turn up anywhere."""
    found: set[str] = set()
    for key, value in (secret.get("data") or {}).items():
        text = base64.b64decode(value).decode(errors="replace").strip()
        if key in (names.BOOT_KEY, "namespace", "ca.crt", "ca.pem"):
            continue
        try:
            content = json.loads(text)
        except ValueError:
            found |= {text, *(line.strip() for line in text.splitlines())}
        else:
            found |= {text, *_under_secret_keys(content)}
    return _long_enough(found)


def secrets_in(manifest: Any) -> frozenset[str]:
    """The same of what stands in clear text in an object: variables, passwords in URLs."""
    return _long_enough(_in_clear_text(manifest))


def _in_clear_text(found: Any) -> Iterator[str]:
    if isinstance(found, Mapping):
        if "name" in found and isinstance(found.get("value"), str) and not _is_shown(found):
            yield found["value"]
        for value in found.values():
            yield from _in_clear_text(value)
    elif isinstance(found, list):
        for item in found:
            yield from _in_clear_text(item)
    elif isinstance(found, str):
        for login in _IN_URL.findall(found):
            yield from (login, unquote(login))


_IN_URL = re.compile(r"://(?:[^/@\s\":]*:)?([^/\s\"]*)@")


def _under_secret_keys(found: Any, hidden: bool = False) -> Iterator[str]:
    if isinstance(found, Mapping):
        for key, value in found.items():
            yield from _under_secret_keys(value, hidden or bool(_SECRET_KEY.match(key)))
    elif isinstance(found, list):
        for item in found:
            yield from _under_secret_keys(item, hidden)
    elif isinstance(found, str):
        yield from [found] if hidden else _IN_URL.findall(found)


def _long_enough(found: Iterable[str]) -> frozenset[str]:
    return frozenset(text for text in found if len(text) >= SHORTEST)


def _by_beginning(known: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Every way in which these texts may be written, by its first characters.

    There may be thousands of them, and megabytes to look through: one look at each place.
    """
    found: dict[str, set[str]] = {}
    for form in (form for text in known for form in _forms(text)):
        found.setdefault(form[:SHORTEST], set()).add(form)
    return {start: tuple(sorted(forms, key=len, reverse=True)) for start, forms in found.items()}


def _without(forms: Mapping[str, tuple[str, ...]], text: str) -> str:
    """The text with a mask for each stretch of it that is covered by such forms."""
    kept: list[str] = []
    covered = 0
    for place in range(len(text) - SHORTEST + 1) if forms else ():
        candidates = forms.get(text[place : place + SHORTEST], ())
        found = next((form for form in candidates if text.startswith(form, place)), None)
        if found is None:
            continue
        if place > covered or not kept:
            kept += [text[covered:place], MASK]
        covered = max(covered, place + len(found))
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
