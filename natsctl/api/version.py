"""Versions of nats-server: the tags of its images, and the releases in them.

A tag mostly is the release (`2.14.5`, `2.14.5-alpine`), or the line of one (`2.14`). Any other tag
(`latest`, `edge-1`, a commit) says nothing of it: then users tell, or the servers themselves do.
"""

import hashlib
import re
from typing import Final, Self

from attrs import frozen

DEFAULT_VERSION: Final = "2.15.3"
Number = tuple[int, int, int]
VERSION_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"
VERSION_MAX_LENGTH: Final = 128
VERSION_RULE: Final = f"self == '' || self.matches(r'{VERSION_PATTERN}')"
VERSION_HELP: Final = f'use the tag of an image, such as "{DEFAULT_VERSION}"'
RELEASE_PATTERN: Final = r"^[0-9](\.[0-9]{1,9}){1,2}([-._][A-Za-z0-9._-]*)?$"
RELEASE_RULE: Final = f"self == '' || self.matches(r'{RELEASE_PATTERN}')"
RELEASE_HELP: Final = f'use a release of nats-server, such as "{DEFAULT_VERSION}"'

_NEWEST: Final = 10**9
_LABEL_MAX: Final = 63
_TAG: Final = re.compile(VERSION_PATTERN, re.ASCII)
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
# One digit of a major version: tags that begin with a year are dates.
_FULL: Final = re.compile(r"v*([0-9]\.[0-9]{1,9}\.[0-9]{1,9})([-._][A-Za-z0-9._-]*)?", re.ASCII)
_IMAGE_VARIANT: Final = re.compile(r"-(alpine[0-9.]*|scratch|linux)$", re.ASCII)
_LINE: Final = re.compile(rf"v*([0-9](\.[0-9]{{1,9}})?)({_IMAGE_VARIANT.pattern[:-1]})?", re.ASCII)
_RELEASE: Final = re.compile(RELEASE_PATTERN, re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+(\.[0-9]+){0,2}", re.ASCII)
_NIGHTLY: Final = re.compile(r"v*(nightly([-._].*)?)", re.ASCII)


@frozen
class ServerVersion:
    """The tag of an image, `text`, and what is known of the release in it.

    `number` is None where nothing is: then it counts as the newest. `claim` is the release that
    its servers have to report; empty: whatever they report is right.
    """

    text: str
    number: Number | None
    claim: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an image tag; ValueError says what to write instead."""
        if not is_tag(text):
            raise ValueError(f"{text!r} is not a valid tag; {VERSION_HELP}")
        if match := _FULL.fullmatch(text):
            return cls(text.lstrip("v"), _number(match[1]), text.lstrip("v"))
        if match := _LINE.fullmatch(text):
            return cls(text.lstrip("v"), _number(match[1]), match[1])
        return cls(text.lstrip("v") if _NIGHTLY.fullmatch(text) else text, None)

    @classmethod
    def of_release(cls, text: str, release: str) -> Self:
        """A tag as it stands, and the release that somebody says is in the image."""
        if not is_tag(text):
            raise ValueError(f"{text!r} is not a valid tag; {VERSION_HELP}")
        if (number := number_of(release)) is None:
            raise ValueError(f"{release!r} is not a release; {RELEASE_HELP}")
        return cls(text, number, release)

    def at_least(self, major: int, minor: int, patch: int = 0) -> bool:
        """Whether this release has what came with the given one."""
        return self.number is None or self.number >= (major, minor, patch)

    @property
    def guessed(self) -> bool:
        """Whether it counts as the newest only for want of knowledge; nightly builds are."""
        return self.number is None and not _NIGHTLY.fullmatch(self.text)

    @property
    def label(self) -> str:
        """The tag as the value of a label, cut and marked by a digest where it cannot be one."""
        if len(self.text) <= _LABEL_MAX and _LABEL.fullmatch(self.text):
            return self.text
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:8]
        return f"{self.text.strip('._-')[: _LABEL_MAX - 9]}-{digest}".lstrip("-")

    @property
    def knows_server_name(self) -> bool:
        """Measured: 2.1.0 refuses `server_name`, 2.1.2 takes it."""
        return self.at_least(2, 1, 2)

    @property
    def knows_cluster_name(self) -> bool:
        """Measured: 2.1.9 refuses the name of a cluster, 2.2.0 takes it."""
        return self.at_least(2, 2)

    @property
    def knows_healthz(self) -> bool:
        """Measured: 2.7.0 answers 404 to /healthz, 2.7.4 answers 200."""
        return self.at_least(2, 7, 4)

    @property
    def checks_payload(self) -> bool:
        """Measured: 2.3.0 starts with `max_payload` above `max_pending`, 2.3.4 does not."""
        return self.at_least(2, 3, 4)

    @property
    def binary(self) -> str:
        """Where the server is inside its image; by the image's PATH where the tag does not say."""
        if _NIGHTLY.fullmatch(self.text):
            return "/bin/nats-server"
        if not self.at_least(2, 0):
            return "/gnatsd"
        if "alpine" in self.text:
            return "/usr/local/bin/nats-server"
        says = self.claim and self.text.startswith(self.claim)
        return "/nats-server" if says else "nats-server"

    def matches(self, reported: str) -> bool:
        """Whether a server whose /varz reports this version runs what the tag claims."""
        if not self.claim:
            return True
        release = _digits(self.claim)
        if release.count(".") < 2:
            return reported.startswith(f"{release}.")
        return reported in (self.claim, _IMAGE_VARIANT.sub("", self.claim), release)

    def __str__(self) -> str:
        return self.text


def is_tag(text: str) -> bool:
    """Whether a registry would take it for the tag of an image."""
    return bool(_TAG.fullmatch(text)) and len(text) <= VERSION_MAX_LENGTH


def number_of(reported: str) -> Number | None:
    """The number of a release as a server reports it or a user writes it, if it is one."""
    return _number(_digits(reported)) if _RELEASE.fullmatch(reported) else None


def _digits(release: str) -> str:
    """Its two or three numbers, or the first one alone."""
    digits = _DIGITS.match(release)
    return digits[0] if digits else ""


def _number(digits: str) -> Number:
    """Of a line the newest: its tag moves on to that."""
    given = [int(part) for part in digits.split(".")]
    major, minor, patch = (given + [_NEWEST] * 2)[:3]
    return major, minor, patch
