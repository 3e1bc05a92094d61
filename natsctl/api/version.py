"""Versions of nats-server as image tags write them."""

import re
from typing import Final, Self

from attrs import frozen

DEFAULT_VERSION: Final = "2.15.3"
# The tag is also the value of a label, hence the length and the last character.
VERSION_PATTERN: Final = (
    r"^v*([0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}|nightly)([-._][A-Za-z0-9._-]*[A-Za-z0-9])?$"
)
VERSION_MAX_LENGTH: Final = 63
VERSION_RULE: Final = f"self == '' || self.matches(r'{VERSION_PATTERN}')"
VERSION_HELP: Final = f'write a full version such as "{DEFAULT_VERSION}"'

_TAG = re.compile(VERSION_PATTERN, re.ASCII)
_IMAGE_VARIANT = re.compile(r"-(alpine[0-9.]*|scratch|linux)$")


@frozen
class ServerVersion:
    """A nats-server release; `number` is None for nightly builds, which count as newest."""

    text: str
    number: tuple[int, int, int] | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an image tag; ValueError says what to write instead."""
        found = _TAG.match(text)
        if not found or text.endswith("\n") or len(text) > VERSION_MAX_LENGTH:
            raise ValueError(f"{text!r} is not a version of nats-server; {VERSION_HELP}")
        major, _, rest = found[1].partition(".")
        minor, _, patch = rest.partition(".")
        number = None if major == "nightly" else (int(major), int(minor), int(patch))
        return cls(text.lstrip("v"), number)

    def at_least(self, major: int, minor: int, patch: int = 0) -> bool:
        """Whether this release has what came with the given one."""
        return self.number is None or self.number >= (major, minor, patch)

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
        """Where the server is inside its image."""
        if self.number is None:
            return "/bin/nats-server"
        if not self.at_least(2, 0):
            return "/gnatsd"
        if "alpine" in self.text:
            return "/usr/local/bin/nats-server"
        return "/nats-server"

    def matches(self, reported: str) -> bool:
        """Whether a server whose /varz reports this version runs this tag."""
        if self.number is None:
            return True
        plain = ".".join(map(str, self.number))
        return reported in (self.text, _IMAGE_VARIANT.sub("", self.text), plain)

    def __str__(self) -> str:
        return self.text
